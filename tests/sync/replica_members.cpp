// Regions that join and leave while the others run.
#include "sync/mirror.hpp"
#include "tests/catch.hpp"
#include "tests/sync/node.hpp"

using namespace turnstone;
using namespace turnstone::sync;

namespace {

Limits close_soon() {
  Limits limits;
  limits.close_after_ms = 2000;
  limits.ended_origins_max = 0;
  return limits;
}

Limits cut_at_once() {
  Limits limits = close_soon();
  limits.log_retain_bytes = 0;
  return limits;
}

void add(Node& at, const std::string& region) {
  Replica& replica = at.replica();
  replica.begin(at.now_ms);
  for (const char* founder : {"paris", "tokyo", "dallas"})
    replica.apply(crdt::AddMember{founder, std::string(founder) + ":1", "", true});
  replica.apply(crdt::AddMember{region, region + ":1", "", false});
  REQUIRE(replica.commit().has_value());
  at.flush();
}

void remove(Node& at, const std::string& region) {
  at.gather(crdt::RemoveMember{region, join_regions(at.replica().members().everyone())});
  at.flush();
}

struct FourRegions {
  explicit FourRegions(Limits limits = close_soon())
      : paris("paris", limits), tokyo("tokyo", limits), dallas("dallas", limits), oslo("oslo", limits) {}
  Node paris;
  Node tokyo;
  Node dallas;
  Node oslo;
  std::vector<Node*> founders() { return {&paris, &tokyo, &dallas}; }
  std::vector<Node*> all() { return {&paris, &tokyo, &dallas, &oslo}; }
};

std::size_t entries(Node& node) { return node.replica().vector().entries().size(); }

}  // namespace

TEST_CASE("members: a region that is added becomes a member everywhere, and writes") {
  FourRegions at;
  at.paris.incr("n", 1);
  go_round(at.founders());
  CHECK(!at.tokyo.replica().is_peer("oslo"));
  add(at.paris, "oslo");
  go_round(at.founders());
  for (Node* node : at.founders()) {
    CAPTURE(node->region());
    CHECK(node->replica().is_peer("oslo"));
    CHECK(node->replica().is_new("oslo"));
    CHECK(node->replica().members().find("oslo")->address == "oslo:1");
    CHECK(!node->replica().exclusion());
  }
  go_round(at.all());
  CHECK(!at.oslo.replica().exclusion());
  at.oslo.incr("n", 2);
  go_round(at.all());
  for (Node* node : at.all()) {
    CAPTURE(node->region());
    CHECK(node->get("n") == "3");
    CHECK(!node->replica().is_new("oslo"));
    CHECK(!node->has_alarm("below_floor"));
  }
}

TEST_CASE("members: also while another region is away, which learns it later") {
  FourRegions at;
  at.dallas.incr("n", 1);
  go_round(at.founders());
  add(at.paris, "oslo");
  go_round({&at.paris, &at.tokyo});
  go_round({&at.paris, &at.tokyo, &at.oslo});
  REQUIRE(!at.oslo.replica().exclusion());
  at.oslo.incr("n", 2);
  go_round({&at.paris, &at.tokyo, &at.oslo});
  CHECK(at.tokyo.get("n") == "3");
  CHECK(at.tokyo.replica().is_new("oslo"));  // dallas does not know it
  at.dallas.incr("n", 4);
  go_round(at.all());
  for (Node* node : at.all()) {
    CAPTURE(node->region());
    CHECK(node->get("n") == "7");
    CHECK(!node->replica().is_new("oslo"));
  }
}

TEST_CASE("members: a leader that is no member is told so, and what to do") {
  FourRegions at;
  at.paris.incr("n", 1);
  go_round(at.all());
  CHECK(at.oslo.has_alarm("region_unknown"));
  CHECK(at.paris.has_alarm("unknown_region"));
  add(at.tokyo, "oslo");
  go_round(at.all(), 30);
  CHECK(at.oslo.get("n") == "1");
  CHECK(!at.oslo.replica().exclusion());
}

