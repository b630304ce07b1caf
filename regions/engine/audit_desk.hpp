#pragma once
// The thread that answers questions about the record of conflicts, one after the other, so that
// the engine's thread reads no file.
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <mutex>
#include <thread>

#include "regions/audit/query.hpp"
#include "regions/commands/leader_port.hpp"

namespace turnstone::regions {

struct AuditAnswer {
  std::uint64_t number = 0;
  commands::AuditInquiry inquiry;
  Result<commands::AuditFindings> findings;
};

class AuditDesk {
 public:
  // Questions that wait; one more is refused.
  static constexpr std::size_t audit_questions_max = 64;

  // `on_done` is called on the desk's thread. The file is there by the first question.
  using Done = std::function<void(AuditAnswer)>;
  AuditDesk(std::filesystem::path file, Done on_done);
  ~AuditDesk();

  // False when too many wait. One thread, the engine's, as stop().
  bool submit(std::uint64_t number, commands::AuditInquiry inquiry, audit::SharedEntries unstored);
  std::size_t waiting() const;
  // What waits is not answered any more.
  void stop();

 private:
  struct Work {
    std::uint64_t number;
    commands::AuditInquiry inquiry;
    audit::SharedEntries unstored;
  };
  void run();
  Result<commands::AuditFindings> answer(const Work& work) const;
  Result<commands::AuditFindings> count(const storage::AuditReader& reader, const Work& work) const;
  bool is_stopping() const;

  std::filesystem::path file_;
  Done on_done_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Work> work_;  // guarded by mutex_
  bool stopping_ = false;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace turnstone::regions
