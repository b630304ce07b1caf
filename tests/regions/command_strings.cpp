#include "tests/catch.hpp"
#include "tests/regions/command_world.hpp"

using namespace turnstone::test;

namespace {
const std::string wrong_type = "!WRONGTYPE Operation against a key holding the wrong kind of value";
}

TEST_CASE("strings: what is set is read") {
  Region paris;
  Client client(paris);
  CHECK(client.run("get k") == "nil");
  CHECK(client.run("set k v") == "OK");
  CHECK(client.run("get k") == "\"v\"");
  CHECK(client.run("GET k") == "\"v\"");
  CHECK(client.run("strlen k") == "1");
  CHECK(client.run("strlen nosuch") == "0");
  CHECK(client.run("set '' ''") == "OK");
  CHECK(client.run("get ''") == "\"\"");
  CHECK(client.run("mget k nosuch ''") == "[\"v\", nil, \"\"]");
}

TEST_CASE("strings: SET obeys NX, XX, GET and KEEPTTL") {
  Region paris;
  Client client(paris);
  CHECK(client.run("set k v xx") == "nil");
  CHECK_FALSE(client.outcome.ticket);
  CHECK(client.run("set k v nx") == "OK");
  CHECK(client.run("set k w nx") == "nil");
  CHECK(client.run("set k w xx get") == "\"v\"");
  CHECK(client.run("set k x nx get") == "\"w\"");
  CHECK(client.run("set new x nx get") == "nil");
  CHECK(client.run("get new") == "\"x\"");
  CHECK(client.run("set k y keepttl") == "OK");
  CHECK(client.run("mget k") == "[\"y\"]");
}

TEST_CASE("strings: SET refuses what it does not understand, and expiry by name") {
  Region paris;
  Client client(paris);
  const std::string unsupported = "!ERR expiry is not supported by this release";
  CHECK(client.run("set k v ex 10") == unsupported);
  CHECK(client.run("set k v PX 10 nx") == unsupported);
  CHECK(client.run("set k v exat 10 get") == unsupported);
  CHECK(client.run("set k v pxat 10") == unsupported);
  CHECK(client.run("set k v ex x") == "!ERR value is not an integer or out of range");
  CHECK(client.run("set k v ex") == "!ERR syntax error");
  CHECK(client.run("set k v ex 10 keepttl") == "!ERR syntax error");
  CHECK(client.run("set k v nx xx") == "!ERR syntax error");
  CHECK(client.run("set k v foo") == "!ERR syntax error");
  CHECK(client.run("exists k") == "0");
}

TEST_CASE("strings: SET replaces a key of any kind in one operation") {
  Region paris;
  Client client(paris);
  client.run("sadd k a b");
  CHECK(client.run("set k v get") == wrong_type);
  const auto before = paris.replica.vector().get(paris.replica.config().origin);
  CHECK(client.run("set k v") == "OK");
  CHECK(paris.replica.vector().get(paris.replica.config().origin) == before + 1);
  CHECK(client.run("get k") == "\"v\"");
  CHECK(client.run("smembers k") == wrong_type);
}

TEST_CASE("strings: SETNX, GETSET, GETDEL and APPEND") {
  Region paris;
  Client client(paris);
  CHECK(client.run("setnx k v") == "1");
  CHECK(client.run("setnx k w") == "0");
  CHECK(client.run("getset k w") == "\"v\"");
  CHECK(client.run("getdel k") == "\"w\"");
  CHECK(client.run("getdel k") == "nil");
  CHECK_FALSE(client.outcome.ticket);
  CHECK(client.run("append k ab") == "2");
  CHECK(client.run("append k cd") == "4");
  CHECK(client.run("get k") == "\"abcd\"");
}

TEST_CASE("strings: APPEND stops at the largest value") {
  Region paris;
  paris.leader.value_bytes = 4;
  Client client(paris);
  CHECK(client.run("append k abcd") == "4");
  CHECK(client.run("append k e") == "!ERR string exceeds maximum allowed size (proto-max-bulk-len)");
  CHECK(client.run("get k") == "\"abcd\"");
}

