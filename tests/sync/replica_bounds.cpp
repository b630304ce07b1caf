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
  CHECK(bound(paris, "pending_bytes_max").reached == 6);
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
