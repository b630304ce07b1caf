#include <map>
#include <set>

#include "tests/catch.hpp"
#include "tests/regions/command_world.hpp"

using namespace turnstone::test;

namespace {
const std::string wrong_type = "!WRONGTYPE Operation against a key holding the wrong kind of value";

void add_members(Client& client, const std::string& key, int count) {
  std::vector<std::string> words = {"sadd", key};
  for (int i = 0; i < count; ++i) words.push_back("m" + std::to_string(i));
  client.run_words(words);
}
}  // namespace

TEST_CASE("sets: members are added, found and removed") {
  Region paris;
  Client client(paris);
  CHECK(client.run("sadd s a b a") == "2");
  CHECK(client.run("sadd s b c") == "1");
  CHECK(client.run("scard s") == "3");
  CHECK(client.run_sorted("smembers s") == "[\"a\", \"b\", \"c\"]");
  CHECK(client.run("sismember s a") == "1");
  CHECK(client.run("sismember s z") == "0");
  CHECK(client.run("smismember s a z c") == "[1, 0, 1]");
  CHECK(client.run("srem s a a z") == "1");
  CHECK(client.run("srem s b c") == "2");
  CHECK(client.run("exists s") == "0");
  CHECK(client.run("smembers s") == "[]");
  CHECK(client.run("scard s") == "0");
  CHECK(client.run("smismember s a") == "[0]");
  CHECK(client.run("srem s a") == "0");
  CHECK_FALSE(client.outcome.ticket);
}

TEST_CASE("sets: to add again is a write, so that it beats a concurrent remove") {
  Region paris("paris", 0xa1);
  Region tokyo("tokyo", 0xb2);
  Client in_paris(paris);
  Client in_tokyo(tokyo);
  in_paris.run("sadd s a");
  Region::exchange(paris, tokyo);
  CHECK(in_tokyo.run("sadd s a") == "0");
  CHECK(in_tokyo.outcome.ticket);
  CHECK(in_paris.run("srem s a") == "1");
  Region::exchange(paris, tokyo);
  CHECK(in_paris.run("smembers s") == "[\"a\"]");
  CHECK(in_tokyo.run("smembers s") == "[\"a\"]");
}

TEST_CASE("sets: SMOVE is one operation") {
  Region paris;
  Client client(paris);
  client.run("sadd a x y");
  const auto before = paris.replica.vector().get(paris.replica.config().origin);
  CHECK(client.run("smove a b x") == "1");
  CHECK(paris.replica.vector().get(paris.replica.config().origin) == before + 1);
  CHECK(client.run("smembers a") == "[\"y\"]");
  CHECK(client.run("smembers b") == "[\"x\"]");
  CHECK(client.run("smove a b z") == "0");
  CHECK(client.run("smove a a y") == "1");
  CHECK_FALSE(client.outcome.ticket);
  CHECK(client.run("smove nosuch b y") == "0");
  client.run("set k v");
  CHECK(client.run("smove a k y") == wrong_type);
  CHECK(client.run("smove k a y") == wrong_type);
}

TEST_CASE("sets: SPOP removes what it returns") {
  Region paris;
  Client client(paris);
  CHECK(client.run("spop s") == "nil");
  CHECK(client.run("spop s 2") == "[]");
  client.run("sadd s a");
  CHECK(client.run("spop s") == "\"a\"");
  CHECK(client.run("exists s") == "0");
  add_members(client, "s", 100);
  client.run("spop s 0");
  CHECK_FALSE(client.outcome.ticket);
  client.run("spop s 30");
  CHECK(client.run("scard s") == "70");
  client.run("spop s 1000");
  CHECK(client.run("scard s") == "0");
  CHECK(client.run("spop s -1") == "!ERR value is out of range, must be positive");
  CHECK(client.run("spop s x") == "!ERR value is out of range, must be positive");
  CHECK(client.run("spop s 1 1") == "!ERR syntax error");
}

TEST_CASE("sets: SRANDMEMBER returns different members, or repeats for a negative count") {
  Region paris;
  Client client(paris);
  CHECK(client.run("srandmember s") == "nil");
  CHECK(client.run("srandmember s 3") == "[]");
  for (const int size : {5, 1000}) {
    add_members(client, "s", size);
    for (const int count : {1, 3, size / 2, size, size + 1}) {
      const std::string reply = client.run("srandmember s " + std::to_string(count));
      std::set<std::string> members;
      std::size_t returned = 0;
      for (auto at = reply.find("\"m"); at != std::string::npos; at = reply.find("\"m", at + 1), ++returned) {
        members.insert(reply.substr(at, reply.find('"', at + 1) - at));
      }
      CHECK(returned == static_cast<std::size_t>(std::min(count, size)));
      CHECK(members.size() == returned);
    }
  }
  client.run("del s");
  client.run("sadd s only");
  CHECK(client.run("srandmember s -3") == "[\"only\", \"only\", \"only\"]");
  CHECK(client.run("srandmember s 0") == "[]");
  CHECK(client.run("srandmember s x") == "!ERR value is not an integer or out of range");
  CHECK(client.run("srandmember s 1 1") == "!ERR syntax error");
  CHECK(client.run("srandmember s -1000001") == "!ERR value is out of range, random_repeats_max is 1000000");
  CHECK_FALSE(client.outcome.ticket);
}

