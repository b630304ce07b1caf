// The log is cut at its old end: when, and what is said to those who come too late.
#include "tests/catch.hpp"
#include "tests/sync/node.hpp"

using namespace turnstone;
using namespace turnstone::sync;

namespace {

Limits retain_nothing() {
  Limits limits;
  limits.log_retain_bytes = 0;
  return limits;
}

// Everybody hears what everybody has, and time passes.
void talk(std::vector<Node*> nodes) {
  for (int round = 0; round < 3; ++round) {
    for (Node* node : nodes) {
      node->now_ms += 1500;
      node->tick();
      const auto frames = node->take_published();
      for (Node* other : nodes) {
        if (other == node) continue;
        other->hear(node->region(), frames);
        other->sync();
      }
    }
  }
}

struct ThreeLeaders {
  Node paris{"paris", retain_nothing()};
  Node tokyo{"tokyo", retain_nothing()};
  Node dallas{"dallas", retain_nothing()};

  void all_talk() { talk({&paris, &tokyo, &dallas}); }
};

}  // namespace

TEST_CASE("floor: the log is cut once everybody has it durably and the state is stored") {
  ThreeLeaders at;
  at.paris.set("a", "1");
  at.paris.sync();
  at.all_talk();
  CHECK(at.paris.replica().stable().get(Origin{1}) == 1);
  CHECK(at.paris.cut_up_to == 0);  // not in the state file yet
  at.paris.store();
  at.all_talk();
  CHECK(at.paris.cut_up_to == 1);
  CHECK(at.paris.replica().log().floor() == VersionVector{{Origin{1}, 1}});
  CHECK(at.tokyo.cut_up_to == 0);
}

TEST_CASE("floor: what follows from deltas that are not durable yet cuts nothing") {
  ThreeLeaders at;
  at.paris.set("a", "1");
  at.paris.sync();
  at.all_talk();
  at.tokyo.set("b", "1");
  at.tokyo.sync();
  const auto batch = at.tokyo.take_published();
  at.dallas.hear("tokyo", batch);
  at.dallas.sync();
  at.paris.hear("tokyo", batch);  // applied; a crash would take it back
  at.paris.store();
  for (Node* node : {&at.tokyo, &at.dallas}) {
    node->now_ms += 1500;
    node->tick();
    at.paris.hear(node->region(), node->take_published());
  }
  at.paris.now_ms += 1500;
  at.paris.tick();
  CHECK(at.paris.replica().stable().get(Origin{1}) == 1);
  CHECK(at.paris.cut_up_to == 0);
  at.paris.sync();
  at.paris.now_ms += 1500;
  at.paris.tick();
  CHECK(at.paris.cut_up_to == 1);
}

TEST_CASE("floor: a region that is away keeps the log as it is") {
  ThreeLeaders at;
  at.paris.set("a", "1");
  at.paris.sync();
  at.paris.store();
  talk({&at.paris, &at.tokyo});
  CHECK(at.paris.cut_up_to == 0);
}

TEST_CASE("floor: who asks for what was cut is told so, and asks another peer") {
  ThreeLeaders at;
  at.paris.set("a", "1");
  at.paris.sync();
  at.all_talk();
  at.paris.store();
  at.all_talk();
  REQUIRE(at.paris.replica().log().floor_lsn() == 1);

  // Dallas lost its disk. Tokyo still has all of its log, paris has not.
  Node fresh("dallas", retain_nothing(), 13);
  fresh.now_ms = at.paris.now_ms;
  talk({&at.paris, &fresh});
  exchange(fresh, at.paris);
  CHECK(fresh.replica().needs_state_of() == "paris");
  CHECK(fresh.has_alarm("too_far_behind"));
  CHECK(fresh.get("a") == "(none)");
  exchange(fresh, at.tokyo);
  CHECK(fresh.get("a") == "1");
  CHECK(!fresh.replica().needs_state_of());
}

