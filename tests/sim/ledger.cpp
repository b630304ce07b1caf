#include "tests/sim/ledger.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "tests/sim/finding.hpp"

namespace turnstone::sim {
namespace {

// All of them together stay far from where a sum wraps.
constexpr std::size_t entries_max = 60;

std::size_t exponent_of(FixedDecimal amount) {
  Int128 left = amount.raw() < 0 ? -amount.raw() : amount.raw();
  std::size_t exponent = 0;
  for (; left > 1; left /= 4) ++exponent;
  return exponent;
}

}  // namespace

OwnedEffect Ledger::next(Random& random) {
  if (counters_.empty() || counters_.back().entries.size() == entries_max) {
    const std::string key = "n" + std::to_string(counters_.size());
    const bool in_hash = random.chance(0.5);
    counters_.push_back({{key, in_hash ? "total" : "", in_hash ? crdt::Kind::hash : crdt::Kind::string}, {}});
  }
  Counter& counter = counters_.back();
  const std::size_t exponent = counter.entries.size();
  counter.entries.push_back({random.chance(0.5), {}});
  OwnedEffect effect;
  effect.verb = OwnedEffect::Verb::increment;
  effect.key = counter.cell.key;
  effect.kind = counter.cell.kind;
  effect.field = counter.cell.field;
  const Int128 amount = Int128{1} << (2 * exponent);
  effect.amount = FixedDecimal::from_raw(counter.entries.back().negative ? -amount : amount);
  return effect;
}

void Ledger::stamped(const Operation& operation) {
  for (const OwnedEffect& effect : operation.effects) {
    if (effect.verb == OwnedEffect::Verb::clear_all) cleared_ = true;
    if (effect.verb != OwnedEffect::Verb::increment) continue;
    for (Counter& counter : counters_) {
      if (counter.cell.key == effect.key)
        counter.entries[exponent_of(effect.amount)].stamps.push_back(operation.stamp);
    }
  }
}

std::vector<bool> Ledger::read(const std::string& region, const crdt::Keyspace& keyspace,
                               const Counter& counter) {
  const auto& [key, field, kind] = counter.cell;
  const crdt::Cell* cell = keyspace.find_cell(key, kind, field);
  const auto shown = cell == nullptr ? FixedDecimal() : cell->number();
  require(shown.has_value(), region + " shows no number in the counter " + key);
  std::vector<bool> counted;
  Int128 left = shown->raw();
  for (std::size_t exponent = 0; exponent < counter.entries.size(); ++exponent) {
    // -1, 0, 1 or 2: who counts twice shows 2, whatever the sign.
    const int digit = static_cast<int>((left + 1) & 3) - 1;
    left = (left - digit) / 4;
    const Entry& entry = counter.entries[exponent];
    if (digit != 0 && digit != (entry.negative ? -1 : 1)) {
      throw Finding(fmt::format("{} counts {} {} times: the increment of {} by {}4^{}", region,
                                to_string(entry.stamps.front()), digit == 2 ? 2 : 3, key,
                                entry.negative ? "-" : "", exponent));
    }
    counted.push_back(digit != 0);
  }
  require(left == 0, fmt::format("{} shows in the counter {} what nobody counted", region, key));
  return counted;
}

void Ledger::check(const std::string& region, const crdt::Keyspace& keyspace,
                   const VersionVector& applied) const {
  for (const Counter& counter : counters_) {
    const std::vector<bool> counted = read(region, keyspace, counter);
    for (std::size_t exponent = 0; exponent < counted.size(); ++exponent) {
      const auto& stamps = counter.entries[exponent].stamps;
      const bool expected =
          std::any_of(stamps.begin(), stamps.end(), [&](Stamp stamp) { return applied.covers(stamp); });
      if (counted[exponent] == expected || (expected && cleared_)) continue;
      throw Finding(fmt::format("{} counts {} {}", region, to_string(stamps.front()),
                                expected ? "not at all, and has it" : "and has it not"));
    }
  }
}

void Ledger::check_all_there(const std::string& region, const crdt::Keyspace& keyspace,
                             const std::set<Stamp>& promised) const {
  if (cleared_) return;
  for (const Counter& counter : counters_) {
    const std::vector<bool> counted = read(region, keyspace, counter);
    for (std::size_t exponent = 0; exponent < counted.size(); ++exponent) {
      const Stamp stamp = counter.entries[exponent].stamps.front();
      if (counted[exponent] || !promised.contains(stamp)) continue;
      throw Finding(fmt::format("{} does not count {}, which was acknowledged", region, to_string(stamp)));
    }
  }
}

}  // namespace turnstone::sim