TEST_CASE("sets: every member has about the same chance") {
  Region paris;
  Client client(paris);
  add_members(client, "s", 200);
  std::map<std::string, int> picks;
  for (int i = 0; i < 20'000; ++i) ++picks[client.run("srandmember s")];
  REQUIRE(picks.size() == 200);
  for (const auto& [member, count] : picks) {
    CHECK(count > 25);
    CHECK(count < 300);
  }
}

TEST_CASE("sets: SSCAN in steps returns every member, and a small set at once") {
  Region paris;
  Client client(paris);
  add_members(client, "small", 128);
  CHECK(client.run("sscan small 0 count 1").substr(0, 6) == "[\"0\", ");
  add_members(client, "s", 1000);
  std::set<std::string> seen;
  std::string cursor = "0";
  int steps = 0;
  do {
    const std::string reply = client.run("sscan s " + cursor + " count 20");
    cursor = reply.substr(2, reply.find('"', 2) - 2);
    for (auto at = reply.find("\"m"); at != std::string::npos; at = reply.find("\"m", at + 1)) {
      seen.insert(reply.substr(at, reply.find('"', at + 1) - at));
    }
    ++steps;
  } while (cursor != "0" && steps < 1000);
  CHECK(seen.size() == 1000);
  CHECK(steps > 20);
  CHECK(client.run("sscan small 0 match m1") == "[\"0\", [\"m1\"]]");
  CHECK(client.run("sscan nosuch 0") == "[\"0\", []]");
  CHECK(client.run("sscan s x") == "!ERR invalid cursor");
  CHECK(client.run("sscan s 0 type set") == "!ERR syntax error");
}

TEST_CASE("sets: intersection, union and difference") {
  Region paris;
  Client client(paris);
  client.run("sadd a 1 2 3");
  client.run("sadd b 2 3 4");
  CHECK(client.run_sorted("sinter a b") == "[\"2\", \"3\"]");
  CHECK(client.run_sorted("sunion a b nosuch") == "[\"1\", \"2\", \"3\", \"4\"]");
  CHECK(client.run_sorted("sdiff a b nosuch") == "[\"1\"]");
  CHECK(client.run("sinter a nosuch") == "[]");
  CHECK(client.run("sdiff nosuch a") == "[]");
  CHECK(client.run("sintercard 2 a b") == "2");
  CHECK(client.run("sintercard 2 a b limit 1") == "1");
  CHECK(client.run("sintercard 0 a") == "!ERR numkeys should be greater than 0");
  CHECK(client.run("sintercard 3 a b") == "!ERR Number of keys can't be greater than number of args");
  CHECK(client.run("sintercard 1 a limit -1") == "!ERR LIMIT can't be negative");
  CHECK(client.run("sintercard 1 a foo 1") == "!ERR syntax error");
  client.run("set k v");
  for (const char* command :
       {"sinter nosuch k", "sunion a k", "sdiff nosuch k", "sinterstore d a k", "sintercard 2 a k"}) {
    CHECK(client.run(command) == wrong_type);
  }
}

TEST_CASE("sets: the STORE forms replace the destination in one operation") {
  Region paris;
  Client client(paris);
  client.run("sadd a 1 2 3");
  client.run("sadd b 2 3 4");
  client.run("set d v");
  const auto before = paris.replica.vector().get(paris.replica.config().origin);
  CHECK(client.run("sinterstore d a b") == "2");
  CHECK(paris.replica.vector().get(paris.replica.config().origin) == before + 1);
  CHECK(client.run_sorted("smembers d") == "[\"2\", \"3\"]");
  CHECK(client.run("sdiffstore d a b") == "1");
  CHECK(client.run("smembers d") == "[\"1\"]");
  CHECK(client.run("sunionstore a a b") == "4");
  CHECK(client.run_sorted("smembers a") == "[\"1\", \"2\", \"3\", \"4\"]");
  CHECK(client.run("sinterstore d a nosuch") == "0");
  CHECK(client.run("exists d") == "0");
  CHECK(client.run("sinterstore d a nosuch") == "0");
  CHECK_FALSE(client.outcome.ticket);
}

TEST_CASE("sets: protocol 3 tells sets from arrays") {
  Region paris;
  Client client(paris);
  client.run("hello 3");
  client.run("sadd s a");
  CHECK(client.run("smembers s") == "{\"a\"}");
  CHECK(client.run("sinter s") == "{\"a\"}");
  CHECK(client.run("srandmember s 1") == "[\"a\"]");
  CHECK(client.run("spop s 1") == "{\"a\"}");
  CHECK(client.run("spop s 1") == "{}");
  CHECK(client.run("spop s") == "nil");
}

TEST_CASE("sets: commands of sets refuse a string") {
  Region paris;
  Client client(paris);
  client.run("set k v");
  for (const char* command :
       {"sadd k a", "srem k a", "smembers k", "sismember k a", "smismember k a", "scard k", "srandmember k",
        "srandmember k 2", "spop k", "spop k 2", "sscan k 0"}) {
    CHECK(client.run(command) == wrong_type);
    CHECK_FALSE(client.outcome.ticket);
  }
}
