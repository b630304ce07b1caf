#include "core/storage/data_directory.hpp"

#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "tests/catch.hpp"
#include "tests/core/temp_directory.hpp"
#include "tests/core/temp_disk.hpp"

using namespace turnstone;
using storage::DataDirectory;
using test::TempDirectory;

TEST_CASE("data directory: it is made with its parents, for its owner only") {
  const TempDirectory temp;
  const auto path = temp / "var/lib/turnstone/";
  auto directory = DataDirectory::open(path);
  REQUIRE(directory);
  struct stat info {};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0700);
  REQUIRE(::stat(directory->file("lock").c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0600);
  CHECK(directory->file("log.db") == temp / "var/lib/turnstone/log.db");
}

TEST_CASE("data directory: a second holder is refused, told the directory and the process") {
  const TempDirectory temp;
  auto first = DataDirectory::open(temp.path());
  REQUIRE(first);
  const auto second = DataDirectory::open(temp.path());
  REQUIRE_FALSE(second);
  CHECK(second.error().code == Errc::in_use);
  CHECK_THAT(second.error().message, Catch::Matchers::Contains(temp.path().string()));
  CHECK_THAT(second.error().message, Catch::Matchers::Contains("process " + std::to_string(::getpid())));
}

TEST_CASE("data directory: the lock ends with its holder, and moves with it") {
  const TempDirectory temp;
  {
    auto first = DataDirectory::open(temp.path());
    REQUIRE(first);
    DataDirectory moved = std::move(*first);
    CHECK_FALSE(DataDirectory::open(temp.path()));
  }
  CHECK(DataDirectory::open(temp.path()));
}

TEST_CASE("data directory: a file system where no directory can be made is an error") {
  for (const char* name : {"/proc/turnstone", "/proc/turnstone/below"}) {
    const auto directory = DataDirectory::open(name);
    REQUIRE_FALSE(directory);
    CHECK(directory.error().code == Errc::io);
    CHECK_THAT(directory.error().message, Catch::Matchers::Contains("/proc/turnstone"));
  }
}

TEST_CASE("data directory: a file in its place is named in the error") {
  const TempDirectory temp;
  std::ofstream(temp / "data") << "x";
  for (const char* name : {"data", "data/below"}) {
    const auto directory = DataDirectory::open(temp / name);
    REQUIRE_FALSE(directory);
    CHECK(directory.error().code == Errc::io);
    CHECK_THAT(directory.error().message, Catch::Matchers::Contains((temp / "data").string()));
  }
}

TEST_CASE("data directory: a read-only file system is an io error that names the path") {
  const test::TempDisk disk("64k", MS_RDONLY);
  if (!disk.mounted()) return;
  for (const char* name : {"", "data"}) {
    const auto directory = DataDirectory::open(disk / name);
    CHECK_FALSE(directory);
    if (directory) continue;
    CHECK(directory.error().code == Errc::io);
    CHECK_THAT(directory.error().message, Catch::Matchers::Contains(disk.path().string()));
    CHECK_THAT(directory.error().message, Catch::Matchers::Contains("Read-only file system"));
  }
}

TEST_CASE("data directory: without the right to write, the error names the path") {
  const TempDirectory temp;
  REQUIRE(::chmod(temp.path().c_str(), 0555) == 0);
  // The superuser may write everywhere: nobody tries in its place.
  const bool superuser = ::geteuid() == 0;
  if (superuser) REQUIRE(::seteuid(65534) == 0);
  const auto directory = DataDirectory::open(temp.path());
  if (superuser) REQUIRE(::seteuid(0) == 0);
  REQUIRE(::chmod(temp.path().c_str(), 0700) == 0);
  REQUIRE_FALSE(directory);
  CHECK(directory.error().code == Errc::io);
  CHECK_THAT(directory.error().message, Catch::Matchers::Contains((temp / "lock").string()));
}

TEST_CASE("data directory: it knows the room that is left") {
  const TempDirectory temp;
  auto directory = DataDirectory::open(temp.path());
  REQUIRE(directory);
  const auto bytes = directory->free_bytes();
  REQUIRE(bytes);
  CHECK(*bytes > 0);
}

TEST_CASE("data directory: a database is set aside with the files beside it") {
  const TempDirectory temp;
  auto directory = DataDirectory::open(temp.path());
  REQUIRE(directory);
  for (const char* name : {"state.db", "state.db-wal", "log.db"}) std::ofstream(temp / name) << name;
  REQUIRE(directory->set_aside("state.db", "state.db.damaged-1"));
  CHECK_FALSE(std::filesystem::exists(temp / "state.db"));
  CHECK_FALSE(std::filesystem::exists(temp / "state.db-wal"));
  CHECK(test::file_bytes(temp / "state.db.damaged-1") == "state.db");
  CHECK(test::file_bytes(temp / "state.db.damaged-1-wal") == "state.db-wal");
  CHECK(test::file_bytes(temp / "log.db") == "log.db");
}
