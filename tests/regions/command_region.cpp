#include "tests/catch.hpp"
#include "tests/regions/command_world.hpp"

using namespace turnstone;
using namespace turnstone::test;

TEST_CASE("region: TS.REGION ADD puts a region on record, with those that no record names yet") {
  Region paris;
  Client client(paris);
  CHECK(client.run("ts.region add oslo 127.0.0.1:7131 tspub1-x") == "OK");
  CHECK(paris.replica.is_peer("oslo"));
  CHECK(paris.replica.members().find("oslo")->address == "127.0.0.1:7131");
  CHECK(paris.replica.members().find("oslo")->keys == "tspub1-x");
  CHECK(paris.replica.members().find("paris")->founding);
  CHECK(client.run("ts.region add oslo 127.0.0.1:7131") == "!ERR region 'oslo' is a member already");
}

TEST_CASE("region: TS.REGION ADD of a member, or of what the leader refuses, changes nothing") {
  Region paris;
  Client client(paris);
  CHECK(client.run("ts.region add tokyo 127.0.0.1:7131") == "!ERR region 'tokyo' is a member already");
  CHECK(client.run("ts.region add paris 127.0.0.1:7131") == "!ERR region 'paris' is a member already");
  CHECK(client.run("ts.region add oslo ''") == "!ERR its address is not known");
  CHECK(client.run("ts.region add oslo a b c") == "!ERR syntax error");
  CHECK(paris.replica.members().recorded().empty());
  CHECK(paris.replica.vector().empty());
}

TEST_CASE("region: TS.REGION REMOVE of a region that is not heard has to be meant") {
  Region paris;
  Client client(paris);
  CHECK(client.run("ts.region remove dallas") ==
        "!ERR region 'dallas' is not heard: what it wrote and no other region has would stay behind in its "
        "data directory. Say LOST to remove it all the same");
  CHECK(client.run("ts.region remove dallas found") == "!ERR syntax error");
  CHECK(client.run("ts.region remove lima lost") == "!ERR there is no region 'lima'");
  CHECK(client.run("ts.region remove dallas lost") == "OK");
  CHECK(client.run("ts.region remove dallas lost") == "!ERR region 'dallas' was removed already");
  CHECK(client.run("ts.region add dallas 127.0.0.1:7131") ==
        "!ERR region 'dallas' was removed, and its name is not used again: take another one");
  CHECK(client.run("ts.region remove tokyo lost") == "OK");
  CHECK(client.run("ts.region remove paris") == "!ERR region 'paris' is the last one");
}

TEST_CASE("region: TS.REGION LIST tells how far each is") {
  Region paris;
  Client client(paris);
  client.run("hello 3");
  client.run("ts.region add oslo 127.0.0.1:7131");
  client.run("ts.region remove dallas lost");
  const auto line = [](const std::string& region, const std::string& state, const std::string& link,
                       const std::string& heard, int behind, const std::string& waits_for) {
    return "{\"region\": \"" + region + "\", \"state\": \"" + state +
           "\", \"address\": \"127.0.0.1:7101,127.0.0.1:7102\", \"link\": \"" + link +
           "\", \"last_heard_ms_ago\": " + heard + ", \"lag_deltas_behind_us\": " + std::to_string(behind) +
           ", \"waits_for\": \"" + waits_for + "\"}";
  };
  CHECK(client.run("ts.region list") == "[" + line("dallas", "leaving", "up", "-1", 2, "oslo,paris,tokyo") +
                                            ", " + line("oslo", "new", "up", "-1", 2, "") + ", " +
                                            line("paris", "member", "self", "0", 0, "") + ", " +
                                            line("tokyo", "member", "up", "-1", 2, "") + "]");
}

TEST_CASE("region: a leader that removes itself takes no more writes") {
  Region paris;
  Client client(paris);
  CHECK(client.run("ts.region remove paris") == "OK");
  REQUIRE(paris.replica.exclusion().has_value());
  CHECK(client.run("ts.region help").find("TS.REGION") != std::string::npos);
}
