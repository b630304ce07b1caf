#include "crdt/cell.hpp"

#include <algorithm>
#include <limits>
#include <tuple>

#include "core/marks.hpp"
#include "core/planted.hpp"

namespace turnstone::crdt {

bool wins_over(Hlc a_hlc, const RowId& a_id, Hlc b_hlc, const RowId& b_id) {
  return std::tie(a_hlc, a_id) > std::tie(b_hlc, b_id);
}

const Row* Cell::winner() const {
  const Row* best = nullptr;
  for (const Row& row : siblings_) {
    if (best == nullptr || wins_over(row.hlc, row.id, best->hlc, best->id)) best = &row;
  }
  return best;
}

std::pair<Hlc, RowId> Cell::newest() const {
  std::pair<Hlc, RowId> best;
  if (const Row* row = winner()) best = {row->hlc, row->id};
  if (counter_) best = std::max(best, {counter_->newest_hlc, counter_->newest});
  return best;
}

std::optional<FixedDecimal> Cell::number() const {
  const Row* row = winner();
  if (row == nullptr) return counter_ ? std::optional(counter_->total) : std::nullopt;
  const auto base = FixedDecimal::parse(row->value);
  if (!base) return std::nullopt;
  return counter_ ? *base + counter_->total : *base;
}

std::string_view Cell::shown(std::string& scratch) const {
  const Row* row = winner();
  const auto sum = counter_ ? number() : std::nullopt;
  if (!sum) return row != nullptr ? std::string_view(row->value) : std::string_view();
  static const FixedDecimal lowest = FixedDecimal::from_int(std::numeric_limits<std::int64_t>::min());
  static const FixedDecimal highest = FixedDecimal::from_int(std::numeric_limits<std::int64_t>::max());
  scratch = std::clamp(*sum, lowest, highest).to_string();
  return scratch;
}

void Cell::remove_seen(const Author& author) {
  std::erase_if(siblings_, [&](const Row& row) {
    if (planted(Planted::clock_over_causality) && row.hlc > author.hlc) return false;
    return author.saw(row.id.operation);
  });
  if (!counter_ || author.as_of != nullptr) return;
  // Whatever the author had not seen is unstable, so it is listed; the rest is cancelled.
  auto& unstable = counter_->unstable;
  std::erase_if(unstable, [&](const Contribution& c) { return author.saw(c.id.operation); });
  if (unstable.empty()) {
    counter_.reset();
    return;
  }
  reached(Mark::counter_partly_cancelled);
  counter_->total = {};
  counter_->newest_hlc = 0;
  counter_->newest = {};
  for (const Contribution& c : unstable) {
    counter_->total += c.amount;
    if (wins_over(c.hlc, c.id, counter_->newest_hlc, counter_->newest)) {
      counter_->newest_hlc = c.hlc;
      counter_->newest = c.id;
    }
  }
}

void Cell::add(Row row) {
  const auto at = std::lower_bound(siblings_.begin(), siblings_.end(), row,
                                   [](const Row& a, const Row& b) { return a.id < b.id; });
  siblings_.insert(at, std::move(row));
}

bool Cell::increment(const RowId& id, const Author& author, FixedDecimal amount) {
  if (!counter_) counter_ = std::make_unique<Counter>();
  counter_->total += amount;
  if (wins_over(author.hlc, id, counter_->newest_hlc, counter_->newest)) {
    counter_->newest_hlc = author.hlc;
    counter_->newest = id;
  }
  auto& unstable = counter_->unstable;
  // No context ends inside a batch, so nobody can tell these apart: one entry for both.
  if (!unstable.empty()) {
    Contribution& last = unstable.back();
    if (last.id.operation.origin == id.operation.origin && last.id.operation.seq >= author.batch_first_seq) {
      last.id = id;
      last.hlc = author.hlc;
      last.amount += amount;
      if (planted(Planted::count_joined_twice)) counter_->total += amount;
      reached(Mark::increments_joined);
      return false;
    }
  }
  unstable.push_back({id, author.hlc, amount});
  return true;
}

std::size_t Cell::forget_stable(const VersionVector& stable) {
  if (!counter_) return 0;
  return std::erase_if(counter_->unstable,
                       [&](const Contribution& c) { return stable.covers(c.id.operation); });
}

}  // namespace turnstone::crdt
