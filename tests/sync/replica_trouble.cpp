// What a leader does when something is wrong: forks, strangers, clocks, restarts, restores.
#include <algorithm>

#include "tests/catch.hpp"
#include "tests/sync/node.hpp"

using namespace turnstone;
using namespace turnstone::sync;

namespace {

// Everything that `from` has arrives at `to` and is durable there.
void give(Node& from, Node& to) {
  publish(from, to);
  to.sync();
}

void beacons(const std::vector<Node*>& nodes) {
  for (Node* from : nodes) {
    from->now_ms += 2000;
    from->tick();
    const auto frames = from->take_published();
    for (Node* to : nodes) {
      if (to != from) to->hear(from->region(), frames);
    }
  }
}

}  // namespace

TEST_CASE("replica: an origin that writes two histories is quarantined, and the others go on") {
  Node paris("paris");
  Node twin("paris");  // the same origin: a copied process
  Node tokyo("tokyo");
  Node dallas("dallas");
  paris.set("k", "one");
  twin.set("k", "two");
  twin.set("k", "three");
  for (Node* node : {&paris, &twin}) node->sync();
  give(paris, tokyo);
  publish(twin, tokyo);
  CHECK(tokyo.get("k") == "one");
  CHECK(tokyo.has_alarm("origin_quarantined"));
  CHECK(tokyo.replica().counters().batches_quarantined == 1);
  paris.set("k", "four");
  paris.sync();
  publish(paris, tokyo);
  CHECK(tokyo.get("k") == "one");
  dallas.set("other", "x");
  dallas.sync();
  publish(dallas, tokyo);
  CHECK(tokyo.get("other") == "x");
  // Nothing of it is pulled without end either.
  exchange(paris, tokyo);
  CHECK(tokyo.replica().counters().pulls == 0);
}

TEST_CASE("replica: a peer that reports more of our origin than we wrote raises an alarm") {
  Node paris("paris");
  Node twin("paris");
  Node tokyo("tokyo");
  twin.set("k", "v");
  twin.sync();
  give(twin, tokyo);
  beacons({&tokyo, &paris});
  CHECK(paris.has_alarm("origin_ahead"));
}

TEST_CASE("replica: frames of strangers, of other clusters and without sense change nothing") {
  Node paris("paris");
  Node tokyo("tokyo");
  tokyo.set("k", "v");
  tokyo.sync();
  const auto frame = tokyo.take_published().at(0);
  paris.hear("dallas", {frame});
  CHECK(paris.has_alarm("region_mismatch"));
  paris.hear("tokyo", {"no frame at all"});
  paris.hear("tokyo", {encode(8, "tokyo", Beacon{})});
  CHECK(paris.has_alarm("frame_refused"));
  paris.hear("lima", {encode(Node::cluster, "lima", Beacon{})});
  CHECK(paris.has_alarm("unknown_region"));
  paris.hear("tokyo", {encode(Node::cluster, "tokyo", Publication{"no batch"})});
  CHECK(paris.has_alarm("batch_refused"));
  CHECK(paris.replica().counters().frames_malformed == 5);
  CHECK(paris.replica().vector().empty());
  paris.hear("tokyo", {frame});
  CHECK(paris.get("k") == "v");
}

TEST_CASE("replica: a batch of another cluster inside a right frame is refused") {
  Node paris("paris");
  BatchBuilder builder;
  builder.begin_operation(5);
  builder.add(crdt::ClearAll{});
  BatchHeader header;
  header.cluster = 8;
  header.origin = Origin{2};
  header.first_seq = 1;
  header.region = "tokyo";
  paris.hear("tokyo", {encode(Node::cluster, "tokyo", Publication{builder.finish(header)})});
  CHECK(paris.has_alarm("batch_refused"));
  CHECK(paris.log.empty());
}

