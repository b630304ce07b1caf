#include "core/hybrid_clock.hpp"

#include "tests/catch.hpp"

using namespace turnstone;

TEST_CASE("hybrid clock: it follows the wall clock when that moves on") {
  HybridClock clock;
  CHECK(clock.tick(1000) == hlc_from_ms(1000));
  CHECK(clock.tick(1001) == hlc_from_ms(1001));
  CHECK(hlc_ms(clock.last()) == 1001);
}

TEST_CASE("hybrid clock: every tick is above the last, also when the wall clock stands still or jumps back") {
  HybridClock clock;
  Hlc previous = clock.tick(5000);
  for (const std::uint64_t now : {5000u, 5000u, 4000u, 0u, 4999u}) {
    const Hlc next = clock.tick(now);
    CHECK(next > previous);
    previous = next;
  }
  CHECK(hlc_ms(previous) == 5000);
}

TEST_CASE("hybrid clock: a full counter runs over into the milliseconds") {
  HybridClock clock;
  Hlc previous = clock.tick(7);
  for (int i = 0; i < 70'000; ++i) {
    const Hlc next = clock.tick(7);
    REQUIRE(next > previous);
    previous = next;
  }
  CHECK(hlc_ms(previous) == 8);
}

TEST_CASE("hybrid clock: the next tick is above a stamp that was observed") {
  HybridClock clock;
  const Hlc remote = hlc_from_ms(2000) + 17;
  CHECK(clock.observe(remote, 1500, 1000));
  CHECK(clock.tick(1500) > remote);
}

TEST_CASE("hybrid clock: a stamp too far ahead moves it by the allowed drift and no further") {
  HybridClock clock;
  CHECK_FALSE(clock.observe(hlc_from_ms(1'000'000), 1500, 1000));
  CHECK(clock.last() == hlc_from_ms(2500));
  CHECK(clock.observe(hlc_from_ms(2500), 1500, 1000));
}

TEST_CASE("hybrid clock: an old stamp does not move it back") {
  HybridClock clock;
  const Hlc before = clock.tick(9000);
  CHECK(clock.observe(hlc_from_ms(1), 9000, 1000));
  CHECK(clock.last() == before);
}
