#include "regions/mirror/worker.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <utility>

namespace turnstone::mirror {
namespace {

constexpr int nice_level = 10;

}  // namespace

Worker::Worker() : thread_([this] { run(); }) {}

Worker::~Worker() { stop(); }

void Worker::post(std::function<void()> job) {
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
  }
  wake_.notify_one();
}

void Worker::stop() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stopping_.store(true, std::memory_order_release);
  }
  wake_.notify_one();
  thread_.join();
}

void Worker::run() {
  // On Linux a thread has a priority of its own. Without it the work is done all the same.
  setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), nice_level);
  while (true) {
    std::function<void()> job;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return !jobs_.empty() || stopping(); });
      if (stopping()) return;
      job = std::move(jobs_.front());
      jobs_.pop_front();
    }
    job();
  }
}

}  // namespace turnstone::mirror