TEST_CASE("replica: a stamp far ahead is applied and alarmed, and does not drag our clock along") {
  Node paris("paris");
  Node tokyo("tokyo");
  tokyo.now_ms = paris.now_ms + 3'600'000;
  tokyo.set("k", "from the future");
  tokyo.sync();
  publish(tokyo, paris);
  CHECK(paris.get("k") == "from the future");
  CHECK(paris.has_alarm("clock_ahead"));
  paris.set("k", "now");
  CHECK(hlc_ms(paris.replica().last_hlc()) <= paris.now_ms + Limits{}.clock_drift_max_ms);
  CHECK(paris.get("k") == "now");
  paris.sync();
  publish(paris, tokyo);
  CHECK(tokyo.get("k") == "now");
}

TEST_CASE("replica: a stamp a little ahead moves our clock behind it") {
  Node paris("paris");
  Node tokyo("tokyo");
  tokyo.now_ms = paris.now_ms + 1000;
  tokyo.set("k", "v");
  tokyo.sync();
  publish(tokyo, paris);
  CHECK(!paris.has_alarm("clock_ahead"));
  const Hlc theirs = tokyo.replica().last_hlc();
  paris.set("k", "w");
  CHECK(paris.replica().last_hlc() > theirs);
}

TEST_CASE("replica: a clock that is set back stops neither beacons nor pulls") {
  Node paris("paris");
  Node tokyo("tokyo");
  exchange(paris, tokyo);
  paris.now_ms -= 900'000;
  tokyo.now_ms -= 500'000;
  paris.set("k", "v");
  paris.sync();
  paris.take_published();
  exchange(paris, tokyo);
  CHECK(tokyo.get("k") == "v");
}

TEST_CASE("replica: a restart keeps what was durable and goes on as a fresh origin") {
  Node paris("paris");
  Node tokyo("tokyo");
  paris.set("k", "durable");
  paris.sync();
  paris.set("k", "not synced");
  paris.restart(11);
  CHECK(paris.get("k") == "durable");
  CHECK(paris.replica().vector() == VersionVector{{Origin{1}, 1}});
  CHECK(paris.replica().durable() == paris.replica().vector());
  paris.set("k", "again");
  paris.sync();
  exchange(paris, tokyo);
  CHECK(tokyo.get("k") == "again");
  CHECK(tokyo.replica().region_of(Origin{11}) == "paris");
  CHECK(tokyo.replica().region_of(Origin{1}) == "paris");
}

TEST_CASE("replica: after a restart the clock goes on above every stamp of the last run") {
  Node paris("paris");
  for (int i = 0; i < 3; ++i) paris.gather(crdt::Put{"k", crdt::Kind::string, {}, "v"});
  paris.flush();
  paris.sync();
  const Hlc before = paris.replica().last_hlc();
  paris.restart(11);
  paris.now_ms -= 60'000;
  paris.set("k", "w");
  CHECK(paris.replica().last_hlc() > before);

  Node fresh("paris", {}, 12);
  fresh.replica().restore_position(0, before);
  fresh.now_ms -= 60'000;
  fresh.set("k", "x");
  CHECK(fresh.replica().last_hlc() > before);
}

TEST_CASE("replica: a log that does not follow from itself is refused") {
  Node paris("paris");
  paris.set("k", "one");
  paris.set("k", "two");
  Node other("paris", {}, 11);
  CHECK(!other.replica().replay(1, *paris.log[1].bytes).has_value());
  REQUIRE(other.replica().replay(1, *paris.log[0].bytes).has_value());
  CHECK(!other.replica().replay(2, *paris.log[0].bytes).has_value());
  std::string damaged = *paris.log[1].bytes;
  damaged[damaged.size() / 2] = static_cast<char>(damaged[damaged.size() / 2] ^ 1);
  const auto refused = other.replica().replay(2, damaged);
  REQUIRE(!refused.has_value());
  CHECK(refused.error().code == Errc::corrupt);
}

namespace {

// Paris counted five, everybody has it and tokyo has forgotten that it was a single one.
struct Forgotten {
  Node paris{"paris"};
  Node tokyo{"tokyo"};
  Node dallas{"dallas"};

