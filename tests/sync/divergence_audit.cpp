// Leaders that compare what they hold while they go on writing.
#include <algorithm>

#include "crdt/bucket_walk.hpp"
#include "tests/catch.hpp"
#include "tests/sync/node.hpp"

using namespace turnstone;
using namespace turnstone::sync;

namespace {

Limits quick() {
  Limits limits;
  limits.sweep_ms = 100;
  return limits;
}

// Another value in place of a string, as a flipped bit or a bug would leave it.
void damage(Node& node, const std::string& key) {
  crdt::Keyspace& keyspace = node.replica().keyspace();
  crdt::Cell cell;
  crdt::Row row = keyspace.find(key)->string()->siblings().front();
  row.value += " damaged";
  cell.add(row);
  REQUIRE(keyspace.load(image_of({key, {}, crdt::Kind::string}, &cell)).has_value());
}

std::uint64_t compared(Node& node, const std::string& peer) {
  return node.replica().divergence().about(peer).buckets_compared;
}

std::vector<std::uint32_t> differing(Node& node, const std::string& peer) {
  return node.replica().divergence().differing_from(peer);
}

bool carries_runs(const std::string& frame) {
  const auto message = decode_message(Node::cluster, frame);
  REQUIRE(message.has_value());
  const auto* beacon = std::get_if<Beacon>(&message->body);
  return beacon != nullptr && !beacon->runs.empty();
}

// The beacons with digests among what a leader publishes from now on; nobody hears them.
std::vector<std::string> proving_beacons(Node& node) {
  std::vector<std::string> beacons;
  for (int i = 0; i < 40; ++i) {
    node.now_ms += 60;
    node.tick();
    for (const auto& frame : node.take_published()) {
      if (carries_runs(frame)) beacons.push_back(frame);
    }
  }
  return beacons;
}

}  // namespace

TEST_CASE("divergence: leaders with equal rows compare every bucket and say nothing") {
  Node paris("paris", quick());
  Node tokyo("tokyo", quick());
  for (int i = 0; i < 20; ++i) paris.set("k" + std::to_string(i), "x");
  tokyo.incr("n", 5);
  exchange(paris, tokyo);
  exchange(paris, tokyo);
  for (Node* node : {&paris, &tokyo}) {
    const auto view = node->replica().divergence().about(node == &paris ? "tokyo" : "paris");
    CHECK(view.buckets_compared >= 4);
    CHECK(view.buckets_differing == 0);
    CHECK(view.buckets_overdue == 0);
    CHECK(view.sweep_age_ms.has_value());
    CHECK(node->alarms.empty());
  }
  CHECK(!paris.replica().divergence().about("dallas").sweep_age_ms.has_value());
}

TEST_CASE(
    "divergence: damaged rows are found by both leaders, down to the bucket, and forgotten when mended") {
  Node paris("paris", quick());
  Node tokyo("tokyo", quick());
  for (int i = 0; i < 20; ++i) paris.set("k" + std::to_string(i), "x");
  exchange(paris, tokyo);
  damage(tokyo, "k7");
  const auto bucket = static_cast<std::uint32_t>(tokyo.replica().keyspace().bucket_of("k7"));
  exchange(paris, tokyo);
  exchange(paris, tokyo);
  for (Node* node : {&paris, &tokyo}) {
    CHECK(node->has_alarm("divergence"));
    CHECK(differing(*node, node == &paris ? "tokyo" : "paris") == std::vector{bucket});
  }
  paris.set("k7", "written anew");
  paris.sync();
  exchange(paris, tokyo);
  exchange(paris, tokyo);
  CHECK(differing(paris, "tokyo").empty());
  CHECK(differing(tokyo, "paris").empty());
}

TEST_CASE("divergence: a digest is not compared before everything it stands for has arrived") {
  Node paris("paris", quick());
  Node tokyo("tokyo", quick());
  exchange(paris, tokyo);
  // Tokyo falls silent, so paris goes by what paris alone has.
  paris.now_ms += 10'000;
  paris.set("k", "x");
  paris.sync();
  paris.take_published();
  const auto beacons = proving_beacons(paris);
  REQUIRE(!beacons.empty());
  const std::uint64_t before = compared(tokyo, "paris");
  tokyo.hear("paris", beacons);
  for (int i = 0; i < 5; ++i) tokyo.tick();
  CHECK(compared(tokyo, "paris") == before);
  CHECK(!tokyo.has_alarm("divergence"));
}

