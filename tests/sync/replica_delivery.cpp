// How batches get from one leader to the others.
#include "tests/catch.hpp"
#include "tests/sync/node.hpp"

using namespace turnstone;
using namespace turnstone::sync;

TEST_CASE("replica: a write is visible at once, and acknowledged and published when it is durable") {
  Node paris("paris");
  paris.set("k", "v");
  CHECK(paris.get("k") == "v");
  REQUIRE(paris.log.size() == 1);
  CHECK(paris.acknowledged == 0);
  CHECK(paris.take_published().empty());
  CHECK(paris.replica().durable().empty());
  paris.sync();
  CHECK(paris.acknowledged == 1);
  CHECK(paris.take_published().size() == 1);
  CHECK(paris.replica().durable() == VersionVector{{Origin{1}, 1}});
}

TEST_CASE("replica: writes gather in one batch until the log can take it") {
  Node paris("paris");
  paris.gather(crdt::Put{"a", crdt::Kind::string, {}, "1"});
  paris.gather(crdt::Put{"b", crdt::Kind::string, {}, "2"});
  CHECK(paris.replica().has_open_batch());
  CHECK(paris.log.empty());
  paris.flush();
  CHECK(!paris.replica().has_open_batch());
  REQUIRE(paris.log.size() == 1);
  CHECK(paris.log[0].last_seq == 2);
}

TEST_CASE("replica: an operation without effects has no ticket and leaves nothing behind") {
  Node paris("paris");
  paris.replica().begin(paris.now_ms);
  CHECK(!paris.replica().commit().has_value());
  paris.flush();
  CHECK(paris.log.empty());
  CHECK(paris.replica().vector().empty());
}

TEST_CASE("replica: a published batch is applied by its hearers, once however often it comes") {
  Node paris("paris");
  Node tokyo("tokyo");
  paris.incr("c", 5);
  paris.sync();
  const auto frames = paris.take_published();
  tokyo.hear("paris", frames);
  tokyo.hear("paris", frames);
  CHECK(tokyo.get("c") == "5");
  CHECK(tokyo.replica().counters().duplicates == 1);
  CHECK(tokyo.log.size() == 1);
  CHECK(*tokyo.log[0].bytes == *paris.log[0].bytes);
}

TEST_CASE("replica: a batch waits for what its author had seen") {
  Node paris("paris");
  Node tokyo("tokyo");
  Node dallas("dallas");
  paris.set("k", "first");
  paris.sync();
  const auto first = paris.take_published();
  tokyo.hear("paris", first);
  tokyo.set("k", "second");
  tokyo.sync();
  publish(tokyo, dallas);
  CHECK(dallas.get("k") == "(none)");
  CHECK(dallas.replica().vector().empty());
  dallas.hear("paris", first);
  CHECK(dallas.get("k") == "second");
  CHECK(dallas.replica().keyspace().find("k")->string()->siblings().size() == 1);
}

TEST_CASE("replica: what was written before a batch arrived does not claim to have seen it") {
  Node paris("paris");
  Node tokyo("tokyo");
  paris.incr("c", 5);
  paris.sync();
  tokyo.gather(crdt::Clear{"c"});
  publish(paris, tokyo);
  tokyo.flush();
  tokyo.sync();
  publish(tokyo, paris);
  CHECK(tokyo.get("c") == "5");
  CHECK(paris.get("c") == "5");
}

TEST_CASE("replica: the loss of the last batch is found by a beacon and repaired by a pull") {
  Node paris("paris");
  Node tokyo("tokyo");
  paris.set("k", "v");
  paris.sync();
  paris.take_published();  // lost
  exchange(paris, tokyo);
  CHECK(tokyo.get("k") == "v");
  CHECK(tokyo.replica().counters().pulls == 1);
  CHECK(paris.replica().counters().pages_served == 1);
}

TEST_CASE("replica: a batch of paris reaches dallas through tokyo when paris and dallas are cut") {
  Node paris("paris");
  Node tokyo("tokyo");
  Node dallas("dallas");
  paris.set("k", "v");
  paris.sync();
  exchange(paris, tokyo);
  exchange(tokyo, dallas);
  CHECK(dallas.get("k") == "v");
  CHECK(dallas.replica().vector() == paris.replica().vector());
  CHECK(dallas.replica().region_of(Origin{1}) == "paris");
}

TEST_CASE("replica: a peer that does not answer is given up for another") {
  Node paris("paris");
  Node tokyo("tokyo");
  Node dallas("dallas");
  paris.set("k", "v");
  paris.sync();
  publish(paris, tokyo);
  tokyo.sync();
  // Dallas hears the beacons of both, and paris answers nothing.
  const auto beacon_of = [](Node& node) {
    node.take_published();
    node.now_ms += 2000;
    node.tick();
    return node.take_published();
  };
  dallas.hear("paris", beacon_of(paris));
  dallas.hear("tokyo", beacon_of(tokyo));
  dallas.now_ms += 50;
  dallas.tick();
  // Without those that only ask whether they are answered.
  const auto pulls_to = [&dallas](const std::string& region) {
    auto frames = dallas.take_sent(region);
    std::erase_if(frames, [](const std::string& frame) {
      return std::get<Pull>(decode_message(Node::cluster, frame)->body).bytes_max == 0;
    });
    return frames;
  };
  REQUIRE(pulls_to("paris").size() == 1);
  dallas.now_ms += 1001;
  dallas.tick();
  CHECK(pulls_to("paris").empty());
  const auto pull = pulls_to("tokyo");
  REQUIRE(pull.size() == 1);
  tokyo.hear("dallas", pull);
  tokyo.answer_reads();
  dallas.hear("tokyo", tokyo.take_sent("dallas"));
  CHECK(dallas.get("k") == "v");
}