TEST_CASE("members: a leader that hears everything, and that nobody knows, takes no writes") {
  FourRegions at;
  Mirror mirror(at.oslo.replica(), {}, 1);
  mirror.start({}, true, std::nullopt);
  at.paris.incr("n", 1);
  go_round(at.all());
  mirror.tick();
  CHECK(at.oslo.get("n") == "1");
  CHECK(mirror.loading());
  add(at.tokyo, "oslo");
  go_round(at.all(), 30);
  mirror.tick();
  CHECK(!mirror.loading());
}

TEST_CASE("members: a copy of the data in a region that is no member takes no writes") {
  FourRegions at;
  add(at.paris, "oslo");
  go_round(at.all());
  Node lima("lima", close_soon(), 9);
  lima.log = at.paris.log;
  lima.durable = at.paris.durable;
  lima.restart(9);
  lima.tick();
  REQUIRE(lima.replica().exclusion().has_value());
  CHECK(lima.replica().exclusion()->find("no member") != std::string::npos);
}

TEST_CASE("members: a new region takes nothing that those who are waited for could still miss") {
  FourRegions at;
  go_round(at.founders());
  add(at.paris, "oslo");
  go_round({&at.paris, &at.tokyo});
  go_round({&at.paris, &at.tokyo, &at.oslo});
  REQUIRE(at.oslo.replica().is_new("oslo"));  // dallas is away
  at.paris.set("a", "1");
  at.paris.sync();
  const auto frames = at.paris.take_published();
  at.oslo.hear("paris", frames);
  CHECK(at.oslo.get("a") == "(none)");
  at.tokyo.hear("paris", frames);
  go_round({&at.tokyo, &at.oslo}, 2);
  CHECK(at.oslo.get("a") == "1");
}

TEST_CASE("members: a new region writes once what it has is in a third one, too") {
  FourRegions at;
  go_round(at.founders());
  at.paris.set("a", "1");
  at.paris.sync();
  // It hears it before anybody else does, and before it is a member.
  at.oslo.hear("paris", at.paris.take_published());
  REQUIRE(at.oslo.get("a") == "1");
  go_round({&at.oslo}, 2);
  add(at.tokyo, "oslo");
  go_round({&at.tokyo, &at.oslo});
  REQUIRE(at.oslo.replica().exclusion().has_value());
  CHECK(at.oslo.replica().exclusion()->find("third region") != std::string::npos);
  go_round({&at.paris, &at.tokyo, &at.oslo});
  CHECK(!at.oslo.replica().exclusion());
}

TEST_CASE("members: what a removed region wrote stays, and its runs leave the vectors") {
  FourRegions at(cut_at_once());
  at.dallas.incr("n", 1);
  go_round(at.founders());
  remove(at.paris, "dallas");
  at.dallas.incr("n", 2);  // it does not know yet
  go_round(at.founders());
  REQUIRE(at.dallas.replica().exclusion().has_value());
  CHECK(at.dallas.replica().exclusion()->find("removed") != std::string::npos);
  go_round({&at.paris, &at.tokyo});
  at.paris.incr("n", 4);
  go_round({&at.paris, &at.tokyo});
  for (Node* node : {&at.paris, &at.tokyo}) {
    CAPTURE(node->region());
    CHECK(node->get("n") == "7");
    CHECK(node->replica().has_left("dallas"));
    CHECK(!node->replica().is_peer("dallas"));
    CHECK(entries(*node) == 2);
    CHECK(node->replica().region_of(Origin{3}) == "dallas");
    CHECK(node->replica().log().size() <= 1);
  }
}