TEST_CASE("divergence: an old digest that arrives late is not compared with rows written since") {
  Node paris("paris", quick());
  Node tokyo("tokyo", quick());
  exchange(paris, tokyo);
  const auto late = proving_beacons(paris);
  REQUIRE(!late.empty());
  tokyo.now_ms = paris.now_ms;
  tokyo.set("k", "x");
  tokyo.sync();
  exchange(paris, tokyo);
  REQUIRE(paris.get("k") == "x");
  REQUIRE(tokyo.replica().settled().vector().get(Origin{2}) == 1);
  const std::uint64_t before = compared(tokyo, "paris");
  tokyo.hear("paris", late);
  tokyo.tick();
  CHECK(compared(tokyo, "paris") == before);
  CHECK(!tokyo.has_alarm("divergence"));
}

TEST_CASE("divergence: a bucket is left out while a write to it is not known to have arrived everywhere") {
  Node paris("paris", quick());
  Node tokyo("tokyo", quick());
  exchange(paris, tokyo);
  const auto beacons = proving_beacons(paris);
  REQUIRE(!beacons.empty());
  tokyo.set("k", "x");
  const std::uint64_t before = compared(tokyo, "paris");
  tokyo.hear("paris", {beacons.back()});
  tokyo.tick();
  CHECK(compared(tokyo, "paris") == before);
  CHECK(!tokyo.has_alarm("divergence"));
}

TEST_CASE("divergence: a set that takes many slices is digested in the end, and restarts when it changes") {
  Limits limits = quick();
  limits.digest_cells_per_tick = 10;
  Node paris("paris", limits);
  Node tokyo("tokyo", limits);
  const auto add = [&](int i) {
    const std::string member = std::to_string(i);
    paris.gather(crdt::Put{"set", crdt::Kind::set, member, {}});
  };
  for (int i = 0; i < 300; ++i) add(i);
  paris.flush();
  exchange(paris, tokyo);
  add(1000);
  paris.flush();
  for (int i = 0; i < 3; ++i) exchange(paris, tokyo);
  const auto view = tokyo.replica().divergence().about("paris");
  CHECK(view.buckets_overdue == 0);
  CHECK(view.sweep_age_ms.has_value());
  CHECK(tokyo.alarms.empty());
}

TEST_CASE("divergence: only the first of many differing buckets have an alarm of their own") {
  Limits limits = quick();
  limits.divergences_named_max = 1;
  Node paris("paris", limits);
  Node tokyo("tokyo", limits);
  for (int i = 0; i < 20; ++i) paris.set("k" + std::to_string(i), "x");
  exchange(paris, tokyo);
  for (int i = 0; i < 20; ++i) damage(tokyo, "k" + std::to_string(i));
  exchange(paris, tokyo);
  exchange(paris, tokyo);
  CHECK(differing(paris, "tokyo").size() == 4);
  const auto repeats = std::count_if(paris.alarms.begin(), paris.alarms.end(), [&](const Alarm& alarm) {
    return alarm.name == "divergence" && alarm.text.find("bucket 0 ") == std::string::npos;
  });
  CHECK(repeats <= 1);
}

TEST_CASE("divergence: so many buckets are walked at once, and one that had to begin anew is digested") {
  crdt::Keyspace keyspace(5);
  for (int i = 0; i < 1000; ++i) {
    crdt::Cell cell;
    cell.add({{{Origin{1}, 1}, 0}, 1, "v"});
    REQUIRE(keyspace.load(image_of({"k" + std::to_string(i), {}, crdt::Kind::string}, &cell)).has_value());
  }
  BucketDigests digests(keyspace);
  for (std::size_t bucket = 0; bucket < keyspace.buckets(); ++bucket) {
    std::size_t few = 3;
    CHECK(digests.renew(bucket, few) == nullptr);
    CHECK(digests.walks() <= BucketDigests::digest_walks_max);
  }
  CHECK(digests.walks_dropped() == keyspace.buckets() - BucketDigests::digest_walks_max);
  std::size_t many = 10'000;
  for (std::size_t bucket = 0; bucket < keyspace.buckets(); ++bucket)
    CHECK(digests.renew(bucket, many) != nullptr);
  CHECK(digests.walks() == 0);
}
