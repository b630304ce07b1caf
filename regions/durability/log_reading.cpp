#include "regions/durability/log_reading.hpp"

#include <algorithm>
#include <utility>

namespace turnstone::durability {

LogReading::LogReading(storage::LogReader reader, Done on_done)
    : reader_(std::move(reader)), on_done_(std::move(on_done)), thread_([this] { run(); }) {}

LogReading::~LogReading() { stop(); }

void LogReading::submit(sync::ReadLog request) {
  {
    const std::lock_guard lock(mutex_);
    const auto older = std::find_if(waiting_.begin(), waiting_.end(),
                                    [&](const sync::ReadLog& r) { return r.peer == request.peer; });
    if (older != waiting_.end()) {
      *older = std::move(request);
    } else {
      waiting_.push_back(std::move(request));
    }
  }
  wake_.notify_one();
}

void LogReading::stop() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void LogReading::run() {
  while (true) {
    sync::ReadLog request;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return !waiting_.empty() || stopping_; });
      if (stopping_) return;
      request = std::move(waiting_.front());
      waiting_.pop_front();
    }
    storage::LogReader::Batches read = reader_.read(request.lsns);
    on_done_({std::move(request.peer), request.request, std::move(read.bytes), request.more && !read.error},
             std::move(read.error));
  }
}

}  // namespace turnstone::durability