TEST_CASE("members: a region that is away holds nothing back once it is removed") {
  FourRegions at(cut_at_once());
  go_round(at.founders());
  for (int i = 0; i < 50; ++i) {
    at.paris.incr("n", 1);
    go_round({&at.paris, &at.tokyo}, 1);
  }
  CHECK(at.paris.replica().log().size() >= 50);
  CHECK(at.paris.replica().keyspace().unstable_increments() == 50);
  at.dallas.set("mine", "1");  // nobody else has it
  at.dallas.sync();
  at.dallas.take_published();
  remove(at.tokyo, "dallas");
  go_round({&at.paris, &at.tokyo}, 30);
  for (Node* node : {&at.paris, &at.tokyo}) {
    CAPTURE(node->region());
    CHECK(node->replica().has_left("dallas"));
    CHECK(node->replica().log().size() <= 1);
    CHECK(node->replica().keyspace().unstable_increments() == 0);
  }
  // It comes back, and is told.
  go_round(at.founders());
  REQUIRE(at.dallas.replica().exclusion().has_value());
  CHECK(at.dallas.has_alarm("region_removed"));
  CHECK(at.dallas.get("mine") == "1");
  CHECK(at.paris.get("mine") == "(none)");
  CHECK(at.paris.get("n") == "50");
}

TEST_CASE("members: a removal waits for a region that is away, and reports are not forgotten meanwhile") {
  FourRegions at;
  at.paris.incr("n", 1);
  go_round(at.founders());
  add(at.paris, "oslo");
  go_round(at.all());
  go_round({&at.paris, &at.dallas}, 2);
  remove(at.paris, "dallas");
  at.paris.incr("n", 1);
  go_round({&at.paris, &at.oslo}, 20);
  CHECK(!at.paris.replica().has_left("dallas"));
  CHECK(at.paris.replica().waited_for_by("dallas").contains("tokyo"));
  CHECK(at.paris.replica().keyspace().unstable_increments() == 1);
  // Only tokyo has what dallas wrote last.
  at.dallas.incr("n", 4);
  go_round({&at.tokyo, &at.dallas}, 2);
  go_round({&at.paris, &at.tokyo, &at.oslo}, 30);
  for (Node* node : {&at.paris, &at.tokyo, &at.oslo}) {
    CAPTURE(node->region());
    CHECK(node->get("n") == "6");
    CHECK(node->replica().has_left("dallas"));
    CHECK(node->replica().keyspace().unstable_increments() == 0);
    CHECK(node->replica().quarantined().empty());
  }
}

TEST_CASE("members: a run that ended does not wait for a region that has left") {
  FourRegions at;
  at.paris.incr("n", 1);
  go_round(at.founders());
  at.paris.restart(11);
  go_round({&at.paris, &at.tokyo});
  REQUIRE(at.tokyo.replica().closings().find(Origin{1}) != nullptr);
  CHECK(!at.tokyo.replica().closings().complete(*at.tokyo.replica().closings().find(Origin{1})));
  remove(at.tokyo, "dallas");
  go_round({&at.paris, &at.tokyo}, 30);
  for (Node* node : {&at.paris, &at.tokyo}) {
    CAPTURE(node->region());
    CHECK(entries(*node) == 2);
    CHECK(node->get("n") == "1");
  }
}

TEST_CASE("members: one peer's word alone stops nobody") {
  FourRegions at;
  go_round(at.founders());
  at.tokyo.hear("paris", {encode(Node::cluster, "paris", Refused{0, true})});
  CHECK(at.tokyo.has_alarm("region_removed"));
  CHECK(!at.tokyo.replica().exclusion());  // dallas is heard, and does not say so
  at.tokyo.hear("dallas", {encode(Node::cluster, "dallas", Refused{0, true})});
  CHECK(at.tokyo.replica().exclusion().has_value());
}

TEST_CASE("members: a restart knows them from the log") {
  FourRegions at;
  add(at.paris, "oslo");
  go_round(at.all());
  remove(at.oslo, "tokyo");
  go_round(at.all(), 30);
  at.paris.restart(11);
  CHECK(at.paris.replica().is_peer("oslo"));
  CHECK(!at.paris.replica().is_peer("tokyo"));
  CHECK(at.paris.replica().has_left("tokyo"));
  CHECK(!at.paris.replica().exclusion());
  at.tokyo.restart(12);
  CHECK(at.tokyo.replica().exclusion().has_value());
}

