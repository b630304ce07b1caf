#include "regions/engine/audit_desk.hpp"

#include <utility>

namespace turnstone::regions {

AuditDesk::AuditDesk(std::filesystem::path file, Done on_done)
    : file_(std::move(file)), on_done_(std::move(on_done)), thread_([this] { run(); }) {}

AuditDesk::~AuditDesk() { stop(); }

bool AuditDesk::submit(std::uint64_t number, commands::AuditInquiry inquiry, audit::SharedEntries unstored) {
  {
    const std::lock_guard lock(mutex_);
    if (work_.size() >= audit_questions_max) return false;
    work_.push_back({number, std::move(inquiry), std::move(unstored)});
  }
  wake_.notify_one();
  return true;
}

std::size_t AuditDesk::waiting() const {
  const std::lock_guard lock(mutex_);
  return work_.size();
}

bool AuditDesk::is_stopping() const {
  const std::lock_guard lock(mutex_);
  return stopping_;
}

void AuditDesk::stop() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void AuditDesk::run() {
  while (true) {
    std::unique_lock lock(mutex_);
    wake_.wait(lock, [this] { return !work_.empty() || stopping_; });
    if (stopping_) return;
    Work work = std::move(work_.front());
    work_.pop_front();
    lock.unlock();
    auto findings = answer(work);
    on_done_({work.number, std::move(work.inquiry), std::move(findings)});
  }
}

Result<commands::AuditFindings> AuditDesk::answer(const Work& work) const {
  const auto reader = storage::AuditReader::open(file_);
  if (!reader) return tl::make_unexpected(reader.error());
  commands::AuditFindings findings;
  if (work.inquiry.form == commands::AuditForm::stats) return count(*reader, work);
  if (!work.inquiry.id) {
    auto page = audit::ask(*reader, work.inquiry.question, work.unstored);
    if (!page) return tl::make_unexpected(page.error());
    findings.page = *std::move(page);
    return findings;
  }
  auto entry = audit::find(*reader, *work.inquiry.id, work.unstored);
  if (!entry) return tl::make_unexpected(entry.error());
  if (*entry) findings.page.entries.push_back(**std::move(entry));
  return findings;
}

Result<commands::AuditFindings> AuditDesk::count(const storage::AuditReader& reader, const Work& work) const {
  commands::AuditFindings findings;
  audit::Question question = work.inquiry.question;
  question.count = audit::Question::count_max;
  while (!is_stopping()) {
    const auto page = audit::ask(reader, question, work.unstored);
    if (!page) return tl::make_unexpected(page.error());
    for (const audit::Entry& entry : page->entries) findings.tally.add(entry);
    if (!page->beyond) break;
    question.beyond = page->beyond;
  }
  return findings;
}

}  // namespace turnstone::regions
