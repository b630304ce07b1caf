// From a leader's state file to another leader's data directory, and what a crash in between
// leaves.
#include <functional>

#include "core/hash.hpp"
#include "regions/durability/install.hpp"
#include "regions/durability/stored_forms.hpp"
#include "regions/mirror/copies.hpp"
#include "regions/mirror/staging.hpp"
#include "tests/core/temp_directory.hpp"
#include "tests/regions/durability_leader.hpp"

using namespace turnstone;
using namespace turnstone::mirror;
using durability::start_leader;
using durability::TestLeader;
using test::TempDirectory;

namespace {

const storage::Identity oslo{"turnstone", "oslo"};
constexpr Hlc any_clock = ~Hlc{0};
const std::function<bool()> always = [] { return true; };

Result<durability::Store> open_oslo(const std::filesystem::path& data, std::uint64_t origin) {
  return durability::open_store(
      data, oslo, [origin] { return durability::make_replica("oslo", origin); }, 100);
}

// What oslo shows of a key after a start, and of the whole.
std::string value_in(durability::Store& store, const std::string& key) {
  const crdt::Entry* entry = store.replica->keyspace().find(key);
  std::string scratch;
  return entry == nullptr || entry->string() == nullptr ? "(none)"
                                                        : std::string(entry->string()->shown(scratch));
}

// A leader that has its state in the file, and its copy.
struct Paris {
  explicit Paris(const std::filesystem::path& data)
      : leader(start_leader(data, 1)), copies(data, durability::paris_identity) {
    for (int i = 0; i < 3000; ++i) leader.put("k" + std::to_string(i), std::string(300, 'v'));
    leader.checkpoint();
    auto result = copies.make(1, always);
    INFO((result ? "" : result.error().message));
    REQUIRE(result);
    made = *result;
  }
  void stage(Staging& staging) {
    REQUIRE(staging.begin({"paris", 1, made.bytes, made.hash, 0, 0}));
    for (std::uint64_t at = 0; at < made.bytes; at += sync::mirror_page_bytes)
      REQUIRE(staging.append(at, *copies.page(1, at)));
  }
  TestLeader leader;
  Copies copies;
  sync::MadeCopy made;
};

// An older state of oslo's own, as kill -9 leaves it: with write-ahead logs.
void make_old_oslo(const std::filesystem::path& data, const std::filesystem::path& scratch) {
  auto store = open_oslo(scratch, 5);
  REQUIRE(store);
  test::copy_files(scratch, data);
}

void copy_tree(const std::filesystem::path& from, const std::filesystem::path& to) {
  std::filesystem::copy(from, to, std::filesystem::copy_options::recursive);
}

}  // namespace

TEST_CASE("mirror files: a copy becomes another leader's state, with a log that begins behind it") {
  const TempDirectory temp;
  Paris paris(temp / "paris");
  make_old_oslo(temp / "oslo", temp / "scratch");
  {
    // Oslo keeps two batches that it could not apply; what the one holds is in the copy.
    auto log = storage::LogDb::open(temp / "oslo/log.db", oslo);
    REQUIRE(log);
    const auto& [origin, seq] = paris.made.vector.entries().front();
    const storage::AsideBatch aside[] = {{{8, 0, origin, seq, seq, 1, "not known", 3}, "old"},
                                         {{9, 0, Origin{55}, 3, 3, 1, "not known", 4}, "kept"}};
    REQUIRE(log->keep_aside(aside));
  }
  Staging staging(temp / "oslo");
  paris.stage(staging);
  const auto good = staging.check(oslo, {}, any_clock, {});
  INFO((good ? "" : good.error().message));
  REQUIRE(good);
  REQUIRE(durability::decide_install(temp / "oslo"));
  {
    auto store = open_oslo(temp / "oslo", 6);
    INFO((store ? "" : store.error().message));
    REQUIRE(store);
    CHECK(store->report.alarms.empty());
    CHECK(store->replica->keyspace().digest() == paris.leader.digest());
    CHECK(store->replica->vector() == paris.made.vector);
    CHECK(store->log.floor().vector == paris.made.vector);
    CHECK(store->log.last_lsn() == store->report.state_lsn);
    CHECK_FALSE(std::filesystem::exists(temp / "oslo/mirrored"));
    REQUIRE(store->aside.size() == 1);
    CHECK(store->aside.front().id == 1);
    CHECK(store->aside.front().origin == Origin{55});
    CHECK(store->aside.front().author.empty());
  }
  // And again, from what is there now.
  auto again = open_oslo(temp / "oslo", 7);
  REQUIRE(again);
  CHECK(again->replica->keyspace().digest() == paris.leader.digest());
}

TEST_CASE("mirror files: what the own log has and the copy lacks is kept beside the new log") {
  const TempDirectory temp;
  Paris paris(temp / "paris");
  for (const std::uint64_t origin : {5, 6}) start_leader(temp / "old", origin).put("mine", "only here");
  Staging staging(temp / "old");
  paris.stage(staging);
  const auto good = staging.check(durability::paris_identity, {}, any_clock, {Origin{5}});
  INFO((good ? "" : good.error().message));
  REQUIRE(good);
  REQUIRE(durability::decide_install(temp / "old"));
  TestLeader leader = start_leader(temp / "old", 7);
  CHECK(leader.value("mine") == "(none)");
  REQUIRE(leader.store().aside.size() == 2);
  const auto log = storage::LogReader::open(temp / "old/log.db");
  REQUIRE(log);
  VersionVector before;
  for (const storage::AsidePlace& place : leader.store().aside) {
    CHECK(place.author == "paris");
    CHECK(log->read_aside(place.id));
    CHECK(log->read_seen(place).and_then(durability::decode_vector) == before);
    before.set(place.origin, place.last_seq);
  }
  CHECK(before == VersionVector{{Origin{5}, 1}, {Origin{6}, 1}});
}

