#pragma once
// A leader's data directory: a log whose appends are lost by a crash until they are
// synced, and a state store that changes in whole transactions. Copyable: a copy is a
// backup.
#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "sync/mirror_effect.hpp"
#include "sync/replica.hpp"
#include "tests/sim/random.hpp"

namespace turnstone::sim {

// What a state file holds.
struct StateImage {
  sync::Checkpoint checkpoint;
  std::map<crdt::CellName, std::string> cells;
  // Of the audit.
  std::set<Hash128> conflicts;

  // What its log would begin behind.
  VersionVector vector() const;
};

// A copy of another leader's state file as far as it came.
struct Staging {
  sync::StagedCopy copy;
  std::string bytes;

  // What a start finds of it.
  sync::StagedCopy found() const;
};

// A batch beside the log: of a log whose place a copied state took.
struct EarlierWrites {
  sync::Append batch;
  VersionVector seen;  // by its author, before it
  bool own = false;    // of this region
};

class Disk {
 public:
  // --- the log

  void append(const sync::Append& batch);
  // Every append up to here survives from now on.
  void sync(sync::Lsn lsn);
  // Loses what was not synced; a part of it may have reached the platter all the same.
  void crash(Random& random);
  void lose_unsynced() { log_.resize(synced_); }
  bool has_unsynced() const { return synced_ < log_.size(); }
  sync::Lsn last_lsn() const { return floor_lsn_ + log_.size(); }
  sync::Lsn synced_lsn() const { return floor_lsn_ + synced_; }
  // Cuts the durable log's old end: half of it at once, and the rest as batches are synced. A
  // crash leaves what is left of that.
  void truncate(sync::Lsn up_to);
  sync::Lsn floor_lsn() const { return floor_lsn_; }
  // Null when it is not durable.
  const sync::Append* find(sync::Lsn lsn) const;
  void scan(const std::function<void(std::string_view)>& visit) const;
  // What the durable log holds.
  const VersionVector& holds() const { return holds_; }
  // In the log, or beside it.
  bool has(Stamp stamp) const;

  // --- beside the log

  std::vector<EarlierWrites> earlier;
  bool has_own_earlier() const;
  // Puts there, before what is there, what the log of another directory (or the present one) has and
  // `vector` lacks; `own` are the origins of this region that `from` knows.
  void keep_earlier(const Disk& from, const std::string& region, const std::set<Origin>& own,
                    const VersionVector& vector);

  // --- the state

  void store(const sync::Checkpoint& checkpoint, const std::vector<crdt::CellImage>& images,
             std::set<Hash128> conflicts);
  const StateImage& state() const { return state_; }
  sync::Lsn state_lsn() const { return state_.checkpoint.lsn; }
  VersionVector state_vector() const;
  VersionVector stored_vector() const { return state_.vector(); }
  // Throws a Finding when a stored cell cannot be read.
  void load_cells(crdt::Keyspace& keyspace) const;

  // --- mirrors

  // This leader takes writes once it has caught up with another region.
  bool joining = false;
  // Its reports count for no stability yet.
  bool quiet = false;
  std::optional<Staging> staging;
  // Verified, and to be put in the place of the state and the log.
  std::optional<StateImage> checked;
  std::set<Origin> own;  // as it was checked with
  // What a start does first of all. True when the state is a new one.
  bool finish_install(const std::string& region);

  // Recovers a replica the way the server does: state, positions in the log, replay.
  // Throws a Finding when something stored is refused. A host need not keep what the cells
  // have forgotten while its log is whole.
  void recover(sync::Replica& replica, bool keeps_forgotten) const;
  // The origin of the region's newest batch in the log.
  Origin newest_origin_of(const std::string& region) const;

 private:
  void cut(sync::Lsn up_to);

  std::deque<sync::Append> log_;  // of lsn floor_lsn_ + 1, + 2, ...
  sync::Lsn floor_lsn_ = 0;
  VersionVector floor_;
  sync::Lsn cut_up_to_ = 0;
  std::size_t synced_ = 0;
  VersionVector holds_;
  StateImage state_;
};

}  // namespace turnstone::sim
