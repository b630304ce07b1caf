#pragma once
// The simulated host of one replica: what the server's engine, committer, checkpointer and
// log reader do, on a simulated clock and disk. It crashes, restarts and is restored.
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/sim/disk.hpp"
#include "tests/sim/mirror_host.hpp"
#include "tests/sim/operation.hpp"

namespace turnstone::sim {

class World;

class Leader {
 public:
  Leader(World& world, std::size_t index, std::string region);

  std::size_t index() const { return index_; }
  const std::string& region() const { return region_; }
  bool up() const { return replica_ != nullptr; }
  // Only while up.
  sync::Replica& replica() { return *replica_; }
  const sync::Replica& replica() const { return *replica_; }
  const Disk& disk() const { return disk_; }
  // It is up, has no other region's state to take first, and is the leader of a member.
  bool takes_writes() const { return up() && mirror_->takes_writes() && !replica_->exclusion(); }
  // And its disk is not behind.
  bool reads_requests() const {
    return takes_writes() && !replica_->history_ended() && !replica_->being_ended() &&
           replica_->uncommitted_bytes() <= replica_->config().limits.uncommitted_bytes_max;
  }
  // No copy covers what it has: somebody has to decide.
  bool needs_help() const { return needs_help_; }
  // Writes that clients still wait for.
  std::size_t unanswered() const { return tickets_.size(); }
  // Copies of its state on its disk, for others to take.
  std::size_t copies_given() const { return mirror_ == nullptr ? 0 : mirror_->copies_given(); }
  // What this machine takes for the time.
  std::uint64_t clock_ms() const;
  void jump_clock(std::int64_t by_ms) { clock_offset_ms_ += by_ms; }
  // The latest time that this machine's clock has ever shown.
  std::uint64_t latest_clock_ms() const { return latest_clock_ms_; }

  // A process starts on what the disk holds, as a fresh origin.
  void start();
  // Everything in memory and everything unsynced is lost.
  void crash();
  // While down: the data directory is replaced.
  void restore(Disk copy);
  // A second leader of the region, never started yet, gets a copy of another one's directory.
  void clone(const Leader& original, Disk copy);
  // For good.
  void end();
  bool ended() const { return ended_; }
  // While down: the data directory is empty, and the next start says --join.
  void lose_disk();
  // It is empty as it is.
  void join() { join_ = true; }
  // While down: another directory of the region is found, with what was written there.
  void find_disk(const Disk& found);

  void receive(const std::string& peer, const std::string& frame);
  // One operation of a client.
  void write(std::vector<OwnedEffect> effects);
  // An operation of the administrator's.
  void stamp(const std::vector<crdt::Effect>& effects);
  void tick();
  void begin_checkpoint();

  // --- for the mirror

  // Schedules work of this process; nothing happens if it is gone by then.
  void later(std::uint64_t delay_ms, std::function<void()> work);
  void raise(const sync::Alarm& alarm);
  // The process ends, and another one starts on what is then in the data directory.
  void reopen();

 private:
  struct Ticket {
    sync::Lsn lsn;
    Stamp stamp;
  };
  struct CheckpointUnderWay {
    sync::Checkpoint checkpoint;
    std::vector<crdt::CellImage> images;
    std::set<Hash128> conflicts;
  };

  void end_process();
  void step(sync::Event event);
  void carry_out(sync::Effects effects);
  void acknowledge(sync::Lsn up_to);
  void keep_log_busy();
  void read_log(const sync::ReadLog& wish);
  void go_on_with_checkpoint();
  void bring_back();

  World& world_;
  const std::size_t index_;
  const std::string region_;
  Disk disk_;
  std::unique_ptr<sync::Replica> replica_;
  std::unique_ptr<MirrorHost> mirror_;
  std::uint64_t process_ = 0;  // which start this is
  bool restored_ = false;
  bool join_ = false;
  bool ended_ = false;
  bool needs_help_ = false;
  std::int64_t clock_offset_ms_ = 0;
  mutable std::uint64_t latest_clock_ms_ = 0;
  bool syncing_ = false;
  std::uint64_t next_committed_ms_ = 0;
  std::uint64_t next_return_ms_ = 0;
  std::deque<Ticket> tickets_;
  std::optional<CheckpointUnderWay> checkpoint_;
};

}  // namespace turnstone::sim
