#include "regions/resp/parser.hpp"

#include <string>
#include <vector>

#include "tests/catch.hpp"

using turnstone::resp::ParserLimits;
using turnstone::resp::ParseStatus;
using turnstone::resp::RequestParser;

namespace {

using Request = std::vector<std::string>;

struct Parsed {
  std::vector<Request> requests;
  std::string error;
  std::size_t consumed = 0;
};

// Feeds the stream as if it arrived cut at the given places, in a buffer that moves.
Parsed parse(const std::string& stream, const std::vector<std::size_t>& cuts = {},
             const ParserLimits& limits = {}, bool authenticated = true) {
  RequestParser parser(limits);
  parser.set_authenticated(authenticated);
  Parsed parsed;
  std::vector<std::size_t> ends = cuts;
  ends.push_back(stream.size());
  for (const std::size_t end : ends) {
    for (;;) {
      const std::string buffer = stream.substr(parsed.consumed, end - parsed.consumed);
      const auto status = parser.parse(buffer);
      parsed.consumed += parser.consumed();
      if (status == ParseStatus::need_more) break;
      if (status == ParseStatus::error) {
        parsed.error = parser.error();
        return parsed;
      }
      parsed.requests.emplace_back(parser.args().begin(), parser.args().end());
    }
  }
  return parsed;
}

std::string bulk(const std::string& value) {
  return "$" + std::to_string(value.size()) + "\r\n" + value + "\r\n";
}

std::string array(const Request& request) {
  std::string bytes = "*" + std::to_string(request.size()) + "\r\n";
  for (const std::string& arg : request) bytes += bulk(arg);
  return bytes;
}

std::string error_of(const std::string& stream, const ParserLimits& limits = {}, bool authenticated = true) {
  return parse(stream, {}, limits, authenticated).error;
}

}  // namespace

TEST_CASE("parser: a pipeline gives the same requests wherever it is cut") {
  const std::string stream = array({"SET", "key", std::string("a\r\n\0b", 5)}) + "PING\r\n" +
                             array({"GET", ""}) + "\r\n*0\r\n*-1\r\nset k \"x y\"\n" +
                             array({std::string(300, 'v')});
  const std::vector<Request> expected = {{"SET", "key", std::string("a\r\n\0b", 5)},
                                         {"PING"},
                                         {"GET", ""},
                                         {"set", "k", "x y"},
                                         {std::string(300, 'v')}};
  for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
    const Parsed parsed = parse(stream, {cut});
    REQUIRE(parsed.requests == expected);
    REQUIRE(parsed.error.empty());
    REQUIRE(parsed.consumed == stream.size());
  }
  std::vector<std::size_t> every_byte;
  for (std::size_t i = 1; i < stream.size(); ++i) every_byte.push_back(i);
  CHECK(parse(stream, every_byte).requests == expected);
}

TEST_CASE("parser: an unfinished request consumes nothing of itself") {
  const Parsed parsed = parse("PING\r\n*2\r\n$3\r\nGET\r\n$3\r\nab");
  CHECK(parsed.requests == std::vector<Request>{{"PING"}});
  CHECK(parsed.consumed == 6);
}

TEST_CASE("parser: empty lines and empty arrays are skipped") {
  CHECK(parse("\r\n\n  \r\n*0\r\n*-1\r\n*-7\r\nPING\r\n").requests == std::vector<Request>{{"PING"}});
}

TEST_CASE("parser: an inline command is split like a shell would") {
  CHECK(parse("  set\tk  v \r\n").requests == std::vector<Request>{{"set", "k", "v"}});
  CHECK(parse("PING\n").requests == std::vector<Request>{{"PING"}});
  CHECK(parse("a \"\\x41\\n\\r\\t\\b\\a\\\"\\\\\\q\" b\r\n").requests ==
        std::vector<Request>{{"a", "A\n\r\t\b\a\"\\q", "b"}});
  CHECK(parse("a 'it\\'s \\n' \"\" ''\r\n").requests == std::vector<Request>{{"a", "it's \\n", "", ""}});
  CHECK(parse("a \"\\xZZ\\x4\"\r\n").requests == std::vector<Request>{{"a", "xZZx4"}});
}

TEST_CASE("parser: quotes that do not match are refused") {
  const std::string unbalanced = "Protocol error: unbalanced quotes in request";
  CHECK(error_of("set \"a\r\n") == unbalanced);
  CHECK(error_of("set 'a\r\n") == unbalanced);
  CHECK(error_of("set 'a'b\r\n") == unbalanced);
  CHECK(error_of("set \"a\"b\r\n") == unbalanced);
  CHECK(error_of("set \"a\\\r\n") == unbalanced);
}

