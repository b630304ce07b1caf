#pragma once
// The thread that makes batches durable. While one transaction is being synced, the
// batches submitted meanwhile gather; the next transaction takes all of them (group
// commit).
#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "core/storage/log_db.hpp"
#include "sync/event.hpp"

namespace turnstone::durability {

class Committer {
 public:
  // Called on the committer's thread after each transaction, with the newest lsn that is
  // durable. After an error nothing more is appended and the callback is not called again:
  // whether the last batches are on the disk is unknown, so the process must stop, without
  // an answer to the writes that wait. Must not call back into the committer, except busy().
  using Done = std::function<void(Result<sync::Lsn>)>;

  Committer(storage::LogDb log, Done on_done);
  // stop()
  ~Committer();

  // Never blocks. Batches come in lsn order. One thread, the engine's, as stop().
  void submit(sync::Append batch);
  // Cuts the log's old end up to here, with the appends to come and in idle moments.
  void truncate(sync::Lsn up_to);
  // What is kept beside the log; soon, in the order of the calls. They never block.
  void keep_aside(storage::AsidePlace place, std::string bytes);
  void forget_aside(std::vector<std::int64_t> ids);

  // Something was submitted whose Done was not called yet: what is sealed now would wait.
  // Any thread.
  bool busy() const { return in_flight_.load(std::memory_order_acquire) != 0; }

  // Commits everything that was submitted, then ends the thread.
  void stop();

 private:
  void run();
  using Errand = std::function<Result<void>(storage::LogDb&)>;

  // Waits for batches and errands; false when there are none and none will come.
  bool take(std::vector<sync::Append>& batches, std::vector<Errand>& errands);
  Result<void> append(const std::vector<sync::Append>& batches);
  void post(Errand errand);
  // What an idle moment is for; false when nothing is left to do, or it failed: the log
  // keeps the error and it is the answer to the next append.
  bool tidy(sync::Lsn cut_up_to);

  storage::LogDb log_;
  Done on_done_;
  std::atomic<std::size_t> in_flight_ = 0;

  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<sync::Append> queue_;  // guarded by mutex_
  std::vector<Errand> errands_;      // guarded by mutex_
  sync::Lsn cut_up_to_ = 0;          // guarded by mutex_
  bool stopping_ = false;            // guarded by mutex_

  std::vector<storage::LogEntry> entries_;
  std::thread thread_;
};

}  // namespace turnstone::durability
