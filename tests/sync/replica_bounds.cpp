// What peers may make a replica hold: each limit is reached, named, and harms nobody else.
#include <algorithm>

#include "tests/catch.hpp"
#include "tests/sync/node.hpp"

using namespace turnstone;
using namespace turnstone::sync;

namespace {

Bound bound(Node& node, std::string_view name) {
  const Bounds all = node.replica().bounds();
  const auto found = std::find_if(all.begin(), all.end(), [&](const Bound& one) { return one.name == name; });
  REQUIRE(found != all.end());
  return *found;
}

// A write of one of the many runs that tokyo's leader has had.
std::vector<std::string> written_by_run(std::uint64_t origin, int writes = 1) {
  Node tokyo("tokyo", {}, origin);
  for (int i = 0; i < writes; ++i) tokyo.set("k" + std::to_string(origin), std::to_string(i));
  tokyo.sync();
  return tokyo.take_published();
}

}  // namespace

TEST_CASE("bounds: a run of a leader too many is refused by name, and the others go on") {
  Limits limits;
  limits.origins_max = 3;
  Node paris("paris", limits);
  for (const std::uint64_t origin : {20, 21, 22, 23}) paris.hear("tokyo", written_by_run(origin));
  CHECK(paris.get("k22") == "0");
  CHECK(paris.get("k23") == "(none)");
  CHECK(paris.has_alarm("too_many_origins"));
  const Bound origins = bound(paris, "origins_max");
  CHECK(origins.now == 3);
  CHECK(origins.reached == 1);
  paris.hear("tokyo", written_by_run(21, 2));
  CHECK(paris.get("k21") == "1");
}

TEST_CASE("bounds: a report with too long a vector is refused, and many that differ do not add up") {
  Limits limits;
  limits.vector_entries_max = 10;
  Node paris("paris", limits);
  const auto report = [&](std::uint64_t first, std::uint64_t count) {
    VersionVector vector;
    for (std::uint64_t origin = first; origin < first + count; ++origin) vector.set(Origin{origin}, 1);
    paris.hear("tokyo", {encode(Node::cluster, "tokyo", Beacon{Origin{2}, 1, vector})});
  };
  report(100, 11);
  CHECK(paris.has_alarm("report_refused"));
  CHECK(bound(paris, "vector_entries_max").reached == 1);
  CHECK(bound(paris, "vector_entries_max").now == 0);
  for (std::uint64_t first = 100; first < 1000; first += 7) {
    report(first, 7);
    CHECK(bound(paris, "vector_entries_max").now <= 10);
  }
}

TEST_CASE("bounds: while the disk is behind, what others write is not taken, and is pulled later") {
  Limits limits;
  limits.uncommitted_bytes_max = 200;
  Node paris("paris", limits);
  Node tokyo("tokyo");
  for (int i = 0; i < 20; ++i) tokyo.set("k", std::to_string(i));
  tokyo.sync();
  publish(tokyo, paris);
  CHECK(paris.log.size() < 10);
  CHECK(bound(paris, "uncommitted_bytes_max").reached > 0);
  CHECK(bound(paris, "uncommitted_bytes_max").now < 400);
  exchange(paris, tokyo);
  CHECK(paris.get("k") == "19");
}

TEST_CASE("bounds: batches that come too early are dropped beyond the limit, and pulled in their turn") {
  Limits limits;
  limits.pending_bytes_max = 1000;
  Node paris("paris", limits);
  Node tokyo("tokyo");
  for (int i = 0; i < 50; ++i) tokyo.set("k", std::to_string(i));
  tokyo.sync();
  auto frames = tokyo.take_published();
  frames.erase(frames.begin());  // the first one is lost
  paris.hear("tokyo", frames);
  CHECK(paris.get("k") == "(none)");
  CHECK(bound(paris, "pending_bytes_max").now <= 1000);
  CHECK(bound(paris, "pending_bytes_max").now > 0);
  CHECK(bound(paris, "pending_bytes_max").reached > 30);
  exchange(paris, tokyo);
  CHECK(paris.get("k") == "49");
  CHECK(bound(paris, "pending_bytes_max").now == 0);
}

TEST_CASE("bounds: origins of early batches are limited, since each is looked at again and again") {
  Limits limits;
  limits.pending_origins_max = 4;
  Node paris("paris", limits);
  for (std::uint64_t origin = 20; origin < 30; ++origin) {
    auto frames = written_by_run(origin, 2);
    paris.hear("tokyo", {frames.at(1)});
  }
  CHECK(bound(paris, "pending_origins_max").now == 4);
  CHECK(bound(paris, "pending_origins_max").reached == 6);
  CHECK(bound(paris, "pending_bytes_max").reached == 0);
}

