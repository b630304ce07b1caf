// Runs of leaders that ended leave the vectors, once every region has acknowledged their end.
#include "sync/mirror.hpp"
#include "tests/catch.hpp"
#include "tests/sync/node.hpp"

using namespace turnstone;
using namespace turnstone::sync;

namespace {

constexpr Origin paris_before{1};
constexpr Origin paris_after{11};

Limits close_soon() {
  Limits limits;
  limits.close_after_ms = 2000;
  limits.ended_origins_max = 0;
  return limits;
}

struct ThreeRegions {
  explicit ThreeRegions(Limits limits = close_soon())
      : paris("paris", limits), tokyo("tokyo", limits), dallas("dallas", limits) {}
  Node paris;
  Node tokyo;
  Node dallas;

  void all_talk() { go_round({&paris, &tokyo, &dallas}); }

  void lose_newest_of_paris(std::size_t batches) {
    paris.log.resize(paris.log.size() - batches);
    paris.durable = paris.log.size();
  }
};

const Closing& closing_of(Node& node, Origin origin) {
  const Closing* closing = node.replica().closings().find(origin);
  REQUIRE(closing != nullptr);
  return *closing;
}

}  // namespace

TEST_CASE("closing: a run that ended leaves every vector, and what it wrote stays") {
  ThreeRegions at;
  at.paris.set("a", "1");
  at.paris.incr("n", 5);
  at.all_talk();
  at.paris.restart(11);
  at.all_talk();
  at.paris.del("a");
  at.tokyo.incr("n", 1);
  at.all_talk();
  for (Node* node : {&at.paris, &at.tokyo, &at.dallas}) {
    CAPTURE(node->region());
    CHECK(node->replica().vector().get(paris_before) == 0);
    CHECK(node->replica().durable().get(paris_before) == 0);
    CHECK(node->replica().full_vector().get(paris_before) == 2);
    CHECK(node->replica().region_of(paris_before) == "paris");
    CHECK(node->replica().closings().open().empty());
    CHECK(node->get("a") == "(none)");
    CHECK(node->get("n") == "6");
    CHECK(node->alarms.empty());
  }
}

TEST_CASE("closing: vectors stay as long as there are regions after many restarts") {
  ThreeRegions at;
  for (std::uint64_t run = 0; run < 100; ++run) {
    at.paris.incr("n", 1);
    go_round({&at.paris, &at.tokyo, &at.dallas}, 1);
    at.paris.restart(1000 + run);
  }
  at.all_talk();
  at.all_talk();
  for (Node* node : {&at.paris, &at.tokyo, &at.dallas}) {
    CAPTURE(node->region());
    CHECK(node->replica().vector().entries().size() <= 3);
    CHECK(node->get("n") == "100");
  }
  // A leader that starts again knows it from its log.
  at.tokyo.restart(12);
  CHECK(at.tokyo.get("n") == "100");
}

TEST_CASE("closing: nobody's acknowledgement is spared, for that region may have more") {
  ThreeRegions at;
  at.paris.set("a", "1");
  at.all_talk();
  at.paris.set("a", "2");
  at.paris.sync();
  publish(at.paris, at.dallas);  // only dallas has it, and is cut off
  at.dallas.sync();
  at.lose_newest_of_paris(1);  // an old copy is put back
  at.paris.restart(11);
  go_round({&at.paris, &at.tokyo});
  CHECK(!at.tokyo.replica().closings().complete(closing_of(at.tokyo, paris_before)));
  CHECK(at.tokyo.replica().vector().get(paris_before) == 1);
  at.all_talk();
  for (Node* node : {&at.paris, &at.tokyo, &at.dallas}) {
    CAPTURE(node->region());
    CHECK(node->replica().full_vector().get(paris_before) == 2);
    CHECK(node->replica().vector().get(paris_before) == 0);
    CHECK(node->get("a") == "2");
  }
}

TEST_CASE("closing: what comes behind an end that is acknowledged is not taken") {
  ThreeRegions at;
  at.paris.set("a", "1");
  at.all_talk();
  at.paris.set("a", "2");
  at.paris.sync();
  const auto late = at.paris.take_published();  // under way, while an old copy is put back
  at.lose_newest_of_paris(1);
  at.paris.restart(11);
  while (at.tokyo.replica().closings().find(paris_before) == nullptr ||
         !closing_of(at.tokyo, paris_before).acknowledged.contains("tokyo")) {
    go_round({&at.paris, &at.tokyo}, 1);
  }
  at.tokyo.hear("paris", late);
  CHECK(at.tokyo.replica().vector().get(paris_before) == 1);
  at.all_talk();
  for (Node* node : {&at.paris, &at.tokyo, &at.dallas}) {
    CAPTURE(node->region());
    CHECK(node->replica().full_vector().get(paris_before) == 1);
    CHECK(node->get("a") == "1");
  }
}

