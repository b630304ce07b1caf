#include "regions/engine/merge_watch.hpp"

#include "tests/catch.hpp"

using namespace turnstone;
using namespace turnstone::crdt;
using regions::MergeWatch;

namespace {

// One leader's keyspace, and the conflicts that its writes meet.
struct World final : private KeyspaceObserver {
  Keyspace keyspace{2};
  Merging merging{keyspace};
  std::vector<Conflict> recorded;
  std::vector<sync::Alarm> alarms;
  MergeWatch watch{keyspace, merging, [this](const Conflict& conflict) { recorded.push_back(conflict); },
                   [this](const sync::Alarm& alarm) { alarms.push_back(alarm); }};
  Seq seq = 0;

  void policy(std::string_view pattern, std::string_view rule) {
    const Author author{{Origin{9}, ++seq}, 1, seq};
    keyspace.apply(Put{policies_key, Kind::cluster, pattern, rule}, author, 0, *this);
  }
  // By a region that has seen nothing.
  void write(std::uint64_t origin, std::string_view key, std::string_view value) {
    const VersionVector nothing;
    const Author author{{Origin{origin}, ++seq}, seq, seq, &nothing};
    keyspace.apply(Put{key, Kind::string, {}, value}, author, 0, *this);
  }
  void key_changed(std::string_view) override {}
  void conflict_found(const Conflict& conflict) override { watch.conflict_found(conflict); }
  void conflict_settled(const Settlement&) override {}
};

}  // namespace

TEST_CASE("merge watch: a function that fails is on record once, read or not") {
  World world;
  world.policy("k*", "json-merge");
  world.write(1, "k", "no JSON");
  world.write(2, "k", "{}");
  world.write(1, "other", "a");
  world.write(2, "other", "b");
  CHECK(world.recorded.empty());
  CHECK(world.watch.waiting() == 1);
  world.watch.tick();
  world.watch.tick();
  REQUIRE(world.recorded.size() == 1);
  CHECK(world.recorded[0].type == ConflictType::merge_failed);
  CHECK(world.recorded[0].first.value == "no JSON");
  REQUIRE(world.alarms.size() == 1);
  CHECK(world.alarms[0].name == "merge_failed");
  CHECK(world.watch.waiting() == 0);
}

TEST_CASE("merge watch: a policy without its function is said once") {
  World world;
  world.policy("k", "cart@1#0123456789abcdef");
  for (int second = 0; second < 3; ++second) world.watch.look_for_missing();
  REQUIRE(world.alarms.size() == 1);
  CHECK(world.alarms[0].name == "merge_missing");
  CHECK(world.alarms[0].text ==
        "keys like 'k' show the latest value and not what cart@1 says: there is no merge function "
        "'cart@1#0123456789abcdef'");
  world.write(1, "k", "a");
  world.write(2, "k", "b");
  world.watch.tick();
  CHECK(world.recorded.empty());
  world.policy("k", "native:price@1");
  world.watch.look_for_missing();
  CHECK(world.alarms.size() == 2);
}

TEST_CASE("merge watch: of too many that wait the oldest are left to their readers") {
  World world;
  world.policy("*", "max");
  for (std::size_t i = 0; i < MergeWatch::waiting_max + 3; ++i) {
    world.write(1, "k" + std::to_string(i), "1");
    world.write(2, "k" + std::to_string(i), "2");
  }
  CHECK(world.watch.waiting() == MergeWatch::waiting_max);
  CHECK(world.watch.left_to_readers() == 3);
}
