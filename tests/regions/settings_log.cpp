#include <fcntl.h>

#include <functional>
#include <limits>

#include "regions/settings/log.hpp"
#include "regions/settings/log_line.hpp"
#include "tests/catch.hpp"
#include "tests/regions/settings_loader.hpp"

namespace turnstone::regions::log {
namespace {

using namespace std::string_literals;

// 2025-11-21T10:11:12.345Z
constexpr std::int64_t moment = 1'763'719'872'345;

std::string json(std::string_view message, Fields fields = {}, std::string_view region = "") {
  return json_line({moment, LogLevel::info, region, message, {fields.begin(), fields.size()}});
}
std::string text(std::string_view message, Fields fields = {}, std::string_view region = "") {
  return text_line({moment, LogLevel::warning, region, message, {fields.begin(), fields.size()}});
}
std::string json_value(const Field& field) {
  const std::string line = json("", {field});
  const std::string lead = R"("message":"","x":)";
  const std::size_t at = line.find(lead) + lead.size();
  return line.substr(at, line.size() - at - 1);
}
std::string text_value(const Field& field) {
  const std::string line = text("m", {field});
  return line.substr(line.find("x=") + 2);
}

TEST_CASE("log: a JSON line holds the time in UTC, the level, the message, the region and the fields") {
  CHECK(
      json("peer is up", {{"peer", "tokyo"s}, {"ms", 12}}, "paris") ==
      R"({"time":"2025-11-21T10:11:12.345Z","level":"info","message":"peer is up","region":"paris","peer":"tokyo","ms":12})");
}

TEST_CASE("log: a text line holds the same for a person") {
  CHECK(text("peer is up", {{"peer", "tokyo"s}, {"ms", 12}}, "paris") ==
        "2025-11-21T10:11:12.345Z warning peer is up region=paris peer=tokyo ms=12");
}

TEST_CASE("log: the milliseconds and the month are padded") {
  CHECK(text_line({1, LogLevel::error, "", "m", {}}) == "1970-01-01T00:00:00.001Z error   m");
}

TEST_CASE("log: what JSON cannot hold as it is, is escaped in messages and fields") {
  const std::vector<std::pair<std::string, std::string>> table = {
      {"plain", R"("plain")"},
      {"a\"b", R"("a\"b")"},
      {"back\\slash", R"("back\\slash")"},
      {"two\nlines", R"("two\nlines")"},
      {"\t\r\x01\x7f\x1b[31m", R"("\u0009\u000d\u0001\u007f\u001b[31m")"},
      {"nul\0byte"s, R"("nul\u0000byte")"},
      {"Gr\xc3\xbc\xc3\x9f"
       "e \xe6\x9d\xb1\xe4\xba\xac \xf0\x9f\x98\x80",
       "\"Gr\xc3\xbc\xc3\x9f"
       "e \xe6\x9d\xb1\xe4\xba\xac \xf0\x9f\x98\x80\""},
      {"\xff", R"("\ufffd")"},
      {"\xc3", R"("\ufffd")"},
      {"\xc3(", R"("\ufffd(")"},
      {"\xc0\xaf", R"("\ufffd\ufffd")"},                      // overlong
      {"\xed\xa0\x80", R"("\ufffd\ufffd\ufffd")"},            // a surrogate
      {"\xf4\x90\x80\x80", R"("\ufffd\ufffd\ufffd\ufffd")"},  // beyond U+10FFFF
      {"\xe6\x9d", R"("\ufffd\ufffd")"},                      // cut short
  };
  for (const auto& [raw, escaped] : table) {
    CHECK(json_value({"x", raw}) == escaped);
    CHECK(json(raw).find("\"message\":" + escaped + "}") != std::string::npos);
  }
}

TEST_CASE("log: numbers and truth values are written as such, and what JSON lacks is null") {
  CHECK(json_value({"x", std::numeric_limits<std::int64_t>::min()}) == "-9223372036854775808");
  CHECK(json_value({"x", std::numeric_limits<std::uint64_t>::max()}) == "18446744073709551615");
  CHECK(json_value({"x", 0.5}) == "0.5");
  CHECK(json_value({"x", true}) == "true");
  CHECK(json_value({"x", std::numeric_limits<double>::quiet_NaN()}) == "null");
  CHECK(json_value({"x", std::numeric_limits<double>::infinity()}) == "null");
  CHECK(json_value({"x", "a literal is text, not a truth value"}) ==
        "\"a literal is text, not a truth value\"");
}

TEST_CASE("log: a text line stays one line, and values that would be ambiguous are quoted") {
  CHECK(text("two\nlines\x1b[0m") == "2025-11-21T10:11:12.345Z warning two\\nlines\\x1b[0m");
  CHECK(text_value({"x", "tokyo"}) == "tokyo");
  CHECK(text_value({"x", ""}) == "\"\"");
  CHECK(text_value({"x", "two words"}) == "\"two words\"");
  CHECK(text_value({"x", "a=b"}) == "\"a=b\"");
  CHECK(text_value({"x", "say \"no\""}) == R"("say \"no\"")");
  CHECK(text_value({"x", "a\nb"}) == R"("a\nb")");
  CHECK(text_value({"x", false}) == "false");
  CHECK(text_value({"x", -3}) == "-3");
}

// What stderr receives while `write` runs.
std::string written(const std::function<void()>& write) {
  const ScratchFile file("");
  const int saved = dup(STDERR_FILENO);
  const int capture = open(file.path().c_str(), O_WRONLY | O_TRUNC);
  REQUIRE(saved >= 0);
  REQUIRE(capture >= 0);
  REQUIRE(dup2(capture, STDERR_FILENO) >= 0);
  write();
  REQUIRE(dup2(saved, STDERR_FILENO) >= 0);
  close(saved);
  close(capture);
  std::ifstream stream(file.path());
  return {std::istreambuf_iterator<char>(stream), {}};
}

TEST_CASE("log: a line goes to stderr at once, as JSON when that is no terminal") {
  const std::string out = written([] {
    setup(LogLevel::info, LogFormat::automatic, "paris");
    info("peer is up", {{"peer", "tokyo"}});
    debug("too much detail");
    setup(LogLevel::info, LogFormat::text, "paris");
    error("peer is down {}", {{"peer", "tokyo"}});
    setup(LogLevel::info, LogFormat::automatic, "");
  });
  INFO(out);
  const std::size_t second = out.find('\n') + 1;
  CHECK(out.starts_with("{\"time\":\"20"));
  CHECK(out.substr(0, second).ends_with(
      ",\"level\":\"info\",\"message\":\"peer is up\",\"region\":\"paris\",\"peer\":\"tokyo\"}\n"));
  CHECK(out.substr(second).ends_with("Z error   peer is down {} region=paris peer=tokyo\n"));
}

TEST_CASE("log: the level of the setup decides what is written") {
  setup(LogLevel::warning, LogFormat::json, "paris");
  CHECK_FALSE(enabled(LogLevel::info));
  CHECK(enabled(LogLevel::warning));
  CHECK(enabled(LogLevel::error));
  setup(LogLevel::trace, LogFormat::automatic, "");
  CHECK(enabled(LogLevel::trace));
  setup(LogLevel::info, LogFormat::automatic, "");
  CHECK(enabled(LogLevel::info));
  CHECK_FALSE(enabled(LogLevel::debug));
}

}  // namespace
}  // namespace turnstone::regions::log
