// Beacons that no honest leader would send.
#include <limits>

#include "sync/message.hpp"
#include "tests/catch.hpp"
#include "tests/sync/node.hpp"

using namespace turnstone;
using namespace turnstone::sync;

namespace {

constexpr Origin dallas_origin{3};

std::string beacon(VersionVector durable, std::uint64_t now_ms = 0) {
  Beacon report;
  report.origin = dallas_origin;
  report.now_ms = now_ms;
  report.durable = std::move(durable);
  return encode(Node::cluster, "dallas", report);
}

const PeerView& dallas_in(const std::vector<PeerView>& views) {
  for (const PeerView& view : views)
    if (view.region == "dallas") return view;
  FAIL("dallas is no peer");
  return views[0];
}

}  // namespace

TEST_CASE("replica: what a peer reports in one run only grows, so that it fills no memory") {
  Node tokyo("tokyo");
  const auto reported = [&] { return dallas_in(tokyo.replica().peers()).durable; };
  tokyo.hear("dallas", {beacon({{dallas_origin, 5}, {Origin{70}, 1}})});
  tokyo.hear("dallas", {beacon({{dallas_origin, 6}, {Origin{70}, 1}, {Origin{71}, 1}})});
  const VersionVector newest = reported();
  CHECK(newest.get(Origin{71}) == 1);
  // Reordered on the way.
  tokyo.hear("dallas", {beacon({{dallas_origin, 5}, {Origin{70}, 1}})});
  CHECK(reported() == newest);
  CHECK_FALSE(tokyo.has_alarm("beacon_refused"));
  // One after the other would be thousands of origins each, without end.
  for (std::uint64_t origin = 80; origin < 90; ++origin) {
    const VersionVector lie{{dallas_origin, 7}, {Origin{origin}, 1}};
    tokyo.hear("dallas", {beacon(lie)});
    CHECK(reported() == lie);
  }
}

TEST_CASE("replica: a peer may leave out of a report what it has retired meanwhile") {
  Node tokyo("tokyo");
  tokyo.hear("dallas", {beacon({{dallas_origin, 5}, {Origin{70}, 9}})});
  const VersionVector later{{dallas_origin, 6}, {Origin{71}, 1}};
  tokyo.hear("dallas", {beacon(later)});
  CHECK(dallas_in(tokyo.replica().peers()).durable == later);
  CHECK_FALSE(tokyo.has_alarm("beacon_refused"));
}

TEST_CASE("replica: no clock that a peer may show is too much") {
  Node tokyo("tokyo");
  constexpr auto most = std::numeric_limits<std::uint64_t>::max();
  for (const std::uint64_t now_ms : {std::uint64_t{0}, most, most / 2, most / 2 + 1, most / 2 + 2})
    tokyo.hear("dallas", {beacon({}, now_ms)});
  tokyo.hear("dallas", {beacon({}, tokyo.now_ms + 5)});
  CHECK(dallas_in(tokyo.replica().peers()).clock_skew_ms == 5);
}
