#include <set>

#include "tests/catch.hpp"
#include "tests/regions/command_world.hpp"

using namespace turnstone::test;

namespace {
const std::string wrong_type = "!WRONGTYPE Operation against a key holding the wrong kind of value";
}

TEST_CASE("hashes: fields are set, read and deleted") {
  Region paris;
  Client client(paris);
  CHECK(client.run("hset h f v g w f x") == "2");
  CHECK(client.run("hset h g y i z") == "1");
  CHECK(client.run("hget h f") == "\"x\"");
  CHECK(client.run("hget h nosuch") == "nil");
  CHECK(client.run("hget nosuch f") == "nil");
  CHECK(client.run("hmget h f nosuch i") == "[\"x\", nil, \"z\"]");
  CHECK(client.run("hmget nosuch f") == "[nil]");
  CHECK(client.run("hlen h") == "3");
  CHECK(client.run("hexists h f") == "1");
  CHECK(client.run("hexists h nosuch") == "0");
  CHECK(client.run("hstrlen h f") == "1");
  CHECK(client.run("hstrlen h nosuch") == "0");
  CHECK(client.run_sorted("hkeys h") == "[\"f\", \"g\", \"i\"]");
  CHECK(client.run_sorted("hvals h") == "[\"x\", \"y\", \"z\"]");
  CHECK(client.run("hdel h f f nosuch") == "1");
  CHECK(client.run("hdel h g i") == "2");
  CHECK(client.run("exists h") == "0");
  CHECK(client.run("hdel h g") == "0");
  CHECK_FALSE(client.outcome.ticket);
  CHECK(client.run("hgetall h") == "[]");
}

TEST_CASE("hashes: HMSET and HSETNX") {
  Region paris;
  Client client(paris);
  CHECK(client.run("hmset h f v") == "OK");
  CHECK(client.run("hsetnx h f w") == "0");
  CHECK_FALSE(client.outcome.ticket);
  CHECK(client.run("hsetnx h g w") == "1");
  CHECK(client.run("hmget h f g") == "[\"v\", \"w\"]");
  CHECK(client.run("hset h f v g") == "!ERR wrong number of arguments for 'hset' command");
  CHECK(client.run("hmset h f v g") == "!ERR wrong number of arguments for 'hmset' command");
}

TEST_CASE("hashes: HGETALL is a map in protocol 3") {
  Region paris;
  Client client(paris);
  client.run("hset h f v");
  CHECK(client.run("hgetall h") == "[\"f\", \"v\"]");
  client.run("hello 3");
  CHECK(client.run("hgetall h") == "{\"f\": \"v\"}");
  CHECK(client.run("hgetall nosuch") == "{}");
}

TEST_CASE("hashes: fields are counted") {
  Region paris;
  Client client(paris);
  CHECK(client.run("hincrby h n 5") == "5");
  CHECK(client.run("hincrby h n -7") == "-2");
  CHECK(client.run("hincrbyfloat h n 0.5") == "\"-1.5\"");
  CHECK(client.run("hget h n") == "\"-1.5\"");
  CHECK(client.run("hincrby h n 1") == "!ERR hash value is not an integer");
  client.run("hset h t abc m 9223372036854775807");
  CHECK(client.run("hincrby h t 1") == "!ERR hash value is not an integer");
  CHECK(client.run("hincrbyfloat h t 1") == "!ERR hash value is not a float");
  CHECK(client.run("hincrby h m 1") == "!ERR increment or decrement would overflow");
  CHECK(client.run("hincrbyfloat h m 1") == "!ERR increment would produce NaN or Infinity");
  CHECK(client.run("hincrby h n x") == "!ERR value is not an integer or out of range");
  CHECK(client.run("hincrbyfloat h n x") == "!ERR value is not a valid float");
  CHECK(client.run("hincrbyfloat h n inf") == "!ERR value is NaN or Infinity");
}

TEST_CASE("hashes: concurrent counts add up") {
  Region paris("paris", 0xa1);
  Region tokyo("tokyo", 0xb2);
  Client in_paris(paris);
  Client in_tokyo(tokyo);
  in_paris.run("hincrby h n 2");
  in_tokyo.run("hincrby h n 3");
  Region::exchange(paris, tokyo);
  CHECK(in_paris.run("hget h n") == "\"5\"");
  CHECK(in_tokyo.run("hincrby h n 1") == "6");
}

TEST_CASE("hashes: HRANDFIELD picks fields, with values on demand") {
  Region paris;
  Client client(paris);
  CHECK(client.run("hrandfield h") == "nil");
  CHECK(client.run("hrandfield h 2") == "[]");
  client.run("hset h f v");
  CHECK(client.run("hrandfield h") == "\"f\"");
  CHECK(client.run("hrandfield h 2") == "[\"f\"]");
  CHECK(client.run("hrandfield h 2 withvalues") == "[\"f\", \"v\"]");
  CHECK(client.run("hrandfield h -2 WITHVALUES") == "[\"f\", \"v\", \"f\", \"v\"]");
  CHECK(client.run("hrandfield h 0 withvalues") == "[]");
  CHECK(client.run("hrandfield h 2 foo") == "!ERR syntax error");
  CHECK(client.run("hrandfield h x") == "!ERR value is not an integer or out of range");
  CHECK(client.run("hrandfield h -1000001") == "!ERR value is out of range, random_repeats_max is 1000000");
  client.run("hello 3");
  CHECK(client.run("hrandfield h 1 withvalues") == "[[\"f\", \"v\"]]");
  CHECK(client.run("hrandfield h -2 withvalues") == "[[\"f\", \"v\"], [\"f\", \"v\"]]");
}

TEST_CASE("hashes: HSCAN returns fields with values") {
  Region paris;
  Client client(paris);
  client.run("hset h f v g w");
  CHECK(client.run("hscan h 0 match f") == "[\"0\", [\"f\", \"v\"]]");
  CHECK(client.run("hscan nosuch 0") == "[\"0\", []]");
  CHECK(client.run("hscan h x") == "!ERR invalid cursor");
  CHECK(client.run("hscan h 0 count 0") == "!ERR syntax error");
  for (int i = 0; i < 500; ++i) client.run("hset big f" + std::to_string(i) + " v");
  const std::string first = client.run("hscan big 0 count 10");
  CHECK(first.substr(0, 5) != "[\"0\",");
}

TEST_CASE("hashes: commands of hashes refuse a string") {
  Region paris;
  Client client(paris);
  client.run("set k v");
  for (const char* command :
       {"hset k f v", "hmset k f v", "hsetnx k f v", "hget k f", "hmget k f", "hgetall k", "hdel k f",
        "hexists k f", "hlen k", "hkeys k", "hvals k", "hstrlen k f", "hincrby k f 1", "hincrbyfloat k f 1",
        "hscan k 0", "hrandfield k", "hrandfield k 2"}) {
    CHECK(client.run(command) == wrong_type);
    CHECK_FALSE(client.outcome.ticket);
  }
}
