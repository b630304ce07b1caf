#include "core/storage/log_db.hpp"

#include <SQLiteCpp/SQLiteCpp.h>
#include <sys/stat.h>

#include <fstream>
#include <string>
#include <vector>

#include "core/storage/log_reader.hpp"
#include "tests/catch.hpp"
#include "tests/core/temp_directory.hpp"
#include "tests/core/temp_disk.hpp"

using namespace turnstone;
using Catch::Matchers::Contains;
using storage::LogDb;
using storage::LogEntry;
using storage::LogHeader;
using storage::LogReader;
using storage::Lsn;
using test::TempDirectory;

namespace {

const storage::Identity paris{"turnstone", "paris"};
constexpr Origin origin{0xfedcba9876543210};  // negative as SQLite sees it

std::string batch(Lsn lsn) { return "the batch with number " + std::to_string(lsn) + "."; }

LogDb open(const std::filesystem::path& file, const storage::LogOptions& options = {}) {
  auto log = LogDb::open(file, paris, options);
  if (!log) FAIL(log.error().message);
  return std::move(*log);
}

LogReader open_reader(const std::filesystem::path& file) {
  auto reader = LogReader::open(file);
  if (!reader) FAIL(reader.error().message);
  return std::move(*reader);
}

// One transaction of `count` batches.
Result<void> append(LogDb& log, std::size_t count, std::size_t padding = 0) {
  std::vector<std::string> bytes;
  std::vector<LogEntry> entries;
  for (Lsn lsn = log.last_lsn() + 1; entries.size() < count; ++lsn) {
    bytes.push_back(batch(lsn) + std::string(padding, '-'));
    entries.push_back({lsn, origin, lsn * 10 - 9, lsn * 10, {}});
  }
  for (std::size_t i = 0; i < count; ++i) entries[i].bytes = bytes[i];
  return log.append(entries);
}

struct Contents {
  std::vector<std::string> batches;
  std::optional<Error> error;
};

Contents contents(const LogReader& reader, Lsn from = 1) {
  Contents found;
  auto read = reader.for_each(from, [&](const LogEntry& entry) -> Result<void> {
    CHECK(entry.lsn == from + found.batches.size());
    CHECK(entry.origin == origin);
    CHECK(entry.first_seq == entry.lsn * 10 - 9);
    CHECK(entry.last_seq == entry.lsn * 10);
    found.batches.emplace_back(entry.bytes);
    return {};
  });
  if (!read) found.error = read.error();
  return found;
}

std::vector<std::string> batches(Lsn from, Lsn to) {
  std::vector<std::string> all;
  for (Lsn lsn = from; lsn <= to; ++lsn) all.push_back(batch(lsn));
  return all;
}

void execute(const std::filesystem::path& file, const std::string& sql) {
  SQLite::Database(file.string(), SQLite::OPEN_READWRITE).exec(sql);
}

}  // namespace

TEST_CASE("log: what is appended is read back, in order, by a reader that was open before") {
  const TempDirectory temp;
  LogDb log = open(temp / "log.db");
  const LogReader reader = open_reader(temp / "log.db");
  CHECK(log.last_lsn() == 0);
  CHECK(contents(reader).batches.empty());
  REQUIRE(append(log, 1));
  REQUIRE(append(log, 3));
  CHECK(log.last_lsn() == 4);
  CHECK(contents(reader).batches == batches(1, 4));
  CHECK(contents(reader, 3).batches == batches(3, 4));
}

TEST_CASE("log: rows are cut from the old end, and the floor says what they were") {
  const TempDirectory temp;
  {
    LogDb log = open(temp / "log.db");
    REQUIRE(append(log, 5));
    REQUIRE(log.truncate(4, 2));  // a part at a time
    CHECK(log.floor() == storage::LogFloor{2, {{origin, 20}}});
    REQUIRE(log.truncate(4, 100));
    REQUIRE(log.truncate(3, 100));  // already
  }
  LogDb log = open(temp / "log.db");
  CHECK(log.floor() == storage::LogFloor{4, {{origin, 40}}});
  CHECK(log.last_lsn() == 5);
  LogReader reader = open_reader(temp / "log.db");
  CHECK(contents(reader, 5).batches == batches(5, 5));
  // Cut since it was asked for is no damage; a hole is.
  const std::vector<Lsn> cut{3};
  CHECK(reader.read(cut).bytes.empty());
  CHECK(!reader.read(cut).error);
  const std::vector<Lsn> never{9};
  CHECK(reader.read(never).error);
}