TEST_CASE("members: what is on record of a region first stands, and cannot be replaced by another") {
  Members members({"paris"});
  const auto taken = [&](crdt::AddMember member, Stamp stamp) {
    return members.add(member, stamp).has_value();
  };
  CHECK(taken({"oslo", "oslo:1", "key", false}, {Origin{1}, 1}));
  CHECK(taken({"oslo", "oslo:1", "key", true}, {Origin{2}, 1}));
  CHECK_FALSE(taken({"oslo", "oslo:1", "another", false}, {Origin{3}, 1}));
  CHECK_FALSE(taken({"oslo", "oslo:2", "key", false}, {Origin{3}, 2}));
  CHECK(members.find("oslo")->keys == "key");
  CHECK(members.find("oslo")->address == "oslo:1");
  CHECK(members.find("oslo")->added == Stamp{Origin{1}, 1});
  CHECK_FALSE(taken({"a,b", "x:1", "", false}, {Origin{3}, 3}));
  CHECK_FALSE(taken({"", "x:1", "", false}, {Origin{3}, 4}));
  CHECK(members.everyone() == Regions{"oslo", "paris"});
}

TEST_CASE("members: where founding members are may differ from leader to leader, their keys may not") {
  Members members;
  CHECK(members.add({"paris", "10.0.0.1:1", "key", true}, {Origin{1}, 1}).has_value());
  CHECK(members.add({"paris", "proxy:1", "key", true}, {Origin{2}, 1}).has_value());
  CHECK_FALSE(members.add({"paris", "10.0.0.1:1", "another", true}, {Origin{3}, 1}).has_value());
}

TEST_CASE("members: an alarm when two leaders add a region at different addresses at once") {
  FourRegions at;
  add(at.paris, "oslo");
  at.tokyo.gather(crdt::AddMember{"oslo", "elsewhere:1", "", false});
  at.tokyo.flush();
  CHECK_FALSE(at.paris.has_alarm("member_refused"));
  go_round(at.founders());
  CHECK(at.paris.has_alarm("member_refused"));
  CHECK(at.tokyo.has_alarm("member_refused"));
  CHECK(at.paris.replica().members().find("oslo")->address == "oslo:1");
  // Who starts on the same log is not told again.
  at.paris.alarms.clear();
  at.paris.restart(11);
  at.paris.tick();
  CHECK_FALSE(at.paris.has_alarm("member_refused"));
}

TEST_CASE("members: there is a limit to how many") {
  Members members;
  const auto taken = [&](const std::string& region, Stamp stamp) {
    return members.add({region, "x:1", "", false}, stamp).has_value();
  };
  for (std::size_t i = 0; i < members_max; ++i)
    CHECK(taken("region-" + std::to_string(i), {Origin{1}, i + 1}));
  CHECK_FALSE(taken("one-more", {Origin{2}, 1}));
  CHECK(taken("region-0", {Origin{2}, 2}));
  CHECK(members.recorded().size() == members_max);
}

TEST_CASE("members: of two removals at once the regions in both are waited for") {
  Members members({"paris", "tokyo", "dallas"});
  members.remove({"dallas", "dallas,oslo,paris,tokyo"}, {Origin{2}, 1});
  members.remove({"dallas", "dallas,paris,tokyo"}, {Origin{1}, 1});
  CHECK(members.removals().at("dallas").required == Regions{"dallas", "paris", "tokyo"});
  CHECK(members.removals().at("dallas").stamp == Stamp{Origin{1}, 1});
}

TEST_CASE("members: what is stored of them can be read again") {
  Members members;
  REQUIRE(members.add({"oslo", "oslo:1", "key", false}, {Origin{1}, 7}).has_value());
  REQUIRE(members.add({"paris", "", "", true}, {Origin{1}, 7}).has_value());
  members.remove({"dallas", "dallas,paris"}, {Origin{2}, 3});
  members.acknowledge_removal("dallas", "paris");
  const auto read = Members::decode(members.encode());
  REQUIRE(read.has_value());
  CHECK(read->recorded() == members.recorded());
  CHECK(read->removals() == members.removals());
  CHECK(!Members::decode("x").has_value());
  CHECK(!Members::decode(members.encode().substr(0, 9)).has_value());
}