  Forgotten() {
    paris.incr("c", 5);
    paris.sync();
    const auto frames = paris.take_published();
    for (Node* node : {&tokyo, &dallas}) {
      node->hear("paris", frames);
      node->sync();
    }
    beacons({&paris, &tokyo, &dallas});
    beacons({&paris, &tokyo, &dallas});
    REQUIRE(tokyo.replica().stable() == tokyo.replica().vector());
    REQUIRE(tokyo.replica().keyspace().unstable_increments() == 0);
  }
  // Paris comes back with an old copy, empty, and deletes a counter that it does not know.
  std::vector<std::string> delete_of_restored_paris() {
    Node restored("paris", {}, 11);
    restored.del("c");
    restored.sync();
    return restored.take_published();
  }
};

}  // namespace

TEST_CASE("replica: a delete of a restored leader leaves increments that it had not seen") {
  Forgotten at;
  at.tokyo.hear("paris", at.delete_of_restored_paris());
  CHECK(at.tokyo.get("c") == "5");
  CHECK(at.tokyo.replica().stable().empty());
}

TEST_CASE("replica: increments listed again are counted once, though the log may be ahead of us") {
  Forgotten at;
  at.tokyo.incr("c", 1);
  at.tokyo.durable = at.tokyo.log.size();  // and the news of it is on its way
  at.tokyo.hear("paris", at.delete_of_restored_paris());
  CHECK(at.tokyo.get("c") == "6");
}

TEST_CASE("replica: what cells have forgotten is known again after a restart") {
  const bool kept = GENERATE(true, false);
  Forgotten at;
  Effects effects;
  const Checkpoint checkpoint = at.tokyo.replica().freeze(effects);
  REQUIRE(effects.empty());
  at.tokyo.replica().keyspace().encode_frozen(100);
  const auto images = at.tokyo.replica().keyspace().dirty().take();
  at.tokyo.hear("paris", at.delete_of_restored_paris());
  at.tokyo.sync();
  REQUIRE(at.tokyo.get("c") == "5");

  Node again("tokyo", {}, 12);
  again.log = at.tokyo.log;
  again.durable = at.tokyo.durable;
  for (const auto& image : images) REQUIRE(again.replica().restore_cell(image).has_value());
  for (const auto& [origin, state] : checkpoint.origins) again.replica().restore_origin(origin, state);
  again.replica().restore_position(checkpoint.lsn, checkpoint.hlc);
  // A host that does not keep it has to assume the worst, not the best.
  if (kept) again.replica().restore_forgotten(checkpoint.forgotten);
  for (const Append& batch : again.log) {
    if (batch.lsn <= checkpoint.lsn) {
      again.replica().restore_index(batch.lsn, batch.origin, batch.first_seq, batch.last_seq,
                                    batch.bytes->size());
    } else {
      REQUIRE(again.replica().replay(batch.lsn, *batch.bytes).has_value());
    }
  }
  CHECK(again.get("c") == "5");
  CHECK(again.replica().keyspace().digest() == at.tokyo.replica().keyspace().digest());
}

TEST_CASE("replica: a leader that recovered behind its checkpoint serves pulls of all of its log") {
  Node paris("paris");
  Node tokyo("tokyo");
  paris.set("a", "1");
  paris.sync();
  Effects effects;
  const Checkpoint checkpoint = paris.replica().freeze(effects);
  paris.replica().keyspace().encode_frozen(100);
  const auto images = paris.replica().keyspace().dirty().take();
  paris.set("b", "2");
  paris.sync();

  Node again("paris", {}, 11);
  again.log = paris.log;
  again.durable = paris.durable;
  for (const auto& image : images) REQUIRE(again.replica().restore_cell(image).has_value());
  for (const auto& [origin, state] : checkpoint.origins) again.replica().restore_origin(origin, state);
  again.replica().restore_position(checkpoint.lsn, checkpoint.hlc);
  again.replica().restore_forgotten(checkpoint.forgotten);
  const Append& first = again.log[0];
  again.replica().restore_index(first.lsn, first.origin, first.first_seq, first.last_seq,
                                first.bytes->size());
  REQUIRE(again.replica().replay(2, *again.log[1].bytes).has_value());
  exchange(again, tokyo);
  CHECK(tokyo.get("a") == "1");
  CHECK(tokyo.get("b") == "2");
}