TEST_CASE("log: a log under load is cut with its appends, twice as fast as it grows") {
  const TempDirectory temp;
  LogDb log = open(temp / "log.db");
  REQUIRE(append(log, 10));
  log.truncate_with_appends(9);
  REQUIRE(append(log, 1));
  CHECK(log.floor().lsn == 2);
  REQUIRE(append(log, 3));
  CHECK(log.floor().lsn == 8);
  REQUIRE(append(log, 3));
  CHECK(log.floor().lsn == 9);
}

TEST_CASE("log: a log of which all was cut goes on with its numbers") {
  const TempDirectory temp;
  {
    LogDb log = open(temp / "log.db");
    REQUIRE(append(log, 3));
    REQUIRE(log.truncate(3, 100));
  }
  LogDb log = open(temp / "log.db");
  CHECK(log.last_lsn() == 3);
  REQUIRE(append(log, 1));
  CHECK(contents(open_reader(temp / "log.db"), 4).batches == batches(4, 4));
}

TEST_CASE("log: a log that was closed goes on where it ended") {
  const TempDirectory temp;
  {
    LogDb log = open(temp / "log.db");
    REQUIRE(append(log, 2));
  }
  LogDb log = open(temp / "log.db");
  CHECK(log.last_lsn() == 2);
  REQUIRE(append(log, 1));
  CHECK(contents(open_reader(temp / "log.db")).batches == batches(1, 3));
}

TEST_CASE("log: a batch far larger than a page comes back whole") {
  const TempDirectory temp;
  LogDb log = open(temp / "log.db");
  const std::string large(3'000'000, 'x');
  const LogEntry entry{1, origin, 1, 1, large};
  REQUIRE(log.append({&entry, 1}));
  const auto read = open_reader(temp / "log.db").read(std::vector<Lsn>{1});
  REQUIRE(read.bytes.size() == 1);
  CHECK(read.bytes[0] == large);
}

TEST_CASE("log: chosen batches are read in the order asked for, up to one that is not there") {
  const TempDirectory temp;
  LogDb log = open(temp / "log.db");
  REQUIRE(append(log, 5));
  const LogReader reader = open_reader(temp / "log.db");
  const auto read = reader.read(std::vector<Lsn>{4, 2});
  CHECK_FALSE(read.error);
  CHECK(read.bytes == std::vector<std::string>{batch(4), batch(2)});
  const auto beyond = reader.read(std::vector<Lsn>{5, 6, 1});
  CHECK(beyond.bytes == std::vector<std::string>{batch(5)});
  REQUIRE(beyond.error);
  CHECK(beyond.error->code == Errc::corrupt);
  CHECK_THAT(beyond.error->message, Contains("batch 6"));
}

