#include "regions/engine/checkpoints.hpp"

#include <algorithm>
#include <utility>

namespace turnstone::regions {
namespace {

// Cells encoded before clients get their turn again: well under a millisecond.
constexpr std::size_t slice_cells = 500;

}  // namespace

Checkpoints::Checkpoints(Loop& loop, sync::Replica& replica, ConflictLog& conflicts,
                         durability::Checkpointer& checkpointer, CheckpointPlan plan, CarryOut carry_out)
    : loop_(loop),
      replica_(replica),
      conflicts_(conflicts),
      checkpointer_(checkpointer),
      plan_(plan),
      carry_out_(std::move(carry_out)) {}

bool Checkpoints::tick(std::uint64_t now_ms, bool hurry) {
  const std::size_t dirty = replica_.keyspace().dirty().size();
  // What changes no cell moves the state's place in the log all the same, which is cut behind it.
  const bool changed = dirty != 0 || conflicts_.has_unstored() || replica_.last_lsn() > replica_.stored_lsn();
  if (phase_ != Phase::idle || !changed) return false;
  if (!hurry && !conflicts_.many_unstored() && now_ms < next_ms_ && dirty < plan_.dirty_cells_soon)
    return false;
  next_ms_ = now_ms + plan_.interval_ms;
  begin();
  return true;
}

void Checkpoints::begin() {
  phase_ = Phase::encoding;
  ++begun_;
  sync::Effects effects;
  work_.checkpoint = replica_.freeze(effects);
  work_.conflicts = conflicts_.take_unstored();
  work_.settlements = conflicts_.take_settlements();
  carry_out_(std::move(effects));
  encode_slice();
}

void Checkpoints::encode_slice() {
  replica_.keyspace().encode_frozen(slice_cells);
  if (replica_.keyspace().dirty().frozen() > 0) return loop_.post([this] { encode_slice(); });
  work_.cells = replica_.keyspace().dirty().take();
  phase_ = Phase::waiting_for_log;
  on_durable();
}

// A state that is ahead of the log would hold what nobody can ever get from us.
void Checkpoints::on_durable() {
  if (phase_ != Phase::waiting_for_log || replica_.durable_lsn() < work_.checkpoint.lsn) return;
  phase_ = Phase::storing;
  checkpointer_.submit(std::exchange(work_, {}));
}

void Checkpoints::on_stored() {
  phase_ = Phase::idle;
  conflicts_.stored();
  stored_ = begun_;
}

std::uint64_t Checkpoints::store_soon() {
  next_ms_ = 0;
  return begun_ + 1;
}

std::uint64_t Checkpoints::write_delay_ms() const {
  const std::size_t dirty = replica_.keyspace().dirty().size();
  if (dirty <= 2 * plan_.dirty_cells_soon) return 0;
  const std::size_t over = dirty - 2 * plan_.dirty_cells_soon;
  return std::min<std::uint64_t>(1000, 1 + 50 * over / std::max<std::size_t>(1, plan_.dirty_cells_soon));
}

}  // namespace turnstone::regions
