#pragma once
// The cell: the one thing that every type is made of. Siblings are register rows that
// have not seen each other (a multi-value register); contributions are increments, kept
// as one exact total. A write replaces the siblings and the contributions that its
// author had seen; what it had not seen stays. Nothing leaves a tombstone: the version
// vector tells a removed row from one that never arrived.
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/fixed_decimal.hpp"
#include "crdt/effect.hpp"

namespace turnstone::crdt {

struct Row {
  RowId id;
  Hlc hlc = 0;
  std::string value;
  friend bool operator==(const Row&, const Row&) = default;
};

// What the write of a row replaced, kept as long as the row (crdt::Base).
struct ReplacedValue {
  RowId row;
  std::uint64_t rows = 0;
  std::string value;
  friend bool operator==(const ReplacedValue&, const ReplacedValue&) = default;
};

// Last-write-wins order: the clock, then the operation id.
bool wins_over(Hlc a_hlc, const RowId& a_id, Hlc b_hlc, const RowId& b_id);

// An increment that is not causally stable yet: a reset that has not seen it may still
// come, and then the total is summed anew from the increments that remain here (the
// shared log as PO-log of Baquero, Almeida, Shoker, pure op-based CRDTs).
struct Contribution {
  RowId id;  // of the newest increment that it sums
  Hlc hlc = 0;
  FixedDecimal amount;
  friend bool operator==(const Contribution&, const Contribution&) = default;
};

struct Counter {
  FixedDecimal total;
  // The newest live increment by (hlc, id).
  RowId newest;
  Hlc newest_hlc = 0;
  // In the order applied.
  std::vector<Contribution> unstable;
  friend bool operator==(const Counter&, const Counter&) = default;
};

class Cell {
 public:
  // Sorted by id.
  const std::vector<Row>& siblings() const { return siblings_; }
  // Null without live increments.
  const Counter* counter() const { return counter_.get(); }
  bool empty() const { return siblings_.empty() && !counter_; }

  // In the order of the siblings; rows without one are left out.
  const std::vector<ReplacedValue>& replaced() const;
  // The value that every sibling replaced; null where they did not all replace the same.
  const std::string* base() const;
  // What the next write replaces, to go with it; `value` is what a reader sees.
  Base as_base(std::string_view value) const;

  // The sibling that last-write-wins shows; null without siblings.
  const Row* winner() const;
  // The newest row or increment, which decides the kind a key shows.
  std::pair<Hlc, RowId> newest() const;
  // What a reader sees: the winner, plus the total when the winner is a number, or the
  // total alone. Points into the cell or into `scratch`. Integers are clamped to 64 bits.
  std::string_view shown(std::string& scratch) const;
  // The same where something else than the winner was chosen among the siblings.
  std::string_view shown(std::string_view chosen, std::string& scratch) const;
  // The winner plus the total, not clamped; nothing when the winner is not a number.
  std::optional<FixedDecimal> number() const;

  // Drops the siblings and cancels the contributions that the author had seen; the siblings alone
  // where the operation is stamped again.
  void remove_seen(const Author& author);
  // Drops these siblings.
  void remove_named(const std::vector<RowId>& rows);
  void add(Row row, const std::optional<Base>& base = {});
  // True when it is listed as a contribution of its own, false when it joined one.
  bool increment(const RowId& id, const Author& author, FixedDecimal amount);
  // Forgets that stable contributions were single ones; the total is untouched. Returns
  // how many it forgot.
  std::size_t forget_stable(const VersionVector& stable);
  // Replaces the list of single contributions, which must sum up what is not stable.
  void relist(std::vector<Contribution> unstable) { counter_->unstable = std::move(unstable); }

 private:
  friend struct CellDecoder;
  template <class Gone>
  void remove_siblings(const Gone& gone);
  std::vector<Row> siblings_;
  std::unique_ptr<Counter> counter_;
  std::unique_ptr<std::vector<ReplacedValue>> replaced_;
};

}  // namespace turnstone::crdt
