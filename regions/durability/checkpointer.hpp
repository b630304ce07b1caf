#pragma once
// The thread that writes checkpoints into the state file, one at a time, behind the log.
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include "core/storage/state_db.hpp"
#include "regions/durability/stored_forms.hpp"

namespace turnstone::durability {

class Checkpointer {
 public:
  // Called on the checkpointer's thread, with the lsn that the state file now holds. After
  // an error (a full disk) every later checkpoint fails too, but nothing is lost: the log
  // has it all.
  using Done = std::function<void(Result<sync::Lsn>)>;

  Checkpointer(storage::StateDb state, Done on_done);
  // stop()
  ~Checkpointer();

  // Never blocks. Not while busy(). The log must be durable up to the checkpoint's lsn.
  // One thread, the engine's, as stop().
  void submit(CheckpointWork work);
  // A checkpoint was submitted whose Done was not called yet. Any thread.
  bool busy() const { return busy_.load(std::memory_order_acquire); }
  // How long a stop waits for the checkpoint under way. One of a million cells takes longer.
  static constexpr std::chrono::milliseconds finish_within{1000};

  // Finishes the checkpoint under way, or gives it up: the log has it all. Then ends the thread.
  void stop(std::chrono::milliseconds patience = finish_within);

 private:
  void run();

  storage::StateDb state_;
  Done on_done_;
  std::atomic<bool> busy_ = false;

  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable ended_;
  std::optional<CheckpointWork> work_;  // guarded by mutex_
  bool stopping_ = false;               // guarded by mutex_
  bool has_ended_ = false;              // guarded by mutex_
  std::atomic<bool> give_up_ = false;

  std::thread thread_;
};

}  // namespace turnstone::durability
