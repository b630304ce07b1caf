#include "regions/resp/reply.hpp"

#include <functional>
#include <limits>
#include <string>

#include "tests/catch.hpp"

using turnstone::resp::ReplyWriter;

namespace {

std::string written(int protocol, const std::function<void(ReplyWriter&)>& write) {
  std::string out;
  ReplyWriter reply(out, protocol);
  write(reply);
  return out;
}

void check(const std::function<void(ReplyWriter&)>& write, const std::string& in_two,
           const std::string& in_three) {
  CHECK(written(2, write) == in_two);
  CHECK(written(3, write) == in_three);
}

}  // namespace

TEST_CASE("reply: what both protocols have is the same in both") {
  const auto same = [](const std::function<void(ReplyWriter&)>& write, const std::string& bytes) {
    check(write, bytes, bytes);
  };
  same([](auto& r) { r.ok(); }, "+OK\r\n");
  same([](auto& r) { r.error("ERR no such key"); }, "-ERR no such key\r\n");
  same([](auto& r) { r.integer(0); }, ":0\r\n");
  same([](auto& r) { r.integer(std::numeric_limits<std::int64_t>::min()); }, ":-9223372036854775808\r\n");
  same([](auto& r) { r.bulk(""); }, "$0\r\n\r\n");
  same([](auto& r) { r.bulk(std::string_view("a\r\n\0b", 5)); }, std::string("$5\r\na\r\n\0b\r\n", 11));
  same([](auto& r) { r.array(3); }, "*3\r\n");
}

TEST_CASE("reply: protocol 3 says what protocol 2 writes as arrays, strings and integers") {
  check([](auto& r) { r.null(); }, "$-1\r\n", "_\r\n");
  check([](auto& r) { r.null_array(); }, "*-1\r\n", "_\r\n");
  check([](auto& r) { r.map(2); }, "*4\r\n", "%2\r\n");
  check([](auto& r) { r.set(2); }, "*2\r\n", "~2\r\n");
  check([](auto& r) { r.push(2); }, "*2\r\n", ">2\r\n");
  check([](auto& r) { r.boolean(true); }, ":1\r\n", "#t\r\n");
  check([](auto& r) { r.boolean(false); }, ":0\r\n", "#f\r\n");
  check([](auto& r) { r.real(1.5); }, "$3\r\n1.5\r\n", ",1.5\r\n");
  check([](auto& r) { r.real(-std::numeric_limits<double>::infinity()); }, "$4\r\n-inf\r\n", ",-inf\r\n");
  check([](auto& r) { r.verbatim("abc"); }, "$3\r\nabc\r\n", "=7\r\ntxt:abc\r\n");
}

TEST_CASE("reply: a line break cannot be smuggled into an error") {
  check([](auto& r) { r.error("ERR a\r\n+OK"); }, "-ERR a  +OK\r\n", "-ERR a  +OK\r\n");
}

TEST_CASE("reply: a reply beyond its limit is dropped and known to be") {
  std::string out = "before";
  ReplyWriter reply(out, 2, 100);
  reply.begin();
  reply.array(2);
  reply.bulk(std::string(50, 'x'));
  CHECK_FALSE(reply.overflowed());
  reply.bulk(std::string(50, 'x'));
  CHECK(reply.overflowed());
  const std::size_t size = out.size();
  reply.integer(1);
  CHECK(out.size() == size);
  reply.rewind();
  CHECK(out == "before");
  reply.ok();
  CHECK(out == "before+OK\r\n");
}

TEST_CASE("reply: the limit is of one reply, not of a pipeline") {
  std::string out;
  ReplyWriter reply(out, 2, 100);
  for (int i = 0; i < 10; ++i) {
    reply.begin();
    reply.bulk(std::string(50, 'x'));
    CHECK_FALSE(reply.overflowed());
  }
}
