#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "regions/security/key_file.hpp"
#include "tests/catch.hpp"
#include "tests/core/temp_directory.hpp"

using namespace turnstone;
using namespace turnstone::regions;
using turnstone::test::TempDirectory;

namespace {

std::string refused(const std::string& path) {
  const auto keys = read_key_file(path);
  REQUIRE(!keys);
  CHECK(keys.error().code == Errc::config);
  CHECK(keys.error().message.starts_with(path));
  return keys.error().message;
}

void write(const std::string& path, const std::string& text) {
  std::ofstream(path) << text;
  REQUIRE(chmod(path.c_str(), 0600) == 0);
}

}  // namespace

TEST_CASE("key file: what keygen wrote is read, and only its owner can") {
  const TempDirectory directory;
  const std::string path = directory.path() / "paris.key";
  const auto made = make_key_file(path);
  REQUIRE(made.has_value());
  struct stat status {};
  REQUIRE(stat(path.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777u) == 0600u);
  const auto read = read_key_file(path);
  REQUIRE(read.has_value());
  CHECK(read->public_keys() == *made);
}

TEST_CASE("key file: an existing file is left as it is") {
  const TempDirectory directory;
  const std::string path = directory.path() / "paris.key";
  const auto first = make_key_file(path);
  const auto second = make_key_file(path);
  REQUIRE(!second);
  CHECK(second.error().message.find("never overwritten") != std::string::npos);
  CHECK(read_key_file(path)->public_keys() == *first);
}

TEST_CASE("key file: a place that cannot be written is told from a file that is no good") {
  const TempDirectory directory;
  const auto made = make_key_file(directory.path() / "absent" / "paris.key");
  REQUIRE(!made);
  CHECK(made.error().code == Errc::io);
}

TEST_CASE("key file: any right of others is refused with the mode it has") {
  const TempDirectory directory;
  const std::string path = directory.path() / "paris.key";
  REQUIRE(make_key_file(path).has_value());
  for (const mode_t mode : {0640u, 0620u, 0610u, 0604u, 0602u, 0601u, 0777u}) {
    REQUIRE(chmod(path.c_str(), mode) == 0);
    CHECK(refused(path).find("has mode 0") != std::string::npos);
  }
  REQUIRE(chmod(path.c_str(), 0400) == 0);
  CHECK(read_key_file(path).has_value());
}

TEST_CASE("key file: what is no file, or holds no key or several, is refused") {
  const TempDirectory directory;
  const std::string path = directory.path() / "paris.key";
  CHECK(refused(path).find("No such file") != std::string::npos);
  CHECK(refused(directory.path()).find("not a regular file") != std::string::npos);
  REQUIRE(mkfifo((path + ".pipe").c_str(), 0600) == 0);
  CHECK(refused(path + ".pipe").find("not a regular file") != std::string::npos);
  REQUIRE(make_key_file(path + ".good").has_value());
  std::ifstream good(path + ".good");
  const std::string text((std::istreambuf_iterator<char>(good)), {});
  for (const std::string& wrong : {std::string(), std::string("# nothing\n"), text + text, text + "x\n"}) {
    write(path, wrong);
    CHECK(refused(path).find("no secret key") != std::string::npos);
  }
  write(path, std::string(5000, '#'));
  CHECK(refused(path).find("too large") != std::string::npos);
}

TEST_CASE("key file: nothing is left behind where it cannot be written") {
  const auto made = make_key_file("/nowhere/paris.key");
  REQUIRE(!made);
  CHECK(made.error().message == "/nowhere/paris.key: No such file or directory");
}
