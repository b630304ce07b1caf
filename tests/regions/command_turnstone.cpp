#include "tests/catch.hpp"
#include "tests/regions/command_world.hpp"

using namespace turnstone::test;

TEST_CASE("turnstone: TS.REGIONS shows this region first, then the peers") {
  Region paris;
  Client client(paris);
  client.run("hello 3");
  client.run("set k v");
  paris.leader.cut_links.insert("tokyo");
  paris.leader.mirrored = {"copying", "tokyo", 5, 9, 0};
  CHECK(
      client.run("ts.regions") ==
      "[{\"region\": \"paris\", \"self\": 1, \"origin\": \"00000000000000a1\", \"link\": \"self\", "
      "\"last_heard_ms_ago\": 0, \"lag_deltas_behind_us\": 0, \"lag_deltas_ahead_of_us\": 0, "
      "\"clock_skew_ms\": 0, \"buckets_compared\": 0, \"buckets_differing\": 0, \"buckets_overdue\": 0, "
      "\"sweep_age_ms\": 0, \"mirror\": \"copying\", \"mirror_source\": \"tokyo\", \"mirror_bytes\": 5, "
      "\"mirror_total_bytes\": 9, \"vector\": \"{00000000000000a1:1}\"}, "
      "{\"region\": \"dallas\", \"self\": 0, \"origin\": \"\", \"link\": \"up\", \"last_heard_ms_ago\": -1, "
      "\"lag_deltas_behind_us\": 1, \"lag_deltas_ahead_of_us\": 0, \"clock_skew_ms\": 0, "
      "\"buckets_compared\": 0, \"buckets_differing\": 0, \"buckets_overdue\": 65536, \"sweep_age_ms\": -1, "
      "\"vector\": \"{}\"}, "
      "{\"region\": \"tokyo\", \"self\": 0, \"origin\": \"\", \"link\": \"cut\", \"last_heard_ms_ago\": -1, "
      "\"lag_deltas_behind_us\": 1, \"lag_deltas_ahead_of_us\": 0, \"clock_skew_ms\": 0, "
      "\"buckets_compared\": 0, \"buckets_differing\": 0, \"buckets_overdue\": 65536, \"sweep_age_ms\": -1, "
      "\"vector\": \"{}\"}]");
}

TEST_CASE("turnstone: TS.CONFLICTS shows both values, the winner and the reason, the same everywhere") {
  Region paris("paris", 0xa1);
  Region tokyo("tokyo", 0xb2);
  tokyo.now_ms += 1000;
  Client in_paris(paris);
  Client in_tokyo(tokyo);
  for (Client* client : {&in_paris, &in_tokyo}) client->run("hello 3");
  in_paris.run("set k a");
  in_tokyo.run("set k b");
  Region::exchange(paris, tokyo);
  CHECK(in_paris.run("get k") == "\"b\"");
  const std::string shown = in_paris.run("ts.conflicts");
  CHECK(shown.find(
            "\"type\": \"concurrent_write\", \"key\": \"k\", \"field\": \"\", \"values\": "
            "[{\"region\": \"paris\", \"origin\": \"00000000000000a1\", \"hlc_ms\": 1700000000000, \"kind\": "
            "\"string\", \"operation\": \"write\", \"value\": \"a\"}, "
            "{\"region\": \"tokyo\", \"origin\": \"00000000000000b2\", \"hlc_ms\": 1700000001000, \"kind\": "
            "\"string\", \"operation\": \"write\", \"value\": \"b\"}], "
            "\"winner\": \"second\", \"winning_value\": \"b\", \"at_ms\": 1700000001000}]") !=
        std::string::npos);
  const auto id = [](const std::string& reply) { return reply.substr(0, reply.find(", \"type\"")); };
  CHECK(id(shown).size() == std::string("[{\"id\": \"\"").size() + 32);
  CHECK(id(in_tokyo.run("ts.conflicts")) == id(shown));
}

