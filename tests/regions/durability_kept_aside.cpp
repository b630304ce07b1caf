#include "regions/durability/kept_aside.hpp"

#include "tests/catch.hpp"

using namespace turnstone;
using namespace turnstone::durability;

namespace {

sync::SetAside batch(std::uint64_t origin, Seq seq, std::size_t bytes) {
  return {Origin{origin}, seq, seq, "not known", std::string(bytes, 'x')};
}

}  // namespace

TEST_CASE("kept aside: what is kept already is not kept twice") {
  KeptAside kept({});
  CHECK(kept.add(batch(5, 1, 100), 7).has_value());
  CHECK(!kept.add(batch(5, 1, 100), 8).has_value());
  CHECK(kept.size() == 1);
  CHECK(kept.not_kept() == 0);
}

TEST_CASE("kept aside: beyond the limit a batch is counted and not kept, and what is covered makes room") {
  KeptAside kept({{3, 0, Origin{4}, 1, 1, 1, "an earlier run's", 10}});
  const std::size_t half = KeptAside::quarantine_bytes_max / 2;
  const auto first = kept.add(batch(5, 1, half), 7);
  REQUIRE(first);
  CHECK(first->id == 4);
  CHECK(!kept.add(batch(6, 1, half), 7).has_value());
  CHECK(kept.not_kept() == 1);
  CHECK(kept.bytes() == half + 10);
  CHECK(kept.take([](const auto& place) { return place.origin == Origin{5}; }) ==
        std::vector<std::int64_t>{4});
  CHECK(kept.bytes() == 10);
  CHECK(kept.add(batch(6, 1, half), 7).has_value());
}

TEST_CASE("kept aside: those that are next are offered, the oldest first, while they are taken") {
  KeptAside kept({});
  for (const Seq seq : {1, 2, 3, 5}) kept.add(batch(5, seq, 10), 7);
  Seq applied = 0;
  std::vector<Seq> offered;
  const auto next = [&](const storage::AsidePlace& place) { return place.first_seq == applied + 1; };
  kept.each_next(next, [&](const storage::AsidePlace& place) {
    offered.push_back(place.first_seq);
    applied = place.last_seq;
    return offered.size() < 2;
  });
  CHECK(offered == std::vector<Seq>{1, 2});
  kept.each_next(next, [&](const storage::AsidePlace& place) {
    offered.push_back(place.first_seq);
    applied = place.last_seq;
    return true;
  });
  CHECK(offered == std::vector<Seq>{1, 2, 3});
}