TEST_CASE("parser: bytes that follow no grammar are refused in Redis's words") {
  CHECK(error_of("*1\r\nX") == "Protocol error: expected '$', got 'X'");
  CHECK(error_of("*x\r\n") == "Protocol error: invalid multibulk length");
  CHECK(error_of("*01\r\n") == "Protocol error: invalid multibulk length");
  CHECK(error_of("*+1\r\n") == "Protocol error: invalid multibulk length");
  CHECK(error_of("*-\r\n") == "Protocol error: invalid multibulk length");
  CHECK(error_of("*-0\r\n") == "Protocol error: invalid multibulk length");
  CHECK(error_of("*\r\n") == "Protocol error: invalid multibulk length");
  CHECK(error_of("*1\r\r") == "Protocol error: invalid multibulk length");
  CHECK(error_of("*99999999999") == "Protocol error: invalid multibulk length");
  CHECK(error_of("*1\r\n$-1\r\n") == "Protocol error: invalid bulk length");
  CHECK(error_of("*1\r\n$x\r\n") == "Protocol error: invalid bulk length");
  CHECK(error_of("*1\r\n$\r\n") == "Protocol error: invalid bulk length");
  CHECK(error_of("*1\r\n$4\r\nPINGxx") == "Protocol error: expected CRLF after a bulk string");
}

TEST_CASE("parser: an error is final") {
  RequestParser parser;
  CHECK(parser.parse("*x\r\n") == ParseStatus::error);
  CHECK(parser.parse("PING\r\n") == ParseStatus::error);
}

TEST_CASE("parser: an argument may have bulk_bytes_max bytes and not one more") {
  const ParserLimits limits{.bulk_bytes_max = 100};
  CHECK(parse(array({std::string(100, 'x')}), {}, limits).requests.size() == 1);
  CHECK(error_of("*1\r\n$101\r\n", limits) == "Protocol error: invalid bulk length, bulk_bytes_max is 100");
}

TEST_CASE("parser: a request may have args_max arguments and not one more") {
  const ParserLimits limits{.args_max = 100};
  CHECK(parse(array(Request(100, "x")), {}, limits).requests.size() == 1);
  CHECK(error_of("*101\r\n", limits) == "Protocol error: invalid multibulk length, args_max is 100");
}

TEST_CASE("parser: a request may have request_bytes_max bytes before its last line end, and not one more") {
  // Raised to one largest argument and 64 KiB.
  const ParserLimits limits{.bulk_bytes_max = 1000, .args_max = 10'000, .request_bytes_max = 0};
  constexpr std::size_t request_bytes_max = 1000 + 64 * 1024;
  Request request(65, std::string(1000, 'x'));
  request.emplace_back();
  // The last argument's length has three digits.
  const std::size_t left = request_bytes_max + 2 - array(request).size() - 2;
  request.back() = std::string(left, 'y');
  REQUIRE(array(request).size() == request_bytes_max + 2);
  CHECK(parse(array(request), {}, limits).requests.size() == 1);
  request.back() += 'y';
  CHECK(error_of(array(request), limits) == "Protocol error: too big request, request_bytes_max is 66536");
}

TEST_CASE("parser: an inline command may have inline_bytes_max bytes and not one more") {
  const ParserLimits limits{.inline_bytes_max = 100};
  CHECK(parse(std::string(100, 'x') + "\n", {}, limits).requests.size() == 1);
  CHECK(error_of(std::string(101, 'x') + "\n", limits) == "Protocol error: too big inline request");
  CHECK(error_of(std::string(101, 'x'), limits) == "Protocol error: too big inline request");
}

TEST_CASE("parser: a client that is not authenticated gets ten arguments of 16 KiB") {
  const Request most(10, std::string(16 * 1024, 'x'));
  CHECK(parse(array(most), {}, {}, false).requests.size() == 1);
  CHECK(error_of("*11\r\n", {}, false) == "Protocol error: unauthenticated multibulk length");
  CHECK(error_of("*1\r\n$16385\r\n", {}, false) == "Protocol error: unauthenticated bulk length");
}

TEST_CASE("parser: the limits before authentication end with it, request by request") {
  RequestParser parser;
  parser.set_authenticated(false);
  const std::string stream = array({"AUTH", "secret"}) + array(Request(11, "x"));
  REQUIRE(parser.parse(stream) == ParseStatus::request);
  parser.set_authenticated(true);
  CHECK(parser.parse(std::string_view(stream).substr(parser.consumed())) == ParseStatus::request);
}

TEST_CASE("parser: a length takes no memory before the bytes are there") {
  // A terabyte promised: were it reserved, this would not return.
  const ParserLimits limits{.bulk_bytes_max = std::size_t{1} << 32,
                            .request_bytes_max = std::size_t{1} << 62};
  CHECK(parse("*1048576\r\n$4294967296\r\nx", {}, limits).error.empty());
}

TEST_CASE("parser: a large request that arrives byte by byte is read once") {
  // Were each byte to start over, this would take 10^11 steps.
  std::string stream = array(Request(50'000, "x"));
  RequestParser parser;
  for (std::size_t size = 1; size < stream.size(); ++size) {
    if (parser.parse(std::string_view(stream).substr(0, size)) != ParseStatus::need_more)
      FAIL("not whole yet");
  }
  REQUIRE(parser.parse(stream) == ParseStatus::request);
  CHECK(parser.args().size() == 50'000);
  CHECK(parser.consumed() == stream.size());
}
