#include <set>

#include "core/glob.hpp"
#include "tests/catch.hpp"
#include "tests/regions/command_world.hpp"

using namespace turnstone::test;
using turnstone::glob_match;
using turnstone::GlobCase;

TEST_CASE("glob: Redis's patterns") {
  const auto matches = [](std::string_view pattern, std::string_view text) {
    return glob_match(pattern, text);
  };
  CHECK(matches("*", ""));
  CHECK(matches("", ""));
  CHECK_FALSE(matches("", "a"));
  CHECK(matches("h?llo", "hello"));
  CHECK_FALSE(matches("h?llo", "hllo"));
  CHECK(matches("h*llo", "heeeello"));
  CHECK(matches("*a*b", "xaxbxb"));
  CHECK_FALSE(matches("*a*b", "xaxbxc"));
  CHECK(matches("h[ae]llo", "hallo"));
  CHECK_FALSE(matches("h[^e]llo", "hello"));
  CHECK(matches("h[a-c]llo", "hbllo"));
  CHECK(matches("h[c-a]llo", "hbllo"));
  CHECK_FALSE(matches("h[a-c]llo", "hdllo"));
  CHECK(matches("\\*", "*"));
  CHECK_FALSE(matches("\\*", "a"));
  CHECK(matches("[\\]]", "]"));
  CHECK(matches("a\\", "a\\"));
  CHECK(matches("[abc", "b"));
  CHECK_FALSE(matches("[]", "a"));
  CHECK_FALSE(matches("ABC", "abc"));
  CHECK(glob_match("A[B-C]?", "abc", GlobCase::insensitive));
}

TEST_CASE("glob: many stars cost no more than pattern times text") {
  std::string pattern;
  for (int i = 0; i < 1000; ++i) pattern += "a*";
  // With backtracking into earlier stars this would not end.
  CHECK_FALSE(glob_match(pattern + "b", std::string(2000, 'a')));
}

TEST_CASE("keys: DEL, UNLINK, EXISTS and TYPE") {
  Region paris;
  Client client(paris);
  client.run("set a 1");
  client.run("sadd b x");
  client.run("hset c f v");
  CHECK(client.run("type a") == "string");
  CHECK(client.run("type b") == "set");
  CHECK(client.run("type c") == "hash");
  CHECK(client.run("type d") == "none");
  CHECK(client.run("exists a b a d") == "3");
  CHECK(client.run("dbsize") == "3");
  CHECK(client.run("del a a d") == "1");
  CHECK(client.run("unlink b c") == "2");
  CHECK(client.run("dbsize") == "0");
  CHECK(client.run("del a") == "0");
  CHECK_FALSE(client.outcome.ticket);
}

TEST_CASE("keys: KEYS and RANDOMKEY") {
  Region paris;
  Client client(paris);
  CHECK(client.run("keys *") == "[]");
  CHECK(client.run("randomkey") == "nil");
  client.run("mset one 1 two 2 three 3");
  CHECK(client.run_sorted("keys t*") == "[\"three\", \"two\"]");
  CHECK(client.run_sorted("keys *") == "[\"one\", \"three\", \"two\"]");
  std::set<std::string> seen;
  for (int i = 0; i < 200; ++i) seen.insert(client.run("randomkey"));
  CHECK(seen == std::set<std::string>{"\"one\"", "\"two\"", "\"three\""});
}

TEST_CASE("keys: SCAN in steps returns every key, and MATCH and TYPE choose") {
  Region paris;
  Client client(paris);
  std::set<std::string> expected;
  for (int i = 0; i < 1000; ++i) {
    client.run("set key:" + std::to_string(i) + " v");
    expected.insert("key:" + std::to_string(i));
  }
  client.run("sadd s a");
  std::set<std::string> seen;
  std::string cursor = "0";
  int steps = 0;
  do {
    const std::string reply = client.run("scan " + cursor + " count 20 match key:*");
    const auto quote = reply.find('"', 2);
    cursor = reply.substr(2, quote - 2);
    for (auto at = reply.find("\"key:"); at != std::string::npos; at = reply.find("\"key:", at + 1)) {
      seen.insert(reply.substr(at + 1, reply.find('"', at + 1) - at - 1));
    }
    ++steps;
  } while (cursor != "0" && steps < 1000);
  CHECK(seen == expected);
  CHECK(steps > 10);
  CHECK(client.run("scan 0 count 10000 type set") == "[\"0\", [\"s\"]]");
  CHECK(client.run("scan 0 count 10000 type SET match nosuch*") == "[\"0\", []]");
}