TEST_CASE("bounds: a peer's log that begins behind too long a vector is not believed") {
  Limits limits;
  limits.vector_entries_max = 10;
  Node paris("paris", limits);
  VersionVector ahead;
  ahead.set(Origin{2}, 5);
  paris.hear("tokyo", {encode(Node::cluster, "tokyo", Beacon{Origin{2}, 1, ahead})});
  paris.now_ms += 100;
  paris.tick();
  VersionVector floor;
  for (std::uint64_t origin = 100; origin < 111; ++origin) floor.set(Origin{origin}, 1);
  for (const std::string& frame : paris.take_sent("tokyo")) {
    const auto message = decode_message(Node::cluster, frame);
    REQUIRE(message.has_value());
    const auto& pull = std::get<Pull>(message->body);
    paris.hear("tokyo", {encode(Node::cluster, "tokyo", TooOld{pull.request, floor})});
  }
  CHECK(paris.has_alarm("report_refused"));
  CHECK(bound(paris, "vector_entries_max").reached == 1);
  CHECK(bound(paris, "vector_entries_max").now == 1);
  CHECK_FALSE(paris.replica().needs_state_of().has_value());
}

TEST_CASE("bounds: what fills a batch is counted, and so is one that is too large to be published") {
  Limits limits;
  limits.batch_bytes = 1000;
  limits.batch_deltas = 10;
  limits.publish_bytes_max = 2000;
  Node paris("paris", limits);
  const auto put = [&](std::size_t bytes) {
    paris.gather(crdt::Put{"k", crdt::Kind::string, {}, std::string(bytes, 'x')});
    paris.flush();
    paris.sync();
  };
  put(10);
  CHECK(bound(paris, "batch_bytes").reached == 0);
  put(1000);
  CHECK(bound(paris, "batch_bytes").reached == 1);
  CHECK(bound(paris, "publish_bytes_max").now > 1000);
  CHECK(bound(paris, "publish_bytes_max").reached == 0);
  put(3000);
  CHECK(bound(paris, "publish_bytes_max").reached == 1);
  for (int i = 0; i < 10; ++i)
    paris.gather(crdt::Increment{"n", crdt::Kind::string, {}, FixedDecimal::from_int(1)});
  CHECK(paris.replica().open_batch_is_full());
  paris.flush();
  CHECK(bound(paris, "batch_deltas").reached == 1);
  CHECK(bound(paris, "batch_bytes").reached == 2);
}

TEST_CASE("bounds: increments that a region has not got are counted against their limit") {
  Limits limits;
  limits.unstable_increments_max = 5;
  Node paris("paris", limits);
  for (int i = 0; i < 7; ++i) paris.incr("n", 1);
  paris.now_ms += 1000;
  paris.tick();
  CHECK(bound(paris, "unstable_increments_max").now == 7);
  CHECK(bound(paris, "unstable_increments_max").reached == 1);
}

TEST_CASE("bounds: parts of runs to announce are limited, and the next sweep comes to them again") {
  Limits limits;
  limits.digest_parts_max = 2;
  Node paris("paris", limits);
  const auto differ = [&](std::uint32_t first, std::uint32_t count) {
    const std::vector<BucketRun> runs{{first, count, {1, 1}}};
    paris.hear("tokyo", {encode(Node::cluster, "tokyo", Beacon{Origin{2}, 1, {}, {}, runs})});
  };
  differ(0, 4);
  // Of its four parts there is room for two.
  paris.now_ms += 10;
  paris.tick();
  CHECK(bound(paris, "digest_parts_max").reached == 1);
  CHECK(bound(paris, "digest_parts_max").now <= 2);
}

TEST_CASE("bounds: a record of one region too many is counted") {
  Node paris("paris");
  paris.replica().begin(paris.now_ms);
  for (std::size_t i = 0; i <= members_max; ++i) {
    const std::string region = "region-" + std::to_string(i);
    paris.replica().apply(crdt::AddMember{region, "x:1", "", true});
  }
  REQUIRE(paris.replica().commit().has_value());
  paris.tick();
  CHECK(bound(paris, "members_max").now == members_max);
  CHECK(bound(paris, "members_max").reached == 1);
  CHECK(paris.has_alarm("member_refused"));
}

TEST_CASE("bounds: runs of buckets to compare are limited, and the next sweep comes to them again") {
  Limits limits;
  limits.digest_comparisons_max = 5;
  Node paris("paris", limits);
  std::vector<BucketRun> runs;
  for (std::uint32_t first = 0; first < 40; ++first) runs.push_back({first % 4, 1, {}});
  paris.hear("tokyo", {encode(Node::cluster, "tokyo", Beacon{Origin{2}, 1, {}, {}, runs})});
  CHECK(bound(paris, "digest_comparisons_max").now == 5);
  CHECK(bound(paris, "digest_comparisons_max").reached == 35);
  paris.now_ms += 10;
  paris.tick();
  CHECK(bound(paris, "digest_comparisons_max").now == 0);
}

TEST_CASE("bounds: while a leader is away for long, batches are told apart in groups only") {
  Limits limits;
  limits.log_prefix_groups_max = 8;
  Node paris("paris", limits);
  paris.hear("tokyo", {encode(Node::cluster, "tokyo", Beacon{Origin{2}, 1, {}})});
  for (int i = 0; i < 100; ++i) {
    paris.set("k", std::to_string(i));
    paris.sync();
    paris.now_ms += 10;
    paris.tick();
    CHECK(bound(paris, "log_prefix_groups_max").now <= 8);
  }
  CHECK(bound(paris, "log_prefix_groups_max").reached > 0);
}
