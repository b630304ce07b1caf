#pragma once
// When and how the state is written behind the log: freeze a moment, encode the changed
// cells in slices between other work, wait until the log is durable up to that moment, and
// let the checkpointer store all of it in one transaction.
#include <cstdint>
#include <functional>
#include <optional>

#include "regions/durability/checkpointer.hpp"
#include "regions/engine/conflict_log.hpp"
#include "regions/engine/loop.hpp"
#include "sync/replica.hpp"

namespace turnstone::regions {

struct CheckpointPlan {
  // A checkpoint begins this long after the one before, if anything changed,
  std::uint64_t interval_ms = 1000;
  // and at once when this many cells changed. Writes slow down towards four times that.
  std::size_t dirty_cells_soon = 250'000;
};

class Checkpoints {
 public:
  using CarryOut = std::function<void(sync::Effects)>;

  Checkpoints(Loop& loop, sync::Replica& replica, ConflictLog& conflicts,
              durability::Checkpointer& checkpointer, CheckpointPlan plan, CarryOut carry_out);

  // Now and then; true when it began a checkpoint. In a hurry it does not wait for its time.
  bool tick(std::uint64_t now_ms, bool hurry);
  // The log became durable up to some point.
  void on_durable();
  // The checkpointer is done with the last one.
  void on_stored();
  // A checkpoint begins as soon as none is under way. The number of the one that will hold
  // what is in memory now, and of the last that is stored; they count from the start.
  std::uint64_t store_soon();
  std::uint64_t stored() const { return stored_; }
  // 0 while checkpoints keep up with the writes, then growing.
  std::uint64_t write_delay_ms() const;

 private:
  enum class Phase : std::uint8_t { idle, encoding, waiting_for_log, storing };

  void begin();
  void encode_slice();
  void store_if_durable();

  Loop& loop_;
  sync::Replica& replica_;
  ConflictLog& conflicts_;
  durability::Checkpointer& checkpointer_;
  CheckpointPlan plan_;
  CarryOut carry_out_;
  Phase phase_ = Phase::idle;
  durability::CheckpointWork work_;
  std::uint64_t next_ms_ = 0;
  std::uint64_t begun_ = 0;
  std::uint64_t stored_ = 0;
};

}  // namespace turnstone::regions
