#include "tests/catch.hpp"
#include "tests/regions/command_world.hpp"

using namespace turnstone::test;

namespace {

constexpr const char* nothing = "00000000000000000000000000000000";

std::string bucket_of(const Region& region, const std::string& key) {
  return std::to_string(region.replica.keyspace().bucket_of(key));
}

}  // namespace

TEST_CASE("verify: TS.VERIFY DIGESTS gives the digests of quiet buckets, and nothing for busy ones") {
  Region paris;
  Client client(paris);
  const std::string bucket = bucket_of(paris, "k");
  CHECK(client.run("ts.verify digests " + bucket + " 1") ==
        "[\"paris\", \"00000000000000a1\", \"{}\", \"{}\", 65536, [\"" + std::string(nothing) + "\"]]");
  client.run("set k v");
  CHECK(client.run("ts.verify digests " + bucket + " 1") ==
        "[\"paris\", \"00000000000000a1\", \"{00000000000000a1:1}\", \"{}\", 65536, [nil]]");
  // No more than there are.
  CHECK(client.run("ts.verify digests 65535 10") ==
        "[\"paris\", \"00000000000000a1\", \"{00000000000000a1:1}\", \"{}\", 65536, [\"" +
            std::string(nothing) + "\"]]");
}

TEST_CASE("verify: TS.VERIFY ROWS refuses while the bucket is written to") {
  Region paris;
  Client client(paris);
  const std::string bucket = bucket_of(paris, "k");
  CHECK(client.run("ts.verify rows " + bucket) ==
        "[\"paris\", \"00000000000000a1\", \"{}\", \"{}\", 0, 0, []]");
  client.run("set k v");
  CHECK(client.run("ts.verify rows " + bucket) == "!BUSY the bucket is being written to");
}

TEST_CASE(
    "verify: TS.VERIFY REPAIR replaces nothing in a bucket that is written to, or without the right digest") {
  Region paris;
  Client client(paris);
  client.run("set k v");
  const std::string repair = "ts.verify repair " + bucket_of(paris, "k") + " 00000000000000a1 1 ";
  CHECK(client.run(repair + nothing + " k string \"\" \"\"") == "!BUSY the bucket is being written to");
  CHECK(client.run("ts.verify repair 1 00000000000000a1 0 " + std::string(nothing) + " k string \"\" \"\"") ==
        "!ERR the key 'k' is not in that bucket");
  CHECK(client.run("get k") == "\"v\"");
  CHECK(paris.leader.rows_replaced == 0);
}

TEST_CASE("verify: TS.VERIFY says what it cannot understand") {
  Region paris;
  Client client(paris);
  CHECK(client.run("ts.verify digests 65536 1") == "!ERR there is no such bucket");
  CHECK(client.run("ts.verify digests -1 1") == "!ERR there is no such bucket");
  CHECK(client.run("ts.verify digests 0 0") == "!ERR value is out of range, must be positive");
  CHECK(client.run("ts.verify digests x 1") == "!ERR value is not an integer or out of range");
  CHECK(client.run("ts.verify rows 0 k") == "!ERR syntax error");
  CHECK(client.run("ts.verify rows 0 k list f") == "!ERR syntax error");
  for (const std::string& words : std::vector<std::string>{"a1 0 00", "00000000000000a1 0 0",
                                                           "00000000000000a1 0 " + std::string(32, 'x')}) {
    CHECK(client.run("ts.verify repair 0 " + words) == "!ERR syntax error");
  }
  CHECK(client.run("ts.verify repair 0 00000000000000a1 0 " + std::string(nothing) + " k list f b") ==
        "!ERR syntax error");
}
