#pragma once
// The thread that reads batches from the log to answer the pulls of other leaders.
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include "core/storage/log_reader.hpp"
#include "sync/event.hpp"

namespace turnstone::durability {

class LogReading {
 public:
  // Called on the reading thread. With an error (io, corrupt: a damaged batch is never given
  // out) the answer holds the batches before it, and says that there is no more.
  using Done = std::function<void(sync::LogRead, std::optional<Error>)>;

  LogReading(storage::LogReader reader, Done on_done);
  // stop()
  ~LogReading();

  // Never blocks. A peer has one pull under way: a new request takes the place of an older
  // one of the same peer that still waits, so that the queue is no longer than the list of
  // peers. One thread, the engine's, as stop().
  void submit(sync::ReadLog request);
  // Drops what waits and ends the thread.
  void stop();

 private:
  void run();

  storage::LogReader reader_;
  Done on_done_;

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<sync::ReadLog> waiting_;  // guarded by mutex_
  bool stopping_ = false;              // guarded by mutex_

  std::thread thread_;
};

}  // namespace turnstone::durability
