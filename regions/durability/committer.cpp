#include "regions/durability/committer.hpp"

#include <chrono>
#include <utility>

namespace turnstone::durability {
namespace {

// The WAL is copied into the log's file when nothing came for a moment; a log that is never
// idle does it all the same before the WAL outgrows the space that is prepared for it.
constexpr std::size_t wal_bytes_idle = 1 << 20;
constexpr std::size_t wal_bytes_busy = 3 << 20;
constexpr std::chrono::milliseconds idle_moment{5};
// An idle moment should not delay the write that ends it by much.
constexpr std::size_t rows_cut_idle = 64;

}  // namespace

Committer::Committer(storage::LogDb log, Done on_done)
    : log_(std::move(log)), on_done_(std::move(on_done)), thread_([this] { run(); }) {}

Committer::~Committer() { stop(); }

void Committer::submit(sync::Append batch) {
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back(std::move(batch));
    in_flight_.fetch_add(1, std::memory_order_release);
  }
  wake_.notify_one();
}

void Committer::truncate(sync::Lsn up_to) {
  {
    const std::lock_guard lock(mutex_);
    cut_up_to_ = up_to;
  }
  wake_.notify_one();
}

void Committer::keep_aside(storage::AsidePlace place, std::string bytes) {
  post([place = std::move(place), bytes = std::move(bytes)](storage::LogDb& log) {
    const storage::AsideBatch batch{place, bytes};
    return log.keep_aside({&batch, 1});
  });
}

void Committer::forget_aside(std::vector<std::int64_t> ids) {
  post([ids = std::move(ids)](storage::LogDb& log) { return log.forget_aside(ids); });
}

void Committer::post(Errand errand) {
  {
    const std::lock_guard lock(mutex_);
    errands_.push_back(std::move(errand));
  }
  wake_.notify_one();
}

void Committer::stop() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void Committer::run() {
  std::vector<sync::Append> batches;
  std::vector<Errand> errands;
  while (take(batches, errands)) {
    Result<void> done = append(batches);
    for (const Errand& errand : errands) {
      if (done) done = errand(log_);
    }
    if (done && log_.wal_bytes() >= wal_bytes_busy) done = log_.checkpoint_wal();
    if (!done) return on_done_(tl::make_unexpected(std::move(done.error())));
    batches.clear();
    errands.clear();
  }
  // A copy of the log's file alone then has everything. If it fails, the WAL still has.
  static_cast<void>(log_.checkpoint_wal());
}

Result<void> Committer::append(const std::vector<sync::Append>& batches) {
  if (batches.empty()) return {};
  entries_.clear();
  for (const sync::Append& batch : batches) {
    entries_.push_back({batch.lsn, batch.origin, batch.first_seq, batch.last_seq, *batch.bytes});
  }
  auto appended = log_.append(entries_);
  if (!appended) return appended;
  // Before the callback: the engine that it wakes asks busy() to decide whether to seal.
  in_flight_.fetch_sub(batches.size(), std::memory_order_release);
  on_done_(entries_.back().lsn);
  return {};
}

bool Committer::take(std::vector<sync::Append>& batches, std::vector<Errand>& errands) {
  std::unique_lock lock(mutex_);
  const auto woken = [this] { return !queue_.empty() || !errands_.empty() || stopping_; };
  bool more_to_tidy = true;
  sync::Lsn tidied_up_to = 0;
  while (!woken()) {
    if (!more_to_tidy) {
      // Compared with what it was last tidied up to: no cut that was asked for since is missed.
      wake_.wait(lock, [&] { return woken() || cut_up_to_ != tidied_up_to; });
      more_to_tidy = true;
    } else if (!wake_.wait_for(lock, idle_moment, woken)) {
      tidied_up_to = cut_up_to_;
      lock.unlock();
      more_to_tidy = tidy(tidied_up_to);
      lock.lock();
    }
  }
  batches.swap(queue_);
  errands.swap(errands_);
  log_.truncate_with_appends(cut_up_to_);
  return !batches.empty() || !errands.empty();
}

bool Committer::tidy(sync::Lsn cut_up_to) {
  if (log_.floor().lsn < cut_up_to) return log_.truncate(cut_up_to, rows_cut_idle).has_value();
  if (log_.wal_bytes() >= wal_bytes_idle) return log_.checkpoint_wal().has_value();
  return false;
}

}  // namespace turnstone::durability