TEST_CASE("closing: a run that is heard is not ended, whatever its region asks") {
  ThreeRegions at;
  at.paris.set("a", "1");
  at.all_talk();
  Node copy("paris", close_soon(), 11);  // a second leader, on a copy of the directory
  copy.log = at.paris.log;
  copy.durable = at.paris.durable;
  copy.restart(11);
  go_round({&copy, &at.tokyo, &at.dallas, &at.paris}, 30);
  REQUIRE(at.tokyo.replica().closings().find(paris_before) != nullptr);
  CHECK(!closing_of(at.tokyo, paris_before).acknowledged.contains("tokyo"));
  CHECK(!at.paris.replica().history_ended());
  at.paris.set("a", "2");
  go_round({&copy, &at.tokyo, &at.dallas, &at.paris}, 3);
  CHECK(at.tokyo.get("a") == "2");
}

TEST_CASE("closing: a leader that comes back behind its own end says so") {
  Limits keep_the_log = close_soon();
  keep_the_log.ended_origins_max = 100;
  ThreeRegions at(keep_the_log);
  at.paris.set("a", "1");
  at.all_talk();
  Node away("paris", keep_the_log);  // the same run, cut off from all
  away.log = at.paris.log;
  away.durable = at.paris.durable;
  away.restart(1);
  at.paris.restart(11);
  at.all_talk();
  REQUIRE(at.tokyo.replica().closings().complete(closing_of(at.tokyo, paris_before)));
  CHECK(!at.paris.replica().history_ended());
  CHECK(!away.replica().history_ended());
  go_round({&away, &at.tokyo, &at.dallas});
  CHECK(away.replica().history_ended());
  CHECK(!away.replica().has_void());
}

TEST_CASE("closing: a leader that others have stopped taking says so, and another start saves all") {
  ThreeRegions at;
  at.paris.set("a", "1");
  at.all_talk();
  Node copy("paris", close_soon(), 11);
  copy.log = at.paris.log;
  copy.durable = at.paris.durable;
  copy.restart(11);
  at.paris.set("a", "2");  // cut off
  at.paris.sync();
  go_round({&copy, &at.tokyo});
  // The copy is gone before it has acknowledged what it asked for.
  go_round({&at.tokyo, &at.dallas});
  CHECK(closing_of(at.dallas, paris_before).acknowledged.contains("dallas"));
  at.all_talk();
  CHECK(at.tokyo.get("a") == "1");
  CHECK(at.paris.replica().being_ended());
  CHECK(!at.paris.replica().history_ended());
  at.paris.restart(12);
  at.all_talk();
  CHECK(!at.paris.replica().being_ended());
  CHECK(at.tokyo.get("a") == "2");
  CHECK(at.dallas.get("a") == "2");
}

TEST_CASE("closing: a clock that is set forward says nothing about who was heard") {
  Limits limits = close_soon();
  limits.close_after_ms = 100'000;
  ThreeRegions at(limits);
  at.paris.set("a", "1");
  at.all_talk();
  at.paris.restart(11);
  for (int i = 0; i < 6; ++i) {
    at.paris.now_ms += 30'000;
    at.paris.tick();
  }
  go_round({&at.paris, &at.tokyo, &at.dallas}, 2);
  REQUIRE(at.tokyo.replica().closings().find(paris_before) != nullptr);
  at.tokyo.now_ms += 3'600'000;
  at.tokyo.tick();
  CHECK(!closing_of(at.tokyo, paris_before).acknowledged.contains("tokyo"));
}

TEST_CASE("closing: a leader that has yet to catch up asks for no end") {
  ThreeRegions at;
  at.paris.set("a", "1");
  at.all_talk();
  // It finds itself in a copy that it took when it had lost its disk, and that is behind by now.
  at.tokyo.set("a", "2");
  at.tokyo.sync();
  at.paris.restart(11);
  Mirror mirror(at.paris.replica(), {}, 1);
  mirror.start({.joining = true}, false, std::nullopt);
  for (int i = 0; i < 10; ++i) {
    at.paris.now_ms += 600;
    at.paris.tick();
    mirror.tick();
  }
  CHECK(mirror.loading());
  CHECK(at.paris.replica().closings().find(paris_before) == nullptr);
  CHECK(at.paris.replica().vector().get(paris_after) == 0);
  exchange(at.paris, at.tokyo);
  at.paris.tick();
  mirror.tick();
  CHECK(!mirror.loading());
  CHECK(at.paris.get("a") == "2");
  at.all_talk();
  mirror.tick();
  CHECK(!at.paris.replica().is_quiet());
  at.all_talk();
  CHECK(at.dallas.replica().closings().is_retired(paris_before));
}