TEST_CASE("strings: MSET sets all keys in one operation") {
  Region paris;
  Client client(paris);
  client.run("sadd b x");
  const auto before = paris.replica.vector().get(paris.replica.config().origin);
  CHECK(client.run("mset a 1 b 2 a 3") == "OK");
  CHECK(paris.replica.vector().get(paris.replica.config().origin) == before + 1);
  CHECK(client.run("mget a b") == "[\"3\", \"2\"]");
  CHECK(client.run("mset a 1 b") == "!ERR wrong number of arguments for 'mset' command");
}

TEST_CASE("strings: MGET shows nothing for keys of other kinds") {
  Region paris;
  Client client(paris);
  client.run("sadd s a");
  CHECK(client.run("mget s") == "[nil]");
}

TEST_CASE("strings: integers are counted") {
  Region paris;
  Client client(paris);
  CHECK(client.run("incr n") == "1");
  CHECK(client.run("incrby n 41") == "42");
  CHECK(client.run("decr n") == "41");
  CHECK(client.run("decrby n 50") == "-9");
  CHECK(client.run("get n") == "\"-9\"");
  client.run("set n 100");
  CHECK(client.run("incr n") == "101");
}

TEST_CASE("strings: a count that is no integer, or would leave 64 bits, changes nothing") {
  Region paris;
  Client client(paris);
  const std::string not_integer = "!ERR value is not an integer or out of range";
  for (const char* value : {"abc", "''", "' 1'", "01", "+1", "1.0", "-0", "9223372036854775808"}) {
    client.run(std::string("set n ") + value);
    CHECK(client.run("incr n") == not_integer);
    CHECK(client.run(std::string("incrby m ") + value) == not_integer);
  }
  client.run("set n 9223372036854775807");
  CHECK(client.run("incr n") == "!ERR increment or decrement would overflow");
  CHECK(client.run("get n") == "\"9223372036854775807\"");
  CHECK(client.run("decrby n -9223372036854775808") == "!ERR decrement would overflow");
  client.run("set n -9223372036854775808");
  CHECK(client.run("decr n") == "!ERR increment or decrement would overflow");
  CHECK(client.run("exists m") == "0");
}

TEST_CASE("strings: decimal numbers are counted exactly") {
  Region paris;
  Client client(paris);
  CHECK(client.run("incrbyfloat n 0.1") == "\"0.1\"");
  CHECK(client.run("incrbyfloat n 0.2") == "\"0.3\"");
  CHECK(client.run("incrbyfloat n -1e1") == "\"-9.7\"");
  client.run("set n 3.0");
  CHECK(client.run("incrbyfloat n 1") == "\"4\"");
  CHECK(client.run("incr n") == "5");
}

TEST_CASE("strings: a decimal number that no counter can hold is refused") {
  Region paris;
  Client client(paris);
  CHECK(client.run("incrbyfloat n abc") == "!ERR value is not a valid float");
  CHECK(client.run("incrbyfloat n nan") == "!ERR value is not a valid float");
  for (const char* amount : {"inf", "-inf", "1e19", "1e400", "9223372036854775808"}) {
    CHECK(client.run(std::string("incrbyfloat n ") + amount) ==
          "!ERR increment would produce NaN or Infinity");
  }
  client.run("set n 9223372036854775807");
  CHECK(client.run("incrbyfloat n 1") == "!ERR increment would produce NaN or Infinity");
  client.run("set n abc");
  CHECK(client.run("incrbyfloat n 1") == "!ERR value is not a valid float");
}

TEST_CASE("strings: commands of strings refuse a set") {
  Region paris;
  Client client(paris);
  client.run("sadd s a");
  for (const char* command : {"get s", "getset s x", "getdel s", "append s x", "strlen s", "incr s", "decr s",
                              "incrby s 1", "decrby s 1", "incrbyfloat s 1"}) {
    CHECK(client.run(command) == wrong_type);
    CHECK_FALSE(client.outcome.ticket);
  }
  CHECK(client.run("setnx s x") == "0");
}
