#pragma once
// The thread that writes checkpoints into the state file, one at a time, behind the log; and
// before each the conflicts that were found until then into the audit's, so that a crash in
// between loses none: the replay of the log finds again what the state does not hold.
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include "core/storage/audit_db.hpp"
#include "core/storage/state_db.hpp"
#include "regions/durability/stored_forms.hpp"

namespace turnstone::durability {

// Where conflicts are recorded, and what of them is kept.
struct AuditFile {
  storage::AuditDb db;
  std::uint64_t retain_ms = UINT64_MAX;
  std::uint64_t retain_bytes = UINT64_MAX;
};

class Checkpointer {
 public:
  // Called on the checkpointer's thread, with the lsn that the state file now holds. After
  // an error (a full disk) every later checkpoint fails too, but nothing is lost: the log
  // has it all.
  using Done = std::function<void(Result<sync::Lsn>)>;

  Checkpointer(storage::StateDb state, AuditFile audit, Done on_done);
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
  // After stop(): records conflicts whose writes are durable, without a checkpoint. Errors: io,
  // corrupt; a start finds them again.
  Result<void> record(const audit::SharedEntries& conflicts,
                      const std::vector<storage::AuditSettlement>& settlements);

 private:
  void run();

  Result<void> keep_audit_small();

  storage::StateDb state_;
  AuditFile audit_;
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