TEST_CASE("floor: writes whose author had not seen what was cut are refused, not guessed") {
  ThreeLeaders at;
  at.paris.incr("c", 1);
  at.paris.sync();
  at.all_talk();
  at.tokyo.store();
  at.all_talk();
  REQUIRE(at.tokyo.replica().log().floor() == VersionVector{{Origin{1}, 1}});

  // Paris comes back with a copy that is older than its first write, and deletes the counter.
  Node restored("paris", retain_nothing(), 11);
  restored.now_ms = at.tokyo.now_ms;
  restored.del("c");
  restored.sync();
  at.tokyo.hear("paris", restored.take_published());
  CHECK(at.tokyo.has_alarm("below_floor"));
  CHECK(at.tokyo.get("c") == "1");
  CHECK(at.tokyo.replica().counters().batches_below_floor == 1);
}

TEST_CASE("floor: what may not be taken from a log any more comes with the state of who has it") {
  ThreeLeaders at;
  at.paris.incr("c", 1);
  at.paris.sync();
  at.all_talk();
  at.tokyo.store();
  at.all_talk();
  Node restored("paris", retain_nothing(), 11);
  restored.now_ms = at.tokyo.now_ms;
  restored.del("c");
  restored.sync();
  const auto frames = restored.take_published();
  at.tokyo.hear("paris", frames);
  REQUIRE(at.tokyo.replica().counters().batches_below_floor == 1);
  CHECK(!at.tokyo.replica().needs_state_of());

  // Dallas has not cut its log, and can tell what the author had seen.
  at.dallas.hear("paris", frames);
  at.dallas.sync();
  CHECK(at.dallas.replica().counters().batches_below_floor == 0);
  talk({&at.tokyo, &at.dallas});
  CHECK(at.tokyo.replica().needs_state_of() == "dallas");
  CHECK(!at.dallas.replica().needs_state_of());
}

// A mirrored leader's log begins where its copy ends, and not everybody has seen all of that.
TEST_CASE("floor: a mirrored leader takes writes whose author had not seen all of its copy") {
  Node tokyo("tokyo");
  tokyo.set("b", "concurrent");
  tokyo.sync();
  const auto frames = tokyo.take_published();
  for (const bool listed : {true, false}) {
    Replica dallas({Node::cluster, "dallas", Origin{3}, {"paris", "tokyo"}, {}});
    dallas.restore_floor(5, {{Origin{1}, 5}});
    dallas.restore_origin(Origin{1}, {"paris", 5, 99, {}});
    dallas.restore_position(5, 0);
    dallas.restore_forgotten(listed ? VersionVector{} : VersionVector{{Origin{1}, 5}});
    for (const std::string& frame : frames) dallas.step(1000, FrameReceived{"tokyo", frame});
    CHECK(dallas.vector().get(Origin{2}) == (listed ? 1u : 0u));
    CHECK(dallas.counters().batches_below_floor == (listed ? 0u : 1u));
  }
}

TEST_CASE("floor: a log whose file was cut less than it was to be begins behind the runs that are retired") {
  const Origin ended{5};
  Closings closings;
  closings.request(ended, "paris");
  closings.acknowledge(ended, "paris", 4, {Origin{6}, 2});
  REQUIRE(closings.retire({{Origin{6}, 2}}, {}) == std::vector{ended});
  Replica replica({Node::cluster, "paris", Origin{7}, {"tokyo"}, {}});
  replica.restore_closings(closings);
  replica.restore_floor(10, {{ended, 2}});
  replica.restore_origin(Origin{6}, {"paris", 3, 1, {}});
  replica.restore_position(14, 1);
  replica.restore_index(11, Origin{6}, 1, 1, 100);
  replica.restore_index(12, ended, 3, 4, 100);
  replica.restore_index(13, Origin{6}, 2, 2, 100);
  replica.restore_index(14, Origin{6}, 3, 3, 100);
  CHECK(replica.log().floor_lsn() == 12);
  CHECK(replica.log().floor() == VersionVector{{Origin{6}, 1}});
  CHECK(replica.log().size() == 2);
  CHECK(replica.log().bytes() == 200);
  CHECK(replica.log().beyond({{Origin{6}, 1}}, 1000).lsns == std::vector<Lsn>{13, 14});
}
