#include "regions/durability/committer.hpp"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "core/storage/log_reader.hpp"
#include "tests/catch.hpp"
#include "tests/core/temp_directory.hpp"
#include "tests/core/temp_disk.hpp"

using namespace turnstone;
using durability::Committer;
using test::TempDirectory;

namespace {

sync::Append batch(sync::Lsn lsn, std::size_t bytes = 100) {
  return {lsn, Origin{1}, lsn, lsn,
          std::make_shared<const std::string>(bytes, static_cast<char>('a' + lsn % 26))};
}

storage::LogDb open_log(const std::filesystem::path& file) {
  auto log = storage::LogDb::open(file, {"turnstone", "paris"});
  if (!log) FAIL(log.error().message);
  return std::move(*log);
}

std::vector<sync::Lsn> stored(const std::filesystem::path& file) {
  const storage::LogDb log = open_log(file);
  std::vector<sync::Lsn> lsns;
  auto reader = storage::LogReader::open(file);
  REQUIRE(reader);
  REQUIRE(reader->for_each(1, [&](const storage::LogEntry& entry) -> Result<void> {
    CHECK(entry.bytes[0] == static_cast<char>('a' + entry.lsn % 26));
    lsns.push_back(entry.lsn);
    return {};
  }));
  return lsns;
}

// What the committer reported, and a way to hold it up inside its callback.
class Reports {
 public:
  Committer::Done done() {
    return [this](Result<sync::Lsn> durable) {
      std::unique_lock lock(mutex_);
      if (durable) {
        durable_.push_back(*durable);
      } else {
        errors_.push_back(durable.error());
      }
      changed_.notify_all();
      changed_.wait(lock, [this] { return !held_; });
    };
  }
  void hold() {
    const std::lock_guard lock(mutex_);
    held_ = true;
  }
  void release() {
    const std::lock_guard lock(mutex_);
    held_ = false;
    changed_.notify_all();
  }
  void wait_for(sync::Lsn lsn) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !errors_.empty() || (!durable_.empty() && durable_.back() >= lsn); });
  }
  std::vector<sync::Lsn> durable() {
    const std::lock_guard lock(mutex_);
    return durable_;
  }
  std::vector<Error> errors() {
    const std::lock_guard lock(mutex_);
    return errors_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool held_ = false;
  std::vector<sync::Lsn> durable_;
  std::vector<Error> errors_;
};

std::vector<sync::Lsn> range(sync::Lsn last) {
  std::vector<sync::Lsn> lsns;
  for (sync::Lsn lsn = 1; lsn <= last; ++lsn) lsns.push_back(lsn);
  return lsns;
}

}  // namespace

TEST_CASE("committer: what gathers during one commit becomes one transaction, in order") {
  const TempDirectory temp;
  Reports reports;
  {
    Committer committer(open_log(temp / "log.db"), reports.done());
    reports.hold();
    committer.submit(batch(1));
    reports.wait_for(1);
    for (sync::Lsn lsn = 2; lsn <= 40; ++lsn) committer.submit(batch(lsn));
    CHECK(committer.busy());
    reports.release();
    reports.wait_for(40);
  }
  CHECK(reports.durable() == std::vector<sync::Lsn>{1, 40});
  CHECK(stored(temp / "log.db") == range(40));
}

TEST_CASE("committer: what it has reported is in the files at that moment") {
  const TempDirectory temp;
  Reports reports;
  Committer committer(open_log(temp / "log.db"), reports.done());
  for (sync::Lsn lsn = 1; lsn <= 5; ++lsn) {
    committer.submit(batch(lsn));
    reports.wait_for(lsn);
    const TempDirectory copy;
    test::copy_files(temp.path(), copy / "data");
    CHECK(stored(copy / "data/log.db") == range(lsn));
  }
}

TEST_CASE("committer: it is busy from a submission until just before it is reported") {
  const TempDirectory temp;
  std::optional<bool> busy_inside;
  Committer* self = nullptr;
  {
    Committer committer(open_log(temp / "log.db"),
                        [&](const Result<sync::Lsn>&) { busy_inside = self->busy(); });
    self = &committer;
    CHECK_FALSE(committer.busy());
    committer.submit(batch(1));
    committer.stop();
    CHECK_FALSE(committer.busy());
  }
  CHECK(busy_inside == false);
}

TEST_CASE("committer: stop commits what was submitted, and leaves nothing in the WAL") {
  const TempDirectory temp;
  Reports reports;
  Committer committer(open_log(temp / "log.db"), reports.done());
  for (sync::Lsn lsn = 1; lsn <= 500; ++lsn) committer.submit(batch(lsn, 5000));
  committer.stop();
  committer.stop();
  REQUIRE_FALSE(reports.durable().empty());
  CHECK(reports.durable().back() == 500);
  const TempDirectory copy;
  std::filesystem::copy_file(temp / "log.db", copy / "log.db");
  CHECK(stored(copy / "log.db") == range(500));
}

TEST_CASE("committer: many transactions in a row keep the WAL within the space that is prepared for it") {
  const TempDirectory temp;
  Reports reports;
  Committer committer(open_log(temp / "log.db"), reports.done());
  const auto prepared = std::filesystem::file_size(temp / "log.db-wal");
  for (sync::Lsn lsn = 1; lsn <= 300; ++lsn) {
    committer.submit(batch(lsn, 40'000));
    reports.wait_for(lsn);
  }
  CHECK(std::filesystem::file_size(temp / "log.db-wal") == prepared);
}

// It tidies up a few milliseconds after an append: the cuts come before, while and after it does.
TEST_CASE("committer: a log that is appended to no more is cut all the same, whenever the cut is asked for") {
  using namespace std::chrono;
  const TempDirectory temp;
  Reports reports;
  Committer committer(open_log(temp / "log.db"), reports.done());
  const auto reader = storage::LogReader::open(temp / "log.db");
  REQUIRE(reader);
  const auto rows = [&] {
    std::size_t count = 0;
    REQUIRE(reader->for_each(1, [&](const storage::LogEntry&) -> Result<void> {
      ++count;
      return {};
    }));
    return count;
  };
  for (sync::Lsn lsn = 1; lsn <= 30; ++lsn) {
    committer.submit(batch(lsn));
    reports.wait_for(lsn);
    std::this_thread::sleep_for(microseconds(500 * (lsn % 15)));
    committer.truncate(lsn);
    const auto deadline = steady_clock::now() + 20s;
    while (rows() != 0 && steady_clock::now() < deadline) std::this_thread::sleep_for(1ms);
    INFO("lsn " << lsn);
    REQUIRE(rows() == 0);
  }
}

TEST_CASE("committer: an error is reported once, and nothing is appended after it") {
  const test::TempDisk disk("1m");
  if (!disk.mounted()) return;
  {
    Reports reports;
    Committer committer(open_log(disk / "log.db"), reports.done());
    committer.submit(batch(1));
    reports.wait_for(1);
    committer.submit(batch(2, 2'000'000));
    reports.wait_for(2);
    committer.submit(batch(3));
    committer.stop();
    CHECK(reports.durable() == std::vector<sync::Lsn>{1});
    REQUIRE(reports.errors().size() == 1);
    CHECK(reports.errors()[0].code == Errc::io);
    CHECK(committer.busy());
  }
  CHECK(stored(disk / "log.db") == range(1));
}
