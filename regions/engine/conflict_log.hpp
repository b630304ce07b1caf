#pragma once
// The conflicts that this leader saw: the newest in memory, and those that the next
// checkpoint will store.
#include <cstdint>
#include <deque>
#include <functional>
#include <set>
#include <utility>
#include <vector>

#include "regions/audit/query.hpp"

namespace turnstone::regions {

class ConflictLog {
 public:
  // Kept in memory for TS.CONFLICTS; the checkpoints keep more.
  static constexpr std::size_t conflicts_max = 10'000;
  // Of both values of all of them, in memory; and of those that wait for a checkpoint, which is
  // hurried at half of it. Beyond that they are lost, and counted.
  static constexpr std::size_t conflicts_bytes_max = 64u * 1024 * 1024;

  // Makes an entry of a conflict that was found just now.
  using Describe = std::function<audit::Entry(const crdt::Conflict&)>;
  explicit ConflictLog(Describe describe) : describe_(std::move(describe)) {}

  // A conflict that is known already is not recorded again.
  void add(const crdt::Conflict& conflict);
  // What earlier runs stored, and what the replay of the log found.
  void restore(const std::vector<audit::Entry>& stored_newest_first,
               const std::vector<crdt::Conflict>& replayed_oldest_first);

  // The newest first.
  std::vector<audit::Entry> newest(std::size_t count) const;
  // What was recorded since the last call; on its way to the file until stored() is called.
  audit::SharedEntries take_unstored();
  void stored() { storing_.clear(); }
  // Somebody has chosen; a checkpoint should come soon.
  void add(storage::AuditSettlement settlement) { settlements_.push_back(std::move(settlement)); }
  std::vector<storage::AuditSettlement> take_settlements() { return std::exchange(settlements_, {}); }
  // What may not be in the file yet.
  audit::SharedEntries not_in_file() const;
  std::uint64_t recorded() const { return recorded_; }
  std::size_t size() const { return conflicts_.size(); }
  std::size_t bytes() const { return bytes_; }
  bool has_unstored() const { return !unstored_.empty() || !settlements_.empty(); }
  // A checkpoint should come soon.
  bool many_unstored() const { return unstored_bytes_ > conflicts_bytes_max / 2 || !settlements_.empty(); }
  std::size_t unstored_bytes() const { return unstored_bytes_; }
  // Known on disk only, since newer ones took their place.
  std::uint64_t pushed_out() const { return pushed_out_; }
  // Not stored, for want of room.
  std::uint64_t lost() const { return lost_; }

 private:
  void keep(audit::SharedEntry found);

  Describe describe_;
  std::deque<audit::SharedEntry> conflicts_;
  std::set<Hash128> ids_;
  audit::SharedEntries unstored_;
  audit::SharedEntries storing_;
  std::vector<storage::AuditSettlement> settlements_;
  std::uint64_t recorded_ = 0;
  std::size_t bytes_ = 0;
  std::size_t unstored_bytes_ = 0;
  std::uint64_t pushed_out_ = 0;
  std::uint64_t lost_ = 0;
};

}  // namespace turnstone::regions
