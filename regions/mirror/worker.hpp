#pragma once
// A thread for slow work with files: jobs run one after the other, with less right to the
// processor than the engine.
#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace turnstone::mirror {

class Worker {
 public:
  Worker();
  // stop()
  ~Worker();

  // Never blocks. Any thread.
  void post(std::function<void()> job);
  // Drops what waits and ends the thread; long jobs ask stopping(). Once.
  void stop();
  bool stopping() const { return stopping_.load(std::memory_order_acquire); }

 private:
  void run();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> jobs_;  // guarded by mutex_
  std::atomic<bool> stopping_ = false;      // set under mutex_
  std::thread thread_;
};

}  // namespace turnstone::mirror