TEST_CASE("replica: an empty page does not close a gap") {
  Node paris("paris");
  Node tokyo("tokyo");
  paris.set("k", "v");
  paris.sync();
  paris.take_published();
  paris.now_ms += 2000;
  paris.tick();
  publish(paris, tokyo);
  tokyo.now_ms += 50;
  tokyo.tick();
  paris.hear("tokyo", tokyo.take_sent("paris"));
  REQUIRE(paris.reads.size() == 1);
  paris.step(LogRead{"tokyo", paris.reads[0].request, {}, false});
  paris.reads.clear();
  tokyo.hear("paris", paris.take_sent("tokyo"));
  CHECK(tokyo.get("k") == "(none)");
  exchange(paris, tokyo);
  CHECK(tokyo.get("k") == "v");
}

TEST_CASE("replica: a batch too large to be published is pulled") {
  Limits limits;
  limits.publish_bytes_max = 200;
  Node paris("paris", limits);
  Node tokyo("tokyo", limits);
  const std::string large(300, 'x');
  paris.set("k", large);
  paris.sync();
  CHECK(paris.take_published().empty());
  exchange(paris, tokyo);
  CHECK(tokyo.get("k") == large);
}

TEST_CASE("replica: a long gap is pulled page by page") {
  Limits limits;
  limits.page_bytes = 300;
  Node paris("paris", limits);
  Node tokyo("tokyo", limits);
  for (int i = 0; i < 20; ++i) paris.set("k" + std::to_string(i), "value");
  paris.sync();
  paris.take_published();
  exchange(paris, tokyo);
  CHECK(tokyo.replica().vector() == paris.replica().vector());
  CHECK(tokyo.replica().counters().pulls > 2);
  CHECK(tokyo.replica().counters().pulls <= 20);
  exchange(paris, tokyo);
  CHECK(tokyo.replica().counters().pulls <= 20);
}

TEST_CASE("replica: batches that came too early fill no more than their share of memory") {
  Limits limits;
  limits.pending_bytes_max = 400;
  Node paris("paris", limits);
  Node tokyo("tokyo", limits);
  for (int i = 0; i < 20; ++i) paris.set("k" + std::to_string(i), "value");
  paris.sync();
  auto frames = paris.take_published();
  frames.erase(frames.begin());
  tokyo.hear("paris", frames);
  CHECK(tokyo.replica().vector().empty());
  CHECK(tokyo.replica().counters().pending_dropped > 10);
  exchange(paris, tokyo);
  CHECK(tokyo.replica().vector() == paris.replica().vector());
}

TEST_CASE("replica: while ingest is paused nothing is taken, and everything is taken later") {
  Node paris("paris");
  Node tokyo("tokyo");
  tokyo.replica().set_ingest_paused(true);
  paris.set("k", "v");
  paris.sync();
  exchange(paris, tokyo);
  CHECK(tokyo.get("k") == "(none)");
  CHECK(tokyo.replica().counters().pulls == 0);
  tokyo.replica().set_ingest_paused(false);
  exchange(paris, tokyo);
  CHECK(tokyo.get("k") == "v");
}

TEST_CASE("replica: batches are not taken faster than the log can hold them") {
  Limits limits;
  limits.uncommitted_bytes_max = 100;
  Node paris("paris", limits);
  Node tokyo("tokyo", limits);
  for (int i = 0; i < 10; ++i) paris.set("k" + std::to_string(i), "value");
  paris.sync();
  publish(paris, tokyo);
  CHECK(tokyo.replica().vector().get(Origin{1}) < 10);
  exchange(paris, tokyo);
  CHECK(tokyo.replica().vector() == paris.replica().vector());
}

TEST_CASE("replica: a beacon tells people how far behind and how skewed a peer is") {
  Node paris("paris");
  Node tokyo("tokyo");
  paris.set("k", "v");
  paris.sync();
  paris.take_published();
  tokyo.now_ms += 700;
  paris.now_ms += 2000;
  paris.tick();
  publish(paris, tokyo);
  const auto peers = tokyo.replica().peers();
  REQUIRE(peers.size() == 2);
  CHECK(peers[0].region == "dallas");
  CHECK(peers[0].heard_ms == 0);
  CHECK(peers[1].region == "paris");
  CHECK(peers[1].heard_ms == tokyo.now_ms);
  CHECK(peers[1].ahead_of_us == 1);
  CHECK(peers[1].behind_us == 0);
  CHECK(peers[1].clock_skew_ms == 1300);
}
