#pragma once
// The conflicts that this leader saw: the newest in memory, and those that the next
// checkpoint will store.
#include <cstdint>
#include <deque>
#include <set>
#include <vector>

#include "regions/commands/leader_port.hpp"
#include "regions/durability/stored_forms.hpp"

namespace turnstone::regions {

class ConflictLog {
 public:
  // Kept in memory for TS.CONFLICTS; the checkpoints keep more.
  static constexpr std::size_t conflicts_max = 10'000;
  // Of both values of all of them, in memory; and of those that wait for a checkpoint, which is
  // hurried at half of it. Beyond that they are lost, and counted.
  static constexpr std::size_t conflicts_bytes_max = 64u * 1024 * 1024;

  // A conflict that is known already is not recorded again. Its time is that of the later
  // side, so that it is the same on every leader and when the log is replayed.
  void add(const crdt::Conflict& conflict);
  // What earlier runs stored, and what the replay of the log found.
  void restore(const std::vector<durability::FoundConflict>& stored_newest_first,
               const std::vector<durability::FoundConflict>& replayed_oldest_first);

  // The newest first.
  std::vector<commands::RecordedConflict> newest(std::size_t count) const;
  // What was recorded since the last call.
  std::vector<durability::FoundConflict> take_unstored();
  std::uint64_t recorded() const { return recorded_; }
  std::size_t size() const { return conflicts_.size(); }
  std::size_t bytes() const { return bytes_; }
  // A checkpoint should come soon.
  bool many_unstored() const { return unstored_bytes_ > conflicts_bytes_max / 2; }
  std::size_t unstored_bytes() const { return unstored_bytes_; }
  // Known on disk only, since newer ones took their place.
  std::uint64_t pushed_out() const { return pushed_out_; }
  // Not stored, for want of room.
  std::uint64_t lost() const { return lost_; }

 private:
  void record(const durability::FoundConflict& found);
  bool keep(const durability::FoundConflict& found);

  std::deque<commands::RecordedConflict> conflicts_;
  std::set<Hash128> ids_;
  std::vector<durability::FoundConflict> unstored_;
  std::uint64_t recorded_ = 0;
  std::size_t bytes_ = 0;
  std::size_t unstored_bytes_ = 0;
  std::uint64_t pushed_out_ = 0;
  std::uint64_t lost_ = 0;
};

}  // namespace turnstone::regions
