#include "tests/sim/oracle.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "tests/sim/finding.hpp"

namespace turnstone::sim {
namespace {

using Verb = OwnedEffect::Verb;

std::string text(const RowId& id, Hlc hlc) {
  return to_string(id.operation) + "." + std::to_string(id.index) + "@" + std::to_string(hlc);
}

}  // namespace

bool Product::live(const VersionVector& applied) const {
  return applied.covers(id.operation) &&
         std::none_of(ended_by.begin(), ended_by.end(), [&](Stamp by) { return applied.covers(by); });
}

std::vector<crdt::CellName> History::scope(const OwnedEffect& effect) const {
  if (effect.verb == Verb::settle) return {};
  if (effect.verb == Verb::put || effect.verb == Verb::remove || effect.verb == Verb::increment ||
      effect.verb == Verb::resolve) {
    return {{effect.key, effect.field, effect.kind}};
  }
  std::vector<crdt::CellName> names;
  for (const auto& [name, products] : cells_) {
    if (!is_visible(name.kind)) continue;
    if (effect.verb == Verb::clear_all || name.key == effect.key) names.push_back(name);
  }
  return names;
}

bool History::saw(const Operation& operation, Stamp other) const {
  if (!operation.context.covers(other)) return false;
  if (operation.was.empty() || operation.as_of.covers(other)) return true;
  const auto found = operations_.find(other);
  return found != operations_.end() &&
         std::any_of(found->second.was.begin(), found->second.was.end(),
                     [&](Stamp earlier) { return operation.as_of.covers(earlier); });
}

Stamp History::now(Stamp stamp) const {
  const auto found = now_.find(stamp);
  return found == now_.end() ? stamp : found->second;
}

void History::add(Operation operation) {
  const Stamp stamp = operation.stamp;
  for (const Stamp was : operation.was) now_[was] = stamp;
  require(!operations_.contains(stamp), "stamp " + to_string(stamp) + " names two operations");
  // The first effect of what is stamped again is that it is.
  std::uint32_t index = operation.was.empty() ? 0 : 1;
  for (const OwnedEffect& effect : operation.effects) {
    if (effect.verb != Verb::increment) {
      for (const crdt::CellName& name : scope(effect)) {
        const auto cell = cells_.find(name);
        if (cell == cells_.end()) continue;
        for (Product& product : cell->second) {
          // Counters are left alone by what is stamped again.
          if (product.increment && !operation.was.empty()) continue;
          if (effect.verb == Verb::resolve) {
            const bool is_named =
                std::find(effect.rows.begin(), effect.rows.end(), product.id) != effect.rows.end();
            if (is_named && !product.increment) product.ended_by.push_back(stamp);
            continue;
          }
          // Earlier effects of the operation itself have been seen, too.
          const Stamp made_by = product.id.operation;
          if (made_by == stamp || saw(operation, made_by)) product.ended_by.push_back(stamp);
        }
      }
    }
    if (effect.verb == Verb::put || effect.verb == Verb::increment ||
        (effect.verb == Verb::resolve && effect.has_value)) {
      cells_[{effect.key, effect.field, effect.kind}].push_back(
          {{stamp, index},
           operation.hlc,
           effect.verb == Verb::increment,
           effect.value,
           effect.amount,
           effect.has_base ? " over " + std::to_string(effect.base_rows) + "=" + effect.base : "",
           {}});
    }
    ++index;
  }
  operations_.emplace(stamp, std::move(operation));
}

const Operation* History::find(Stamp stamp) const {
  const auto it = operations_.find(stamp);
  return it == operations_.end() ? nullptr : &it->second;
}

bool History::concurrent(Stamp a, Stamp b) const {
  const Operation* first = find(a);
  const Operation* second = find(b);
  return first != nullptr && second != nullptr && a != b && !saw(*first, b) && !saw(*second, a);
}

bool History::left_out(const RowId& chosen, const RowId& other) const {
  const Operation* operation = find(chosen.operation);
  if (operation == nullptr) return false;
  const std::size_t at = chosen.index - (operation->was.empty() ? 0 : 1);
  const OwnedEffect& effect = operation->effects.at(at);
  return effect.verb == Verb::resolve &&
         std::find(effect.rows.begin(), effect.rows.end(), other) == effect.rows.end();
}

std::string History::line(const crdt::CellName& cell, const VersionVector& applied) const {
  const auto found = cells_.find(cell);
  if (found == cells_.end()) return {};
  std::vector<const Product*> rows;
  FixedDecimal total;
  const Product* newest = nullptr;
  for (const Product& product : found->second) {
    if (!product.live(applied)) continue;
    if (!product.increment) {
      rows.push_back(&product);
      continue;
    }
    total += product.amount;
    if (newest == nullptr || std::tie(product.hlc, product.id) > std::tie(newest->hlc, newest->id)) {
      newest = &product;
    }
  }
  if (rows.empty() && newest == nullptr) return {};
  std::sort(rows.begin(), rows.end(), [](const Product* a, const Product* b) { return a->id < b->id; });
  std::string line = cell.key + ' ' + std::string(crdt::name(cell.kind)) + " [" + cell.field + "]";
  for (const Product* row : rows) line += " " + text(row->id, row->hlc) + "=" + row->value;
  for (const Product* row : rows) {
    if (row->over.empty()) continue;
    line += " " + to_string(row->id.operation) + "." + std::to_string(row->id.index) + row->over;
  }
  if (newest != nullptr) line += " total " + total.to_string() + " newest " + text(newest->id, newest->hlc);
  return line;
}

void Expectation::touch(Stamp stamp, std::set<crdt::CellName>& touched) const {
  const Operation* operation = history_->find(stamp);
  require(operation != nullptr, "an operation " + to_string(stamp) + " is applied that nobody made");
  for (const OwnedEffect& effect : operation->effects) {
    for (crdt::CellName& name : history_->scope(effect)) touched.insert(std::move(name));
  }
}

void Expectation::advance(const VersionVector& applied) {
  if (!applied.covers(at_)) {
    at_ = {};
    lines_.clear();
  }
  std::set<crdt::CellName> touched;
  for (const auto& [origin, seq] : applied.entries()) {
    for (Seq s = at_.get(origin) + 1; s <= seq; ++s) touch({origin, s}, touched);
  }
  at_ = applied;
  for (const crdt::CellName& name : touched) {
    std::string line = history_->line(name, at_);
    if (line.empty()) {
      lines_.erase(name);
    } else {
      lines_[name] = std::move(line);
    }
  }
}

std::string Expectation::canonical() const {
  std::vector<std::string> sorted;
  for (const auto& [name, line] : lines_) sorted.push_back(line);
  std::sort(sorted.begin(), sorted.end());
  std::string all;
  for (const std::string& line : sorted) all += line + '\n';
  return all;
}

}  // namespace turnstone::sim