TEST_CASE("log: the places of the batches are known without the batches") {
  const TempDirectory temp;
  LogDb log = open(temp / "log.db");
  REQUIRE(append(log, 3, 100'000));
  std::vector<LogHeader> headers;
  REQUIRE(open_reader(temp / "log.db").for_each_header(2, 3, [&](const LogHeader& h) -> Result<void> {
    headers.push_back(h);
    return {};
  }));
  REQUIRE(headers.size() == 2);
  CHECK(headers[0].lsn == 2);
  CHECK(headers[0].origin == origin);
  CHECK(headers[0].first_seq == 11);
  CHECK(headers[0].last_seq == 20);
  CHECK(headers[0].bytes == batch(2).size() + 100'000);
  CHECK(headers[1].lsn == 3);
}

TEST_CASE("log: an error of the visitor ends the scan and comes back") {
  const TempDirectory temp;
  LogDb log = open(temp / "log.db");
  REQUIRE(append(log, 3));
  int visits = 0;
  const auto read = open_reader(temp / "log.db").for_each(1, [&](const LogEntry&) -> Result<void> {
    return ++visits == 2 ? Result<void>(fail(Errc::malformed, "enough")) : Result<void>();
  });
  REQUIRE_FALSE(read);
  CHECK(read.error().message == "enough");
  CHECK(visits == 2);
}

TEST_CASE("log: whatever append has returned is there after the process was killed at that moment") {
  const TempDirectory temp;
  LogDb log = open(temp / "live.db");
  const LogReader reader = open_reader(temp / "live.db");
  for (Lsn lsn = 1; lsn <= 12; ++lsn) {
    REQUIRE(append(log, 1, 3000));
    if (lsn % 5 == 0) REQUIRE(log.checkpoint_wal());
    const TempDirectory copy;
    test::copy_files(temp.path(), copy / "data");
    const LogDb recovered = open(copy / "data/live.db");
    CHECK(recovered.last_lsn() == lsn);
    CHECK(contents(open_reader(copy / "data/live.db")).batches.size() == lsn);
  }
}

TEST_CASE("log: a torn end of the WAL loses whole transactions, never part of one") {
  const TempDirectory temp;
  LogDb log = open(temp / "live.db", {.wal_bytes = 0});
  for (int i = 0; i < 6; ++i) REQUIRE(append(log, 2, 1000));
  const auto wal_bytes = std::filesystem::file_size(temp / "live.db-wal");
  std::size_t shorter = 0;
  for (std::uintmax_t kept = 0; kept < wal_bytes; kept += 1777) {
    const TempDirectory copy;
    test::copy_files(temp.path(), copy / "data");
    std::filesystem::resize_file(copy / "data/live.db-wal", kept);
    const LogDb recovered = open(copy / "data/live.db");
    CHECK(recovered.last_lsn() % 2 == 0);
    const Contents found = contents(open_reader(copy / "data/live.db"));
    CHECK_FALSE(found.error);
    CHECK(found.batches.size() == recovered.last_lsn());
    shorter += recovered.last_lsn() < 12 ? 1u : 0u;
  }
  CHECK(shorter > 0);
}

TEST_CASE("log: a flipped bit in a batch is seen, and names the batch") {
  const TempDirectory temp;
  {
    LogDb log = open(temp / "log.db");
    REQUIRE(append(log, 3));
  }
  test::flip_bit(temp / "log.db", batch(2));
  const LogDb log = open(temp / "log.db");
  const LogReader reader = open_reader(temp / "log.db");
  const Contents found = contents(reader);
  CHECK(found.batches == batches(1, 1));
  REQUIRE(found.error);
  CHECK(found.error->code == Errc::corrupt);
  CHECK_THAT(found.error->message, Contains("batch 2") && Contains((temp / "log.db").string()));
  CHECK(reader.read(std::vector<Lsn>{1, 2, 3}).bytes == batches(1, 1));
  CHECK(reader.read(std::vector<Lsn>{3}).bytes == batches(3, 3));
}

TEST_CASE("log: a batch that stands in another's place is seen") {
  const TempDirectory temp;
  {
    LogDb log = open(temp / "log.db");
    REQUIRE(append(log, 3));
  }
  const auto damage = [&](const std::string& sql) {
    const TempDirectory copy;
    test::copy_files(temp.path(), copy / "data");
    execute(copy / "data/log.db", sql);
    const LogDb log = open(copy / "data/log.db");
    std::vector<std::string> read;
    auto scanned = open_reader(copy / "data/log.db").for_each(1, [&](const LogEntry& e) -> Result<void> {
      read.emplace_back(e.bytes);
      return {};
    });
    REQUIRE_FALSE(scanned);
    CHECK(scanned.error().code == Errc::corrupt);
    CHECK(read == batches(1, 1));
    return scanned.error().message;
  };
  CHECK_THAT(
      damage("UPDATE batch SET lsn = -lsn WHERE lsn > 1; UPDATE batch SET lsn = 5 + lsn WHERE lsn < 0"),
      Contains("batch 2"));
  CHECK_THAT(damage("UPDATE batch SET (checksum, bytes) = (SELECT checksum, bytes FROM batch WHERE lsn = 3) "
                    "WHERE lsn = 2"),
             Contains("batch 2"));
  CHECK_THAT(damage("UPDATE batch SET origin = 7 WHERE lsn = 2"), Contains("batch 2"));
  CHECK_THAT(damage("UPDATE batch SET last_seq = last_seq + 1 WHERE lsn = 2"), Contains("batch 2"));
  CHECK_THAT(damage("DELETE FROM batch WHERE lsn = 2"), Contains("batch 2") && Contains("missing"));
}

TEST_CASE("log: a missing batch is seen from the places alone") {
  const TempDirectory temp;
  {
    LogDb log = open(temp / "log.db");
    REQUIRE(append(log, 3));
  }
  execute(temp / "log.db", "DELETE FROM batch WHERE lsn = 2");
  const LogDb log = open(temp / "log.db");
  const auto scanned =
      open_reader(temp / "log.db").for_each_header(1, 3, [](const LogHeader&) -> Result<void> { return {}; });
  REQUIRE_FALSE(scanned);
  CHECK(scanned.error().code == Errc::corrupt);
  CHECK_THAT(scanned.error().message, Contains("batch 2"));
}

TEST_CASE("log: the log of another cluster or region is refused, and both are named") {
  const TempDirectory temp;
  { const LogDb log = open(temp / "log.db"); }
  const auto region = LogDb::open(temp / "log.db", {"turnstone", "tokyo"});
  REQUIRE_FALSE(region);
  CHECK(region.error().code == Errc::wrong_cluster);
  CHECK_THAT(region.error().message, Contains("'paris'") && Contains("'tokyo'"));
  const auto cluster = LogDb::open(temp / "log.db", {"staging", "paris"});
  REQUIRE_FALSE(cluster);
  CHECK(cluster.error().code == Errc::wrong_cluster);
  CHECK_THAT(cluster.error().message, Contains("'turnstone'") && Contains("'staging'"));
}

TEST_CASE("log: a log of another format is refused") {
  const TempDirectory temp;
  { const LogDb log = open(temp / "log.db"); }
  execute(temp / "log.db", "UPDATE meta SET value = '2' WHERE key = 'format'");
  const auto log = LogDb::open(temp / "log.db", paris);
  REQUIRE_FALSE(log);
  CHECK(log.error().code == Errc::unsupported_version);
}

TEST_CASE("log: a file that is no database is corrupt, and is left as it is") {
  const TempDirectory temp;
  const std::string noise(20'000, '?');
  std::ofstream(temp / "log.db") << noise;
  const auto log = LogDb::open(temp / "log.db", paris);
  REQUIRE_FALSE(log);
  CHECK(log.error().code == Errc::corrupt);
  CHECK_THAT(log.error().message, Contains((temp / "log.db").string()));
  CHECK(test::file_bytes(temp / "log.db") == noise);
}

TEST_CASE("log: a path that cannot be opened is named") {
  const TempDirectory temp;
  const auto log = LogDb::open(temp / "missing/log.db", paris);
  REQUIRE_FALSE(log);
  CHECK(log.error().code == Errc::io);
  CHECK_THAT(log.error().message, Contains((temp / "missing/log.db").string()));
}

TEST_CASE("log: its files are for the owner only") {
  const TempDirectory temp;
  LogDb log = open(temp / "log.db");
  REQUIRE(append(log, 1));
  for (const char* name : {"log.db", "log.db-wal", "log.db-shm"}) {
    struct stat info {};
    REQUIRE(::stat((temp / name).c_str(), &info) == 0);
    CHECK((info.st_mode & 0777) == 0600);
  }
}

TEST_CASE("log: the WAL keeps the size that was prepared for it when it is copied in time") {
  const TempDirectory temp;
  const storage::LogOptions options{.page_bytes = 4096, .wal_bytes = 1 << 20};
  LogDb log = open(temp / "log.db", options);
  CHECK(std::filesystem::file_size(temp / "log.db-wal") == options.wal_bytes);
  for (int i = 0; i < 600; ++i) {
    REQUIRE(append(log, 2, 4000));
    if (log.wal_bytes() > options.wal_bytes / 2) REQUIRE(log.checkpoint_wal());
  }
  CHECK(std::filesystem::file_size(temp / "log.db-wal") == options.wal_bytes);
  CHECK(std::filesystem::file_size(temp / "log.db") > 2 * options.wal_bytes);
  CHECK(contents(open_reader(temp / "log.db")).batches.size() == 1200);
}

TEST_CASE("log: on a full disk append fails, fails from then on, and loses nothing that it had taken") {
  test::TempDisk disk("2m");
  if (!disk.mounted()) return;
  Lsn acknowledged = 0;
  {
    LogDb log = open(disk / "log.db");
    Result<void> appended;
    while ((appended = append(log, 1, 10'000)) && acknowledged < 1000) ++acknowledged;
    CHECK(acknowledged > 10);
    REQUIRE_FALSE(appended);
    CHECK(appended.error().code == Errc::io);
    CHECK_THAT(appended.error().message, Contains((disk / "log.db").string()) && Contains("full"));
    const auto later = log.append({});
    REQUIRE_FALSE(later);
    CHECK(later.error().message == appended.error().message);
    CHECK_FALSE(log.checkpoint_wal());
  }
  disk.grow_to("32m");
  {
    LogDb log = open(disk / "log.db");
    CHECK(log.last_lsn() >= acknowledged);
    REQUIRE(append(log, 1));
  }
}

TEST_CASE("log: what is kept aside is no part of the log, and is there after it was opened again") {
  const TempDirectory temp;
  {
    LogDb log = open(temp / "log.db");
    REQUIRE(append(log, 2));
    const storage::AsideBatch aside[] = {{{7, 0, origin, 41, 43, 1234, "not known", 4}, "what"}};
    REQUIRE(log.keep_aside(aside));
    CHECK(log.last_lsn() == 2);
  }
  LogDb log = open(temp / "log.db");
  const LogReader reader = open_reader(temp / "log.db");
  CHECK(contents(reader).batches.size() == 2);
  const auto places = reader.aside();
  REQUIRE(places);
  REQUIRE(places->size() == 1);
  const storage::AsidePlace& place = places->front();
  CHECK(place.id == 7);
  CHECK(place.origin == origin);
  CHECK(place.first_seq == 41);
  CHECK(place.last_seq == 43);
  CHECK(place.at_ms == 1234);
  CHECK(place.reason == "not known");
  CHECK(place.bytes == 4);
  CHECK(reader.read_aside(7) == "what");
  REQUIRE(log.forget_aside(std::vector<std::int64_t>{7}));
  CHECK(reader.aside()->empty());
  CHECK(!reader.read_aside(7));
}

TEST_CASE(
    "log: its end can be set aside, with a batch that was damaged as it is, and it goes on before that") {
  const TempDirectory temp;
  {
    LogDb log = open(temp / "log.db");
    REQUIRE(append(log, 5));
    REQUIRE(log.checkpoint_wal());
  }
  test::flip_bit(temp / "log.db", batch(4));
  LogDb log = open(temp / "log.db");
  REQUIRE(log.set_tail_aside(4, "damaged", 99));
  CHECK(log.last_lsn() == 3);
  REQUIRE(append(log, 1));
  const LogReader reader = open_reader(temp / "log.db");
  CHECK(contents(reader).batches.size() == 4);
  const auto places = reader.aside();
  REQUIRE(places);
  REQUIRE(places->size() == 2);
  CHECK(places->at(0).lsn == 4);
  CHECK(places->at(1).lsn == 5);
  const auto damaged = reader.read_aside(places->at(0).id);
  REQUIRE(!damaged);
  CHECK(damaged.error().code == Errc::corrupt);
  CHECK(reader.read_aside(places->at(1).id) == batch(5));
}
