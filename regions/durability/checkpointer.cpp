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

void Checkpointer::stop() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
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
    if (!work) return;
    const sync::Lsn lsn = work->checkpoint.lsn;
    const auto applied = state_.apply(to_stored(*work));
    // Millions of small strings: freed here, not on the engine's thread.
    work.reset();
    busy_.store(false, std::memory_order_release);
    on_done_(applied.map([lsn] { return lsn; }));
  }
}

}  // namespace turnstone::durability
