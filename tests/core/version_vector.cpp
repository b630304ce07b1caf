#include "core/version_vector.hpp"

#include <rapidcheck.h>

#include <algorithm>

#include "tests/catch.hpp"

using namespace turnstone;

namespace {

constexpr Origin paris{1};
constexpr Origin tokyo{2};
constexpr Origin dallas{UINT64_MAX};

// Few origins and small numbers, so that vectors often meet.
rc::Gen<VersionVector> some_vector() {
  return rc::gen::map(rc::gen::container<std::vector<std::pair<int, int>>>(
                          rc::gen::pair(rc::gen::inRange(0, 6), rc::gen::inRange(0, 5))),
                      [](const std::vector<std::pair<int, int>>& entries) {
                        VersionVector vector;
                        for (const auto& [origin, seq] : entries) {
                          vector.set(Origin{static_cast<std::uint64_t>(origin) << 61}, static_cast<Seq>(seq));
                        }
                        return vector;
                      });
}

VersionVector joined(VersionVector a, const VersionVector& b) {
  a.join(b);
  return a;
}

VersionVector met(VersionVector a, const VersionVector& b) {
  a.meet(b);
  return a;
}

bool well_formed(const VersionVector& vector) {
  const auto& entries = vector.entries();
  return std::is_sorted(entries.begin(), entries.end(),
                        [](const auto& a, const auto& b) { return a.first < b.first; }) &&
         std::all_of(entries.begin(), entries.end(), [](const auto& e) { return e.second > 0; });
}

template <class Property>
void for_vectors(const char* name, Property property) {
  CHECK(rc::check(name, [&] { property(*some_vector(), *some_vector(), *some_vector()); }));
}

}  // namespace

TEST_CASE("version vector: an origin that was never set is at nothing") {
  VersionVector vector{{tokyo, 3}};
  CHECK(vector.get(tokyo) == 3);
  CHECK(vector.get(paris) == 0);
  CHECK(vector.covers(Stamp{tokyo, 3}));
  CHECK_FALSE(vector.covers(Stamp{tokyo, 4}));
  CHECK_FALSE(vector.covers(Stamp{paris, 1}));
}

TEST_CASE("version vector: setting nothing removes the entry, so that equal vectors look equal") {
  VersionVector vector{{paris, 1}, {tokyo, 2}};
  vector.set(paris, 0);
  CHECK(vector == VersionVector{{tokyo, 2}});
  vector.set(dallas, 0);
  CHECK(vector == VersionVector{{tokyo, 2}});
  vector.set(tokyo, 0);
  CHECK(vector.empty());
}

TEST_CASE("version vector: it is written with its origins in order") {
  CHECK(to_string(VersionVector{}) == "{}");
  CHECK(to_string(VersionVector{{dallas, 1}, {paris, 20}}) == "{0000000000000001:20, ffffffffffffffff:1}");
}

TEST_CASE("version vector: join is the least upper bound") {
  for_vectors("join", [](const VersionVector& a, const VersionVector& b, const VersionVector& c) {
    RC_ASSERT(joined(a, b) == joined(b, a));
    RC_ASSERT(joined(joined(a, b), c) == joined(a, joined(b, c)));
    RC_ASSERT(joined(a, a) == a);
    RC_ASSERT(joined(a, b).covers(a) && joined(a, b).covers(b));
    RC_ASSERT(!(c.covers(a) && c.covers(b)) || c.covers(joined(a, b)));
    RC_ASSERT(well_formed(joined(a, b)));
  });
}

TEST_CASE("version vector: meet is the greatest lower bound") {
  for_vectors("meet", [](const VersionVector& a, const VersionVector& b, const VersionVector& c) {
    RC_ASSERT(met(a, b) == met(b, a));
    RC_ASSERT(met(met(a, b), c) == met(a, met(b, c)));
    RC_ASSERT(a.covers(met(a, b)) && b.covers(met(a, b)));
    RC_ASSERT(!(a.covers(c) && b.covers(c)) || met(a, b).covers(c));
    RC_ASSERT(met(a, joined(a, b)) == a);
    RC_ASSERT(well_formed(met(a, b)));
  });
}

TEST_CASE("version vector: covering is a partial order, and says the same as its stamps") {
  for_vectors("covers", [](const VersionVector& a, const VersionVector& b, const VersionVector& c) {
    RC_ASSERT(a.covers(a));
    RC_ASSERT(!(a.covers(b) && b.covers(a)) || a == b);
    RC_ASSERT(!(a.covers(b) && b.covers(c)) || a.covers(c));
    const auto& entries = b.entries();
    RC_ASSERT(a.covers(b) == std::all_of(entries.begin(), entries.end(), [&](const auto& e) {
                return a.covers(Stamp{e.first, e.second});
              }));
  });
}

TEST_CASE("version vector: what changed since a base brings the base up to the vector") {
  for_vectors("since", [](const VersionVector& base, const VersionVector& more, const VersionVector&) {
    const VersionVector grown = joined(base, more);
    VersionVector rebuilt = base;
    for (const auto& [origin, seq] : grown.since(base)) {
      RC_ASSERT(base.get(origin) < seq);
      rebuilt.set(origin, seq);
    }
    RC_ASSERT(rebuilt == grown);
    RC_ASSERT(base.since(base).empty());
  });
}