TEST_CASE("turnstone: TS.CONFLICTS returns the newest first, ten or as many as asked for") {
  Region paris("paris", 0xa1);
  Region tokyo("tokyo", 0xb2);
  Client in_paris(paris);
  Client in_tokyo(tokyo);
  for (int i = 0; i < 12; ++i) {
    in_paris.run("set k" + std::to_string(i) + " a");
    in_tokyo.run("set k" + std::to_string(i) + " b");
  }
  Region::exchange(paris, tokyo);
  CHECK(in_paris.raw({"ts.conflicts"}).substr(0, 5) == "*10\r\n");
  CHECK(in_paris.raw({"ts.conflicts", "count", "100"}).substr(0, 5) == "*12\r\n");
  const std::string newest = in_paris.run("ts.conflicts COUNT 1");
  CHECK(newest.find("\"k11\"") != std::string::npos);
  CHECK(in_paris.run("ts.conflicts count 0") == "[]");
  CHECK(in_paris.run("ts.conflicts count -1") == "!ERR value is out of range, must be positive");
  CHECK(in_paris.run("ts.conflicts count x") == "!ERR value is not an integer or out of range");
  CHECK(in_paris.run("ts.conflicts foo 1") == "!ERR syntax error");
}

TEST_CASE("turnstone: TS.CONFLICTS shows a delete without a value") {
  Region paris("paris", 0xa1);
  Region tokyo("tokyo", 0xb2);
  Client in_paris(paris);
  Client in_tokyo(tokyo);
  in_paris.run("set k old");
  Region::exchange(paris, tokyo);
  in_paris.run("set k new");
  in_tokyo.run("del k");
  Region::exchange(paris, tokyo);
  in_paris.run("hello 3");
  const std::string shown = in_paris.run("ts.conflicts");
  CHECK(shown.find("\"type\": \"update_vs_delete\"") != std::string::npos);
  CHECK(shown.find("\"operation\": \"delete\", \"value\": nil") != std::string::npos);
  CHECK(shown.find("\"winning_value\": \"new\"") != std::string::npos);
}

TEST_CASE("turnstone: TS.LINK cuts and heals, where it is allowed") {
  Region paris;
  Client client(paris);
  CHECK(client.run("ts.link cut tokyo") == "OK");
  CHECK(paris.leader.cut_links.contains("tokyo"));
  CHECK(client.run("TS.LINK HEAL tokyo") == "OK");
  CHECK(paris.leader.cut_links.empty());
  CHECK(client.run("ts.link cut nowhere") == "!ERR no such peer");
  CHECK(client.run("ts.link foo tokyo") == "!ERR syntax error: TS.LINK CUT|HEAL peer");
  paris.leader.link_control = false;
  CHECK(client.run("ts.link cut tokyo") == "!ERR link control is not enabled");
}

TEST_CASE("turnstone: TS.DIGEST is equal where the data is equal") {
  Region paris("paris", 0xa1);
  Region tokyo("tokyo", 0xb2);
  Client in_paris(paris);
  Client in_tokyo(tokyo);
  in_paris.run("set k v");
  const std::string before = in_tokyo.run("ts.digest");
  CHECK(in_paris.run("ts.digest") != before);
  in_tokyo.run("sadd s a");
  Region::exchange(paris, tokyo);
  const std::string after = in_paris.run("ts.digest");
  CHECK(after == in_tokyo.run("ts.digest"));
  CHECK(after != before);
  CHECK(after.find("\"keys\", 2") != std::string::npos);
  CHECK(after.find("\"{00000000000000a1:1, 00000000000000b2:1}\"") != std::string::npos);
}

TEST_CASE("turnstone: TS.HELP names every command of our own") {
  Region paris;
  Client client(paris);
  const std::string help = client.run("ts.help");
  for (const char* name : {"TS.REGIONS", "TS.CONFLICTS", "TS.DIGEST", "TS.LINK", "TS.HELP"}) {
    CHECK(help.find(name) != std::string::npos);
  }
}
