#pragma once
// Sees to it that merge functions that fail, or cannot be had here, are on record and known,
// whether anybody reads those keys or not.
#include <cstddef>
#include <deque>
#include <functional>
#include <set>
#include <string>

#include "crdt/merge/merging.hpp"
#include "sync/event.hpp"

namespace turnstone::regions {

class MergeWatch {
 public:
  // Cells with siblings that wait to be looked at. The oldest is left to its readers beyond this.
  static constexpr std::size_t waiting_max = 10'000;

  using Record = std::function<void(const crdt::Conflict&)>;
  using Alarm = std::function<void(const sync::Alarm&)>;
  MergeWatch(const crdt::Keyspace& keyspace, crdt::Merging& merging, Record record, Alarm alarm);

  // Siblings have met: their function is tried soon. May be called while an effect is applied.
  void conflict_found(const crdt::Conflict& conflict);
  // Tries some of them.
  void tick();
  // Policies whose functions cannot be had here: an alarm when they change.
  void look_for_missing();

  std::size_t waiting() const { return waiting_.size(); }
  std::uint64_t left_to_readers() const { return left_to_readers_; }

 private:
  void failed(const crdt::MergeFailure& failure);

  const crdt::Keyspace& keyspace_;
  crdt::Merging& merging_;
  Record record_;
  Alarm alarm_;
  std::deque<crdt::CellName> waiting_;
  std::uint64_t left_to_readers_ = 0;
  std::set<std::string> missing_;
};

}  // namespace turnstone::regions
