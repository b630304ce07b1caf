// The fuzzer's property over seeded random streams, for compilers without libFuzzer.
#include <random>
#include <string>
#include <vector>

#include "tests/catch.hpp"
#include "tests/fuzz/resp_parser_fuzz.hpp"

using turnstone::fuzz::check_parser;

namespace {

const std::vector<std::string> pieces = {
    "*1\r\n$4\r\nPING\r\n",
    "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n",
    "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$0\r\n\r\n",
    "*0\r\n",
    "*-1\r\n",
    "\r\n",
    "PING\r\n",
    "set k \"a\\x41\\n\" 'b \\' c'\r\n",
    "*21\r\n",
    "$301\r\n",
    "$-1\r\n",
    "*",
    "$",
    "\"",
    "'",
    "\\",
    "0",
    "\n",
    std::string(1, '\0'),
};

std::string random_stream(std::mt19937_64& random) {
  std::string stream;
  for (auto left = random() % 12; left > 0; --left) stream += pieces[random() % pieces.size()];
  if (random() % 8 == 0) stream += "*1\r\n$200\r\n" + std::string(200, 'x') + "\r\nPING\r\n";
  for (auto left = random() % 4; left > 0 && !stream.empty(); --left) {
    const auto at = random() % stream.size();
    switch (random() % 3) {
      case 0:
        stream[at] = static_cast<char>(random());
        break;
      case 1:
        stream.erase(at, 1 + random() % 4);
        break;
      default:
        stream.insert(at, pieces[random() % pieces.size()]);
    }
  }
  return stream;
}

}  // namespace

TEST_CASE("parser: the verdict on a random stream does not depend on how it is cut") {
  std::mt19937_64 random(20240611);
  for (int i = 0; i < 20'000; ++i) {
    const std::string stream = random_stream(random);
    check_parser(reinterpret_cast<const std::uint8_t*>(stream.data()), stream.size());
  }
  SUCCEED();
}

TEST_CASE("parser: random streams reach requests, errors and limits") {
  std::mt19937_64 random(20240611);
  int requests = 0;
  int errors = 0;
  int limits = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::size_t consumed = 0;
    const std::string said = turnstone::fuzz::parse_stream(random_stream(random), 1000, consumed);
    requests += said.find("request") != std::string::npos ? 1 : 0;
    errors += said.find("error") != std::string::npos ? 1 : 0;
    limits += said.find("_max is") != std::string::npos ? 1 : 0;
  }
  CHECK(requests > 1000);
  CHECK(errors > 1000);
  CHECK(limits > 100);
}