TEST_CASE(
    "quiet: what a lost disk had stamped may be on its way, and nothing is stable on its successor's word") {
  ThreeRegions at;
  at.tokyo.set("a", "1");
  at.all_talk();
  at.tokyo.set("b", "1");
  at.tokyo.sync();
  publish(at.tokyo, at.dallas);
  at.dallas.sync();
  at.dallas.now_ms += 1500;
  at.dallas.tick();
  publish(at.dallas, at.tokyo);
  // It reaches dallas alone, which is away from now on, and had not seen b.
  at.paris.set("c", "1");
  at.paris.sync();
  publish(at.paris, at.dallas);
  at.dallas.sync();

  Node fresh("paris", close_soon(), 11);
  fresh.now_ms = at.paris.now_ms;
  Mirror mirror(fresh.replica(), {}, 1);
  const auto notes = mirror.start({}, true, std::nullopt);
  CHECK(std::any_of(notes.begin(), notes.end(),
                    [](const MirrorEffect& effect) { return std::holds_alternative<NoteQuiet>(effect); }));
  for (int round = 0; round < 3; ++round) {
    exchange(fresh, at.tokyo);
    mirror.tick();
  }
  // One region is enough to serve.
  CHECK(!mirror.loading());
  CHECK(fresh.get("b") == "1");
  fresh.set("d", "1");
  exchange(fresh, at.tokyo);
  const bool quiet_at_next_start = GENERATE(false, true);
  if (quiet_at_next_start) {
    fresh.restart(12);
    Mirror next(fresh.replica(), {}, 1);
    next.start({.quiet = true}, true, std::nullopt);
    exchange(fresh, at.tokyo);
    next.tick();
    CHECK(!next.loading());
  }
  CHECK(fresh.replica().is_quiet());
  CHECK(!at.tokyo.replica().stable().covers({Origin{2}, 2}));
  CHECK(!fresh.replica().stable().covers({Origin{2}, 2}));
  if (quiet_at_next_start) return;

  at.dallas.now_ms = fresh.now_ms;
  for (int round = 0; round < 3; ++round) {
    go_round({&fresh, &at.tokyo, &at.dallas});
    mirror.tick();
  }
  CHECK(!fresh.replica().is_quiet());
  CHECK(at.tokyo.get("c") == "1");
  CHECK(at.tokyo.replica().closings().is_retired(paris_before));
  CHECK(at.tokyo.replica().stable() == at.tokyo.replica().vector());
}

TEST_CASE("quiet: a new region has no earlier runs, and counts once it has heard all") {
  Node fresh("paris", close_soon(), 11);
  Mirror mirror(fresh.replica(), {}, 1);
  mirror.start({}, true, std::nullopt);
  Node tokyo("tokyo", close_soon());
  Node dallas("dallas", close_soon());
  tokyo.set("a", "1");
  exchange(fresh, tokyo);
  mirror.tick();
  CHECK(!mirror.loading());
  fresh.now_ms += 100;
  mirror.tick();
  CHECK(fresh.replica().is_quiet());
  go_round({&fresh, &tokyo, &dallas}, 3);
  mirror.tick();
  CHECK(!fresh.replica().is_quiet());
}

TEST_CASE("quiet: without an end of runs nothing is stable any more") {
  Limits limits = close_soon();
  limits.close_after_ms = 0;
  ThreeRegions at(limits);
  at.paris.set("a", "1");
  at.all_talk();
  Node fresh("paris", limits, 11);
  fresh.now_ms = at.paris.now_ms;
  Mirror mirror(fresh.replica(), {}, 1);
  mirror.start({}, true, std::nullopt);
  for (int round = 0; round < 5; ++round) {
    go_round({&fresh, &at.tokyo, &at.dallas});
    mirror.tick();
  }
  CHECK(!mirror.loading());
  CHECK(fresh.replica().is_quiet());
}

TEST_CASE("mirror: a leader that joins has caught up with one that has, or with all") {
  Node paris("paris");
  Mirror mirror(paris.replica(), {}, 1);
  mirror.start({}, true, std::nullopt);
  const auto hear = [&](const std::string& region, std::uint64_t origin, bool joining) {
    paris.now_ms += 200;
    paris.hear(region, {encode(Node::cluster, region, Beacon{Origin{origin}, 1, {}, {}, {}, joining})});
    paris.tick();
    mirror.tick();
    // Who has not answered may not know this region.
    CHECK(mirror.loading());
    paris.now_ms += 200;
    paris.hear(region, {encode(Node::cluster, region, Page{0, false, {}})});
    paris.tick();
    mirror.tick();
  };
  hear("tokyo", 2, true);
  CHECK(mirror.loading());
  SECTION("with one that has") {
    hear("dallas", 3, false);
    CHECK(!mirror.loading());
  }
  SECTION("with all, which lost everything") {
    hear("dallas", 3, true);
    CHECK(!mirror.loading());
  }
}

