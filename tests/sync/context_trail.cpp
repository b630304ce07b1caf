#include "sync/context_trail.hpp"

#include "tests/catch.hpp"

using namespace turnstone;
using sync::ContextTrail;

namespace {

constexpr Origin paris{1};
constexpr Origin tokyo{2};
constexpr Origin dallas{3};

// Batches of paris, of two operations each; the n-th has seen n of tokyo.
void write(ContextTrail& trail, Seq from, Seq to) {
  for (Seq n = from; n <= to; ++n) trail.add(paris, 2 * n - 1, {{tokyo, n}, {dallas, 7}}, {{tokyo, n}});
}

}  // namespace

TEST_CASE("context trail: what an author had seen, with its own earlier operations") {
  ContextTrail trail(1000);
  write(trail, 1, 300);
  for (const Seq n : {1u, 2u, 63u, 64u, 65u, 200u, 300u}) {
    CHECK(trail.at({paris, 2 * n - 1}) == VersionVector{{paris, 2 * n - 2}, {tokyo, n}, {dallas, 7}});
    CHECK(trail.at({paris, 2 * n}) == VersionVector{{paris, 2 * n - 1}, {tokyo, n}, {dallas, 7}});
  }
  CHECK(trail.at({tokyo, 1}) == std::nullopt);
}

TEST_CASE("context trail: an operation that is stamped again had seen what it had then") {
  ContextTrail trail(1000);
  write(trail, 1, 3);
  trail.add_again({paris, 5}, {{tokyo, 1}});
  CHECK(trail.at({paris, 5}) == VersionVector{{tokyo, 1}});
  trail.forget({{paris, 5}});
  CHECK(trail.at({paris, 5}) != VersionVector{{tokyo, 1}});
}

TEST_CASE("context trail: what is stable is forgotten, what is not stays") {
  ContextTrail trail(1000);
  write(trail, 1, 300);
  trail.forget({{paris, 400}});
  CHECK(trail.size() < 300 - 128);
  CHECK(trail.at({paris, 1}) == std::nullopt);
  CHECK(trail.at({paris, 401}) == VersionVector{{paris, 400}, {tokyo, 201}, {dallas, 7}});
  CHECK(trail.forgotten() == 0);
  trail.remove({{paris, 1}});
  CHECK(trail.size() == 0);
}

TEST_CASE("context trail: beyond its limit the oldest are forgotten, and counted") {
  ContextTrail trail(128);
  write(trail, 1, 1000);
  CHECK(trail.size() <= 128 + 64);
  CHECK(trail.forgotten() + trail.size() == 1000);
  CHECK(trail.at({paris, 1}) == std::nullopt);
  CHECK(trail.at({paris, 2000}) == VersionVector{{paris, 1999}, {tokyo, 1000}, {dallas, 7}});
}
