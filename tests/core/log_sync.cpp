// What the log has synced when append returns, and what it does when a sync fails. This
// program's own fdatasync stands in front of the C library's for SQLite, too.
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "core/storage/log_db.hpp"
#include "core/storage/log_reader.hpp"
#include "tests/catch.hpp"
#include "tests/core/temp_directory.hpp"

using namespace turnstone;
using storage::LogDb;
using test::TempDirectory;

namespace {

// Called before every sync; false makes it fail.
std::function<bool()> before_sync;

Result<void> append(LogDb& log, const std::string& bytes) {
  const storage::Lsn lsn = log.last_lsn() + 1;
  const storage::LogEntry entry{lsn, Origin{1}, lsn, lsn, bytes};
  return log.append({&entry, 1});
}

struct UnhookAtEnd {
  ~UnhookAtEnd() { before_sync = nullptr; }
};

}  // namespace

extern "C" int fdatasync(int descriptor) {
  if (before_sync && !before_sync()) {
    errno = EIO;
    return -1;
  }
  return static_cast<int>(::syscall(SYS_fdatasync, descriptor));
}

TEST_CASE("log: what append has returned is in what was synced, so that it survives a loss of power") {
  const TempDirectory temp;
  const auto synced = temp / "synced";
  auto log = LogDb::open(temp / "live.db", {"turnstone", "paris"});
  REQUIRE(log);
  const UnhookAtEnd unhook;
  // When a sync begins, the files are as they will be on the disk when it ends.
  before_sync = [&] {
    std::filesystem::remove_all(synced);
    test::copy_files(temp.path(), synced);
    return true;
  };
  for (int i = 1; i <= 9; ++i) {
    const storage::Lsn lsn = log->last_lsn() + 1;
    REQUIRE(append(*log, std::string(3000, 'x')));
    const auto hook = std::exchange(before_sync, nullptr);
    auto recovered = LogDb::open(synced / "live.db", {"turnstone", "paris"});
    REQUIRE(recovered);
    CHECK(recovered->last_lsn() == lsn);
    before_sync = hook;
    std::filesystem::remove_all(synced);
    if (i % 4 == 0) REQUIRE(log->checkpoint_wal());
  }
}

TEST_CASE("log: a sync that fails is an error, and is never tried again") {
  const TempDirectory temp;
  auto log = LogDb::open(temp / "log.db", {"turnstone", "paris"});
  REQUIRE(log);
  const UnhookAtEnd unhook;
  REQUIRE(append(*log, "acknowledged"));
  int syncs = 0;
  before_sync = [&] { return ++syncs != 1; };
  const auto failed = append(*log, "outcome unknown");
  REQUIRE_FALSE(failed);
  CHECK(failed.error().code == Errc::io);
  CHECK_THAT(failed.error().message, Catch::Matchers::Contains((temp / "log.db").string()));
  CHECK(syncs == 1);
  CHECK_FALSE(append(*log, "refused"));
  CHECK_FALSE(log->checkpoint_wal());
  CHECK(syncs == 1);

  before_sync = nullptr;
  *log = std::move(*LogDb::open(temp / "other.db", {"turnstone", "paris"}));
  auto recovered = LogDb::open(temp / "log.db", {"turnstone", "paris"});
  REQUIRE(recovered);
  CHECK(recovered->last_lsn() >= 1);
  CHECK(recovered->last_lsn() <= 2);
  auto reader = storage::LogReader::open(temp / "log.db");
  REQUIRE(reader);
  CHECK(reader->read(std::vector<storage::Lsn>{1}).bytes == std::vector<std::string>{"acknowledged"});
}
