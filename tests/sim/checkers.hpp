#pragma once
// The promises, each checked from what the run has shown. A broken one is a Finding.
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/hash.hpp"
#include "tests/sim/bounds.hpp"
#include "tests/sim/leader.hpp"
#include "tests/sim/ledger.hpp"
#include "tests/sim/oracle.hpp"
#include "tests/sim/swarm.hpp"

namespace turnstone::sim {

class Checkers {
 public:
  Checkers(const std::vector<Leader>& leaders, const Swarm& swarm);

  // --- what happened

  void started(const Leader& leader);
  // The leader's disk is an old copy now; `before` is what it had.
  void restored(const Leader& leader, const Disk& before);
  // Both have what the copied directory had.
  void cloned(const Leader& original, const Leader& clone);
  // The leader's region is no member any more: what it alone has is not waited for.
  void removed(const Leader& leader);
  void disk_lost(const Leader& leader, const Disk& before);
  // The leader's state and log are a copy of another one's now.
  void installed(const Leader& leader);
  void stamped(const Leader& leader, Operation operation);
  void appended(const Leader& leader, const sync::Append& batch);
  void sent(const Leader& leader, const std::string& frame);
  void acknowledged(const Leader& leader, Stamp stamp);
  void conflict(const Leader& leader, const crdt::Conflict& conflict);
  void alarm(const Leader& leader, const sync::Alarm& alarm);
  void stored(const Leader& leader);

  // --- what must hold

  // Of the leader that made a step.
  void after_step(const Leader& leader);
  // Of all, once every fault is over and everything has arrived.
  void at_rest();
  // Every leader's vectors are as short as they are to become.
  bool all_short() const;
  // Every leader has lately compared all its buckets with those of every other.
  bool all_compared() const;

  // On record anywhere.
  std::size_t conflicts() const;
  const std::set<Hash128>& conflicts_of(const Leader& leader) { return watch(leader).conflicts; }
  const History& history() const { return history_; }
  // For clients to draw from.
  Ledger& ledger() { return ledger_; }

 private:
  struct Watch {
    explicit Watch(const History& history) : expected(history) {}
    Expectation expected;
    VersionVector vector;
    std::uint64_t duplicates = 0;
    bool changed = false;
    std::size_t unchecked_changes = 0;
    // Acknowledged here and not lost with a restore.
    VersionVector owed;
    // This leader's runs on this disk, and the highest stamp of theirs that it holds.
    std::set<Origin> runs;
    Hlc own_hlc = 0;
    std::set<Hash128> conflicts;
  };

  Watch& watch(const Leader& leader);
  void check_vectors(const Leader& leader, Watch& watch);
  void check_conflicts_found(const Leader& leader);
  void note_operation(const Leader& leader, Operation operation);
  void check_again(const Leader& leader, const Operation& operation) const;
  // What nobody but `except` holds of it is lost.
  void note_lost(const Leader& leader, const Disk& before, const Leader* except);
  void check_new_operations(const Leader& leader, const Watch& watch) const;
  void check_state(const Leader& leader, Watch& watch);
  void check_compared(const Leader& leader) const;
  void check_acknowledged_everywhere() const;
  void check_conflicts_on_record(const Leader& leader, const Watch& watch) const;

  const std::vector<Leader>& leaders_;
  const Swarm& swarm_;
  bool resting_ = false;
  bool disk_was_lost_ = false;
  bool writes_lost_ = false;  // or, by a restore, forgotten for a while
  History history_;
  Ledger ledger_;
  Slack slack_;
  std::vector<Watch> watches_;
  std::map<Origin, std::set<Seq>> batch_ends_;
  std::vector<crdt::Conflict> found_;  // in this step
  std::set<Stamp> acknowledged_;
  std::map<Origin, std::string> authors_;
  // Acknowledged, but every disk that held them was replaced by an older copy.
  std::set<Stamp> lost_;
  // Acknowledged by a region whose disks have it no more: void, it comes back with nobody.
  std::set<Stamp> orphans_;
};

}  // namespace turnstone::sim
