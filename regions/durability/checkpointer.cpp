#include "regions/durability/checkpointer.hpp"

#include <utility>

namespace turnstone::durability {

Checkpointer::Checkpointer(storage::StateDb state, Done on_done)
    : state_(std::move(state)), on_done_(std::move(on_done)), thread_([this] { run(); }) {}

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
    const auto applied = state_.apply(to_stored(*work), [this] { return !give_up_; });
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
