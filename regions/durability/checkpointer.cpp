#include "regions/durability/checkpointer.hpp"

#include <utility>

namespace turnstone::durability {

Checkpointer::Checkpointer(storage::StateDb state, AuditFile audit, Done on_done)
    : state_(std::move(state)),
      audit_(std::move(audit)),
      on_done_(std::move(on_done)),
      thread_([this] { run(); }) {}

Checkpointer::~Checkpointer() { stop(); }

void Checkpointer::submit(CheckpointWork work) {
  TURNSTONE_CHECK(!busy());
  {
    const std::lock_guard lock(mutex_);
    work_ = std::move(work);
    busy_.store(true, std::memory_order_release);
  }
  wake_.notify_one();
}

void Checkpointer::stop(std::chrono::milliseconds patience) {
  if (!thread_.joinable()) return;
  {
    std::unique_lock lock(mutex_);
    stopping_ = true;
    wake_.notify_one();
    give_up_ = !ended_.wait_for(lock, patience, [this] { return has_ended_; });
  }
  thread_.join();
}

Result<void> Checkpointer::record(const audit::SharedEntries& conflicts,
                                  const std::vector<storage::AuditSettlement>& settlements) {
  std::vector<storage::AuditRow> rows;
  rows.reserve(conflicts.size());
  for (const audit::SharedEntry& entry : conflicts) rows.push_back(audit::to_row(*entry));
  return audit_.db.add(rows, settlements);
}

// A little with each checkpoint: what is too old today is not urgent.
Result<void> Checkpointer::keep_audit_small() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto now_ms =
      static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
  const std::uint64_t from = now_ms > audit_.retain_ms ? now_ms - audit_.retain_ms : 0;
  return audit_.db.retain({from, audit_.retain_bytes}).map([](bool) {});
}

void Checkpointer::run() {
  while (true) {
    std::optional<CheckpointWork> work;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return work_ || stopping_; });
      work.swap(work_);
    }
    if (!work) break;
    const sync::Lsn lsn = work->checkpoint.lsn;
    Result<void> applied = record(work->conflicts, work->settlements);
    if (applied) applied = state_.apply(to_stored(*work), [this] { return !give_up_; });
    if (applied) applied = keep_audit_small();
    // Millions of small strings: freed here, not on the engine's thread.
    work.reset();
    busy_.store(false, std::memory_order_release);
    on_done_(applied.map([lsn] { return lsn; }));
  }
  const std::lock_guard lock(mutex_);
  has_ended_ = true;
  ended_.notify_one();
}

}  // namespace turnstone::durability