TEST_CASE("mirror files: a clock far ahead does not come with the copy") {
  const TempDirectory temp;
  Paris paris(temp / "paris");
  make_old_oslo(temp / "oslo", temp / "scratch");
  Staging staging(temp / "oslo");
  paris.stage(staging);
  const Hlc behind = hlc_from_ms(5);
  REQUIRE(staging.check(oslo, {}, behind, {}));
  REQUIRE(durability::decide_install(temp / "oslo"));
  auto store = open_oslo(temp / "oslo", 6);
  REQUIRE(store);
  CHECK(store->replica->last_hlc() == behind);
  CHECK(store->replica->keyspace().digest() == paris.leader.digest());
}

TEST_CASE("mirror files: a crash at any moment leaves the old state or the new one") {
  const TempDirectory temp;
  Paris paris(temp / "paris");
  make_old_oslo(temp / "oslo", temp / "scratch");
  Staging staging(temp / "oslo");
  paris.stage(staging);

  const auto starts_as = [&](const std::string& variant, bool as_new) {
    INFO(variant);
    auto store = open_oslo(temp / variant, 6);
    INFO((store ? "" : store.error().message));
    REQUIRE(store);
    CHECK(store->report.alarms.empty());
    CHECK((value_in(*store, "k7") != "(none)") == as_new);
    CHECK_FALSE(std::filesystem::exists(temp / variant / "mirrored"));
  };
  copy_tree(temp / "oslo", temp / "staged");
  REQUIRE(staging.check(oslo, {}, any_clock, {}));
  copy_tree(temp / "oslo", temp / "checked");
  starts_as("staged", false);
  starts_as("checked", false);

  REQUIRE(durability::decide_install(temp / "oslo"));
  copy_tree(temp / "oslo", temp / "decided");
  starts_as("decided", true);
  const std::vector<std::function<void(const std::filesystem::path&)>> steps = {
      [](const auto& data) { std::filesystem::remove(data / "state.db-wal"); },
      [](const auto& data) { std::filesystem::remove(data / "log.db-wal"); },
      [](const auto& data) { std::filesystem::rename(data / "mirrored/state.db", data / "state.db"); },
      [](const auto& data) { std::filesystem::rename(data / "mirrored/log.db", data / "log.db"); }};
  for (std::size_t done = 1; done <= steps.size(); ++done) {
    const std::string variant = "done-" + std::to_string(done);
    copy_tree(temp / "oslo", temp / variant);
    for (std::size_t i = 0; i < done; ++i) steps[i](temp / variant);
    starts_as(variant, true);
  }
  // The renames may reach the disk in the other order.
  copy_tree(temp / "oslo", temp / "log-first");
  steps[0](temp / "log-first");
  steps[1](temp / "log-first");
  steps[3](temp / "log-first");
  starts_as("log-first", true);
}

TEST_CASE("mirror files: a state that lacks this leader's writes, and a damaged one, are not prepared") {
  const TempDirectory temp;
  Paris paris(temp / "paris");
  std::filesystem::create_directory(temp / "oslo");
  Staging staging(temp / "oslo");
  paris.stage(staging);
  CHECK(staging.check(oslo, {{Origin{77}, 1}}, any_clock, {}).error().code == Errc::corrupt);

  Staging second(temp / "oslo");
  paris.stage(second);
  test::flip_bit(temp / "oslo/mirror/state.db", std::string(300, 'v'));
  CHECK(second.check(oslo, {}, any_clock, {}).error().code == Errc::corrupt);

  Staging third(temp / "oslo");
  paris.stage(third);
  CHECK(third.check({"another", "oslo"}, {}, any_clock, {}).error().code == Errc::wrong_cluster);
}

TEST_CASE("mirror files: what an earlier run staged is found, to the last whole page") {
  const TempDirectory temp;
  Paris paris(temp / "paris");
  std::filesystem::create_directory(temp / "oslo");
  {
    Staging staging(temp / "oslo");
    CHECK_FALSE(staging.found());
    paris.stage(staging);
  }
  Staging whole(temp / "oslo");
  const auto found = whole.found();
  REQUIRE(found);
  CHECK(*found ==
        sync::StagedCopy{"paris", 1, paris.made.bytes, paris.made.hash, paris.made.bytes, paris.made.hash});
  REQUIRE(paris.made.bytes > 2 * sync::mirror_page_bytes);
  std::filesystem::resize_file(temp / "oslo/mirror/state.db", 2 * sync::mirror_page_bytes - 5);
  Staging cut(temp / "oslo");
  REQUIRE(cut.found());
  CHECK(cut.found()->staged == sync::mirror_page_bytes);
  // A check that was interrupted has made it another file than what was sent.
  REQUIRE_FALSE(cut.check(oslo, {}, any_clock, {}));
  CHECK_FALSE(Staging(temp / "oslo").found());
}

TEST_CASE("mirror files: a copy can be given up, and what is left of an earlier run is deleted") {
  const TempDirectory temp;
  Paris paris(temp / "paris");
  CHECK_FALSE(paris.copies.make(2, [] { return false; }));
  CHECK(paris.copies.make(3, always));
  CHECK_FALSE(std::filesystem::is_empty(temp / "paris/copies"));
  const Copies next(temp / "paris", durability::paris_identity);
  CHECK_FALSE(std::filesystem::exists(temp / "paris/copies"));
}