TEST_CASE("closing: of what two leaders of a region acknowledge first the least counts") {
  const auto saw_nothing = [](Stamp) { return false; };
  const Stamp one{Origin{11}, 1};
  const Stamp other{Origin{12}, 1};
  for (const bool one_comes_first : {true, false}) {
    Closings closings;
    closings.request(Origin{1}, "paris,tokyo");
    if (one_comes_first) closings.acknowledge(Origin{1}, "paris", 5, one, saw_nothing);
    closings.acknowledge(Origin{1}, "paris", 7, other, saw_nothing);
    if (!one_comes_first) closings.acknowledge(Origin{1}, "paris", 5, one, saw_nothing);
    closings.acknowledge(Origin{1}, "tokyo", 4, {Origin{13}, 1}, saw_nothing);
    CHECK(closings.end_of(Origin{1}) == 5);
    // Who had to take more since says so.
    closings.acknowledge(Origin{1}, "tokyo", 6, {Origin{13}, 2}, [](Stamp) { return true; });
    CHECK(closings.end_of(Origin{1}) == 6);
    CHECK(Closings::decode(closings.encode()) == closings);
  }
}

TEST_CASE("closing: an end is final once all that was acknowledged is stable") {
  Closings closings;
  closings.request(Origin{1}, "paris,tokyo");
  closings.acknowledge(Origin{1}, "paris", 5, {Origin{11}, 1});
  closings.acknowledge(Origin{1}, "tokyo", 5, {Origin{12}, 3});
  CHECK(closings.end_of(Origin{1}) == 5);
  CHECK(closings.final_end_of(Origin{1}, {{Origin{11}, 1}}) == std::nullopt);
  CHECK(closings.final_end_of(Origin{1}, {{Origin{11}, 1}, {Origin{12}, 3}}) == 5);
  // Who has more of it cannot retire it.
  CHECK(closings.retire({{Origin{11}, 1}, {Origin{12}, 3}}, {{Origin{1}, 6}}).empty());
}

TEST_CASE("closing: runs that acknowledged each other's end, and are left out, stand for all of them") {
  Closings closings;
  closings.request(Origin{1}, "paris,tokyo");
  closings.request(Origin{2}, "paris,tokyo");
  closings.acknowledge(Origin{1}, "paris", 5, {Origin{2}, 3});
  closings.acknowledge(Origin{2}, "paris", 3, {Origin{1}, 5});
  closings.acknowledge(Origin{1}, "tokyo", 5, {Origin{12}, 3});
  closings.acknowledge(Origin{2}, "tokyo", 3, {Origin{12}, 4});
  VersionVector vector = {{Origin{12}, 4}};
  closings.normalize(vector);
  CHECK(vector == VersionVector{{Origin{1}, 5}, {Origin{2}, 3}, {Origin{12}, 4}});
}

TEST_CASE("closing: a region that had to take more raises an end, if it says so after what it said before") {
  Closings closings;
  closings.request(paris_before, "dallas,paris,tokyo");
  closings.acknowledge(paris_before, "paris", 1, {paris_after, 1});
  closings.acknowledge(paris_before, "dallas", 1, {Origin{13}, 1});
  closings.acknowledge(paris_before, "tokyo", 1, {Origin{12}, 1});
  CHECK(closings.end_of(paris_before) == 1);
  // dallas had taken more, since it had not seen that of tokyo.
  CHECK(closings.covers_acknowledgements_by("dallas", *closings.find(paris_before), {{Origin{13}, 1}}));
  CHECK(!closings.covers_acknowledgements_by("dallas", *closings.find(paris_before), {{Origin{12}, 1}}));
  closings.acknowledge(paris_before, "dallas", 2, {Origin{13}, 2}, [](Stamp) { return true; });
  CHECK(closings.end_of(paris_before) == 2);
}

TEST_CASE("closing: what is stored of closings can be read again") {
  Closings closings;
  closings.request(Origin{1}, "dallas,paris,tokyo");
  closings.acknowledge(Origin{1}, "paris", 7, {Origin{11}, 1});
  closings.request(Origin{2}, "tokyo");
  closings.acknowledge(Origin{2}, "tokyo", 9, {Origin{12}, 3});
  REQUIRE(closings.retire({{Origin{12}, 3}}, {}) == std::vector<Origin>{Origin{2}});
  closings.remember_region(Origin{2}, "tokyo");
  const auto read = Closings::decode(closings.encode());
  REQUIRE(read.has_value());
  CHECK(*read == closings);
  CHECK(read->retired() == VersionVector{{Origin{2}, 9}});
  CHECK(read->region_of_retired(Origin{2}) == "tokyo");
  CHECK(!Closings::decode("x").has_value());
  CHECK(!Closings::decode(closings.encode().substr(0, 9)).has_value());
}
