#include "crdt/cell.hpp"

#include <algorithm>
#include <limits>
#include <tuple>

#include "core/marks.hpp"
#include "core/planted.hpp"

namespace turnstone::crdt {

namespace {

std::string_view clamped(FixedDecimal number, std::string& scratch) {
  static const FixedDecimal lowest = FixedDecimal::from_int(std::numeric_limits<std::int64_t>::min());
  static const FixedDecimal highest = FixedDecimal::from_int(std::numeric_limits<std::int64_t>::max());
  scratch = std::clamp(number, lowest, highest).to_string();
  return scratch;
}

}  // namespace

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

const std::vector<ReplacedValue>& Cell::replaced() const {
  static const std::vector<ReplacedValue> none;
  return replaced_ ? *replaced_ : none;
}

const std::string* Cell::base() const {
  if (siblings_.empty() || replaced().size() != siblings_.size()) return nullptr;
  const ReplacedValue& first = replaced_->front();
  const bool is_common = std::all_of(replaced_->begin(), replaced_->end(), [&](const ReplacedValue& other) {
    return other.rows == first.rows && other.value == first.value;
  });
  return is_common ? &first.value : nullptr;
}

Base Cell::as_base(std::string_view value) const {
  std::string ids;
  RecordWriter out(ids);
  for (const Row& row : siblings_) {
    out.record(3)
        .uint(static_cast<std::uint64_t>(row.id.operation.origin))
        .uint(row.id.operation.seq)
        .uint(row.id.index);
  }
  return {hash64(ids), value};
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
  if (row == nullptr) return counter_ ? clamped(counter_->total, scratch) : std::string_view();
  return shown(row->value, scratch);
}

std::string_view Cell::shown(std::string_view chosen, std::string& scratch) const {
  const auto number = counter_ ? FixedDecimal::parse(chosen) : std::nullopt;
  return number ? clamped(*number + counter_->total, scratch) : chosen;
}

template <class Gone>
void Cell::remove_siblings(const Gone& gone) {
  std::erase_if(siblings_, gone);
  if (!replaced_) return;
  std::erase_if(*replaced_, [&](const ReplacedValue& replaced) {
    return std::none_of(siblings_.begin(), siblings_.end(),
                        [&](const Row& row) { return row.id == replaced.row; });
  });
  if (replaced_->empty()) replaced_.reset();
}

void Cell::remove_seen(const Author& author) {
  remove_siblings([&](const Row& row) {
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

void Cell::remove_named(const std::vector<RowId>& rows) {
  remove_siblings([&](const Row& row) { return std::find(rows.begin(), rows.end(), row.id) != rows.end(); });
}

void Cell::add(Row row, const std::optional<Base>& base) {
  if (base) {
    if (!replaced_) replaced_ = std::make_unique<std::vector<ReplacedValue>>();
    const auto place = std::find_if(replaced_->begin(), replaced_->end(),
                                    [&](const ReplacedValue& other) { return row.id < other.row; });
    replaced_->insert(place, {row.id, base->rows, std::string(base->value)});
  }
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
