#include <sqlite3.h>

#include <algorithm>

#include "core/storage/snapshot.hpp"
#include "regions/backup/backup.hpp"
#include "regions/backup/check.hpp"
#include "tests/core/temp_directory.hpp"
#include "tests/regions/durability_leader.hpp"

using namespace turnstone;
using namespace turnstone::backup;
using Catch::Matchers::Contains;
using durability::start_leader;
using durability::TestLeader;
using test::TempDirectory;

namespace {

// Writes before and behind a checkpoint.
void write_some(TestLeader& leader) {
  leader.put("blue", "before the checkpoint");
  leader.put("green", "before the checkpoint too");
  leader.checkpoint();
  leader.put("blue", "after the checkpoint");
}

void execute(const std::filesystem::path& file, const std::string& sql) {
  sqlite3* database = nullptr;
  REQUIRE(sqlite3_open(file.c_str(), &database) == SQLITE_OK);
  CHECK(sqlite3_exec(database, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK);
  sqlite3_close(database);
}

std::vector<std::string> names_in(const std::filesystem::path& directory) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(directory))
    names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

template <class T>
Error refused(const Result<T>& result) {
  if (result) FAIL("it was not refused");
  return result.error();
}

Manifest taken(const std::filesystem::path& data, const std::filesystem::path& out) {
  auto manifest = take(data, out);
  INFO((manifest ? "" : manifest.error().message));
  REQUIRE(manifest);
  return *manifest;
}

}  // namespace

TEST_CASE("backup: a running leader's data come back as they were at that moment") {
  const TempDirectory temp;
  TestLeader paris = start_leader(temp / "paris", 1);
  write_some(paris);
  const Hash128 then = paris.digest();
  const Manifest manifest = taken(temp / "paris", temp / "backup");
  CHECK(manifest.contents == Contents{"turnstone", "paris", 2, 1, 3, 2, VersionVector{{Origin{1}, 3}}});
  paris.put("red", "behind the backup");
  CHECK(names_in(temp.path()) == std::vector<std::string>{"backup", "paris"});
  CHECK(*check(temp / "backup") == manifest);

  const auto restored = restore(temp / "backup", temp / "new", "paris");
  INFO((restored ? "" : restored.error().message));
  REQUIRE(restored);
  CHECK(restored->digest == then);
  CHECK(names_in(temp / "new") == std::vector<std::string>{"audit.db", "lock", "log.db", "state.db"});
  TestLeader again = start_leader(temp / "new", 2);
  CHECK(again.digest() == then);
  CHECK(again.report().alarms.empty());
  again.put("red", "as another origin");
  CHECK(again.replica().vector() == VersionVector{{Origin{1}, 3}, {Origin{2}, 1}});
}

TEST_CASE("backup: it may be restored as another region") {
  const TempDirectory temp;
  {
    TestLeader paris = start_leader(temp / "paris", 1);
    write_some(paris);
    taken(temp / "paris", temp / "backup");
  }
  REQUIRE(restore(temp / "backup", temp / "oslo", "oslo"));
  CHECK(storage::owner_of(temp / "oslo" / "log.db")->region == "oslo");
  CHECK(storage::owner_of(temp / "oslo" / "state.db")->region == "oslo");
  const auto as_paris = TestLeader::start(temp / "oslo", 2);
  REQUIRE_FALSE(as_paris);
  CHECK(as_paris.error().code == Errc::wrong_cluster);
}

TEST_CASE("backup: an empty leader's can be restored too") {
  const TempDirectory temp;
  { const TestLeader paris = start_leader(temp / "paris", 1); }
  const Manifest manifest = taken(temp / "paris", temp / "backup");
  CHECK(manifest.contents.last_lsn == 0);
  CHECK(restore(temp / "backup", temp / "new", "paris"));
}

TEST_CASE("backup: a damaged leader gives none, and nothing is left behind") {
  const TempDirectory temp;
  {
    TestLeader paris = start_leader(temp / "paris", 1);
    write_some(paris);
  }
  const auto gives_none = [&](const char* file, const char* sql, const char* reason) {
    INFO(sql);
    test::copy_files(temp / "paris", temp / "copy");
    execute(temp / "copy" / file, sql);
    const Error error = refused(take(temp / "copy", temp / "backup"));
    CHECK(error.code == Errc::corrupt);
    CHECK_THAT(error.message, Contains(reason));
    std::filesystem::remove_all(temp / "copy");
    CHECK(names_in(temp.path()) == std::vector<std::string>{"paris"});
  };
  gives_none("log.db", "UPDATE batch SET bytes = zeroblob(40) WHERE lsn = 1", "checksum");
  gives_none("log.db", "DELETE FROM batch WHERE lsn = 2", "batch 2 of the log is missing");
  gives_none("log.db", "DELETE FROM batch WHERE lsn > 1", "the log ends with batch 1");
  gives_none("state.db", "DELETE FROM cell WHERE key = CAST('blue' AS BLOB)", "cells");
  gives_none("state.db", "DELETE FROM meta WHERE key = 'position'", "position");
  // As if the log had been cut behind what the state holds.
  gives_none("log.db", "DELETE FROM batch; INSERT INTO batch SELECT 9, 1, 9, 9, 0, x'00'", "");
}

