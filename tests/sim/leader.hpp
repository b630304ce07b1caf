#pragma once
// The simulated host of one replica: what the server's engine, committer, checkpointer and
// log reader do, on a simulated clock and disk. It crashes, restarts and is restored.
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/sim/disk.hpp"
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

  void receive(const std::string& peer, const std::string& frame);
  // One operation of a client.
  void write(std::vector<OwnedEffect> effects);
  void tick();
  void begin_checkpoint();

 private:
  struct Ticket {
    sync::Lsn lsn;
    Stamp stamp;
  };
  struct CheckpointUnderWay {
    sync::Checkpoint checkpoint;
    std::vector<crdt::CellImage> images;
  };

  // Schedules work of this process; nothing happens if it is gone by then.
  template <class Work>
  void later(std::uint64_t delay_ms, Work work);
  void step(sync::Event event);
  void carry_out(sync::Effects effects);
  void acknowledge(sync::Lsn up_to);
  void keep_log_busy();
  void read_log(const sync::ReadLog& wish);
  void go_on_with_checkpoint();

  World& world_;
  const std::size_t index_;
  const std::string region_;
  Disk disk_;
  std::unique_ptr<sync::Replica> replica_;
  std::uint64_t process_ = 0;  // which start this is
  bool restored_ = false;
  std::int64_t clock_offset_ms_ = 0;
  mutable std::uint64_t latest_clock_ms_ = 0;
  bool syncing_ = false;
  std::uint64_t next_committed_ms_ = 0;
  std::deque<Ticket> tickets_;
  std::optional<CheckpointUnderWay> checkpoint_;
};

}  // namespace turnstone::sim