TEST_CASE("keys: SCAN refuses what it does not understand") {
  Region paris;
  Client client(paris);
  CHECK(client.run("scan x") == "!ERR invalid cursor");
  CHECK(client.run("scan ''") == "!ERR invalid cursor");
  CHECK(client.run("scan 99999999999999999999999") == "!ERR invalid cursor");
  CHECK(client.run("scan 0 count 0") == "!ERR syntax error");
  CHECK(client.run("scan 0 count x") == "!ERR value is not an integer or out of range");
  CHECK(client.run("scan 0 count") == "!ERR syntax error");
  CHECK(client.run("scan 0 foo bar") == "!ERR syntax error");
  CHECK(client.run("scan 18446744073709551615") == "[\"0\", []]");
}

TEST_CASE("keys: RENAME moves what is shown") {
  Region paris;
  Client client(paris);
  CHECK(client.run("rename nosuch b") == "!ERR no such key");
  client.run("sadd a x y");
  client.run("hset b f v");
  const auto before = paris.replica.vector().get(paris.replica.config().origin);
  CHECK(client.run("rename a b") == "OK");
  CHECK(paris.replica.vector().get(paris.replica.config().origin) == before + 1);
  CHECK(client.run_sorted("smembers b") == "[\"x\", \"y\"]");
  CHECK(client.run("exists a") == "0");
  CHECK(client.run("rename b b") == "OK");
  CHECK_FALSE(client.outcome.ticket);
  client.run("incrby n 5");
  client.run("incrbyfloat n 0.5");
  CHECK(client.run("rename n m") == "OK");
  CHECK(client.run("get m") == "\"5.5\"");
  client.run("hset h f v");
  client.run("hincrby h n 3");
  CHECK(client.run("rename h m") == "OK");
  CHECK(client.run("hget m n") == "\"3\"");
}

TEST_CASE("keys: FLUSHALL and FLUSHDB clear everything") {
  Region paris;
  Client client(paris);
  CHECK(client.run("flushall") == "OK");
  CHECK_FALSE(client.outcome.ticket);
  for (const char* command : {"flushall", "flushdb", "flushall async", "FLUSHDB SYNC"}) {
    client.run("mset a 1 b 2");
    CHECK(client.run(command) == "OK");
    CHECK(client.outcome.ticket);
    CHECK(client.run("dbsize") == "0");
  }
  CHECK(client.run("flushall foo") == "!ERR syntax error");
  CHECK(client.run("flushall async sync") == "!ERR syntax error");
}

TEST_CASE("keys: a command against the hidden kind answers WRONGTYPE, everywhere the same") {
  Region paris("paris", 0xa1);
  Region tokyo("tokyo", 0xb2);
  tokyo.now_ms += 1000;
  Client in_paris(paris);
  Client in_tokyo(tokyo);
  in_paris.run("set k v");
  in_tokyo.run("sadd k m");
  Region::exchange(paris, tokyo);
  for (Client* client : {&in_paris, &in_tokyo}) {
    CHECK(client->run("type k") == "set");
    CHECK(client->run("get k") == "!WRONGTYPE Operation against a key holding the wrong kind of value");
    CHECK(client->run("smembers k") == "[\"m\"]");
    CHECK(client->run("mget k") == "[nil]");
  }
  // A write that has seen both kinds leaves one.
  in_paris.run("set k w");
  Region::exchange(paris, tokyo);
  CHECK(in_tokyo.run("get k") == "\"w\"");
  in_tokyo.run("del k");
  Region::exchange(paris, tokyo);
  CHECK(in_paris.run("exists k") == "0");
}