TEST_CASE("backup: what is no data directory, and a file that is there, are refused") {
  const TempDirectory temp;
  { const TestLeader paris = start_leader(temp / "paris", 1); }
  CHECK_THAT(refused(take(temp / "absent", temp / "backup")).message, Contains("log.db is missing"));
  std::ofstream(temp / "backup") << "older";
  CHECK(refused(take(temp / "paris", temp / "backup")).code == Errc::config);
  CHECK(test::file_bytes(temp / "backup") == "older");
  CHECK_THAT(refused(take(temp / "paris", temp / "mistyped" / "backup")).message,
             Contains("there is no directory"));
  CHECK(names_in(temp.path()) == std::vector<std::string>{"backup", "paris"});
}

TEST_CASE("backup: what an interrupted one left is no hindrance; one under way is") {
  const TempDirectory temp;
  { const TestLeader paris = start_leader(temp / "paris", 1); }
  std::filesystem::create_directories(temp / "backup.partial");
  for (const char* name : {"state.db", "state.db-wal", "log.db", "backup"})
    std::ofstream(temp / "backup.partial" / name) << "half";
  {
    const auto other = storage::DataDirectory::open(temp / "backup.partial");
    CHECK(refused(take(temp / "paris", temp / "backup")).code == Errc::in_use);
  }
  taken(temp / "paris", temp / "backup");
  CHECK(names_in(temp.path()) == std::vector<std::string>{"backup", "paris"});
}

TEST_CASE("backup: a log that begins behind its state is noticed") {
  CHECK_FALSE(has_gap({"", "", 0, 0, 0, 0, {}}));
  CHECK_FALSE(has_gap({"", "", 7, 1, 9, 0, {}}));
  CHECK_FALSE(has_gap({"", "", 7, 8, 9, 0, {}}));
  CHECK(has_gap({"", "", 7, 9, 9, 0, {}}));
}

TEST_CASE("restore: only an empty directory that nobody holds is used") {
  const TempDirectory temp;
  { const TestLeader paris = start_leader(temp / "paris", 1); }
  taken(temp / "paris", temp / "backup");
  CHECK_THAT(refused(restore(temp / "backup", temp / "paris", "paris")).message, Contains("is not empty"));
  const auto held = storage::DataDirectory::open(temp / "held");
  CHECK(refused(restore(temp / "backup", temp / "held", "paris")).code == Errc::in_use);
  // What an interrupted restore leaves counts as nothing.
  std::filesystem::create_directories(temp / "again" / "restoring");
  std::ofstream(temp / "again" / "restoring" / "log.db") << "half";
  CHECK(restore(temp / "backup", temp / "again", "paris"));
}

TEST_CASE("restore: a leader that is to catch up before it writes is told so in its directory") {
  const TempDirectory temp;
  { const TestLeader paris = start_leader(temp / "paris", 1); }
  taken(temp / "paris", temp / "backup");
  REQUIRE(restore(temp / "backup", temp / "at-once", "paris"));
  CHECK(names_in(temp / "at-once") == std::vector<std::string>{"audit.db", "lock", "log.db", "state.db"});
  REQUIRE(restore(temp / "backup", temp / "later", "paris", FirstWrite::once_caught_up));
  CHECK(names_in(temp / "later") ==
        std::vector<std::string>{"audit.db", "joining", "lock", "log.db", "state.db"});
}

TEST_CASE("restore: a damaged backup makes no data directory") {
  const TempDirectory temp;
  {
    TestLeader paris = start_leader(temp / "paris", 1);
    write_some(paris);
    taken(temp / "paris", temp / "backup");
  }
  const std::string whole = test::file_bytes(temp / "backup");
  for (std::size_t at = 0; at < whole.size(); at += 997) {
    INFO(at);
    std::string altered = whole;
    altered[at] = static_cast<char>(altered[at] ^ 1);
    std::ofstream(temp / "altered", std::ios::binary) << altered;
    CHECK_FALSE(check(temp / "altered"));
    const Error error = refused(restore(temp / "altered", temp / "new", "paris"));
    CHECK((error.code == Errc::corrupt || error.code == Errc::malformed ||
           error.code == Errc::unsupported_version));
    std::error_code ignored;
    CHECK_FALSE(std::filesystem::exists(temp / "new" / "log.db", ignored));
    CHECK_FALSE(std::filesystem::exists(temp / "new" / "restoring", ignored));
  }
  std::ofstream(temp / "altered", std::ios::binary) << "";
  CHECK_FALSE(check(temp / "altered"));
}
