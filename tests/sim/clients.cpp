#include "tests/sim/clients.hpp"

#include <array>

namespace turnstone::sim {
namespace {

using Verb = OwnedEffect::Verb;

std::string some_value(const Swarm& swarm, Random& random) {
  if (random.chance(swarm.large_value)) return std::string(random.between(100, swarm.large_value_max), 'x');
  static const std::vector<std::string> values = {"a", "b", "c", "", "1", "10", "-2.5", "abc"};
  return random.pick(values);
}

FixedDecimal some_amount(Random& random) {
  static const std::vector<std::string> amounts = {"1", "1", "2", "-1", "7", "0.1", "-0.25", "0", "9e18"};
  return *FixedDecimal::parse(random.pick(amounts));
}

OwnedEffect some_effect(const Swarm& swarm, Random& random) {
  OwnedEffect effect;
  const std::uint64_t key = random.below(swarm.keys);
  effect.key = "k" + std::to_string(key);
  // Mostly one kind for a key, sometimes another: kinds collide, too.
  const std::uint64_t kind = random.chance(0.1) ? random.below(3) : key % 3;
  effect.kind = static_cast<crdt::Kind>(kind + 1);
  if (effect.kind != crdt::Kind::string) effect.field = "f" + std::to_string(random.below(swarm.fields));
  if (random.chance(swarm.clear_all)) {
    effect.verb = Verb::clear_all;
  } else if (random.chance(0.08)) {
    effect.verb = Verb::clear;
  } else if (random.chance(0.2)) {
    effect.verb = Verb::remove;
  } else if (effect.kind != crdt::Kind::set && random.chance(swarm.counters)) {
    effect.verb = Verb::increment;
    effect.amount = some_amount(random);
  } else if (effect.kind != crdt::Kind::set) {
    effect.value = some_value(swarm, random);
  }
  return effect;
}

}  // namespace

std::vector<OwnedEffect> some_operation(const Swarm& swarm, Ledger& ledger, Random& random) {
  std::vector<OwnedEffect> effects;
  const std::uint64_t count = random.chance(0.7) ? 1 : random.between(2, 3);
  while (effects.size() < count) {
    if (random.chance(swarm.ledger)) {
      effects.push_back(ledger.next(random));
      continue;
    }
    OwnedEffect effect = some_effect(swarm, random);
    if (effect.verb == Verb::put && random.chance(0.1)) {
      effects.push_back(effect);
      effects.back().verb = Verb::replace;
    }
    effects.push_back(std::move(effect));
  }
  return effects;
}

void look_at(const crdt::Keyspace& keyspace, const Swarm& swarm, Random& random,
             std::vector<OwnedEffect>& effects) {
  if (swarm.choices == 0) return;
  for (OwnedEffect& effect : effects) {
    // Policies are written like this.
    const bool is_of_hash =
        effect.kind == crdt::Kind::hash && (effect.verb == Verb::put || effect.verb == Verb::remove);
    if (is_of_hash && random.chance(0.2)) effect.kind = crdt::Kind::cluster;
    if (effect.verb != Verb::put || effect.kind == crdt::Kind::set || !random.chance(swarm.choices)) continue;
    const crdt::Cell* cell = keyspace.find_cell(effect.key, effect.kind, effect.field);
    if (cell == nullptr || cell->siblings().empty()) continue;
    if (random.chance(0.5)) {
      std::string scratch;
      const crdt::Base base = cell->as_base(cell->shown(scratch));
      effect.has_base = true;
      effect.base_rows = base.rows;
      effect.base = base.value;
      continue;
    }
    effect.verb = Verb::resolve;
    effect.has_value = random.chance(0.8);
    for (const crdt::Row& row : cell->siblings()) {
      if (effect.rows.empty() || random.chance(0.5)) effect.rows.push_back(row.id);
    }
  }
}

}  // namespace turnstone::sim
