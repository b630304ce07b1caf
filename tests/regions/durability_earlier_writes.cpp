// From the log of a directory that nobody runs on any more to what another leader brings back.
#include "regions/durability/earlier_writes.hpp"

#include <fstream>

#include "regions/durability/stored_forms.hpp"
#include "tests/core/temp_directory.hpp"
#include "tests/regions/durability_leader.hpp"

using namespace turnstone;
using namespace turnstone::durability;
using test::TempDirectory;

namespace {

const storage::Identity oslo{"turnstone", "oslo"};
const auto all = [](Origin, Seq, Seq) { return true; };
const auto any_region = [](const std::string&) { return Result<void>(); };

// Three runs in paris; the first one's state is stored.
void make_old_paris(const std::filesystem::path& data) {
  {
    TestLeader leader = start_leader(data, 1);
    leader.put("a", "1");
    leader.checkpoint();
  }
  for (const std::uint64_t origin : {2, 3}) start_leader(data, origin).put("a", std::to_string(origin));
}

Result<std::size_t> keep(const std::filesystem::path& from, storage::LogDb& into, const auto& wanted) {
  return keep_earlier_writes_of(from, "turnstone", any_region, wanted, 7, into);
}

}  // namespace

TEST_CASE("earlier writes: what is wanted of a log is kept in its order, with what was seen before") {
  const TempDirectory temp;
  make_old_paris(temp / "paris");
  auto into = storage::LogDb::open(temp / "log.db", oslo);
  REQUIRE(into);
  const auto kept = keep(temp / "paris", *into, [](Origin origin, Seq, Seq) { return origin != Origin{1}; });
  INFO((kept ? "" : kept.error().message));
  REQUIRE(kept == 2);
  const auto reader = storage::LogReader::open(temp / "log.db");
  REQUIRE(reader);
  const auto places = reader->aside();
  REQUIRE(places);
  REQUIRE(places->size() == 2);
  CHECK(places->at(0).id == 7);
  CHECK(places->at(0).origin == Origin{2});
  CHECK(places->at(1).origin == Origin{3});
  for (const storage::AsidePlace& place : *places) CHECK(place.author == "paris");
  const auto seen = reader->read_seen(places->at(1)).and_then(decode_vector);
  REQUIRE(seen);
  CHECK(*seen == VersionVector{{Origin{1}, 1}, {Origin{2}, 1}});
  CHECK(reader->read_aside(8).value().size() == places->at(1).bytes);
  // It is forgotten with its batch.
  REQUIRE(into->forget_aside(std::vector<std::int64_t>{8}));
  CHECK(!reader->read_seen(places->at(1)));
  CHECK(reader->aside()->size() == 1);
}

TEST_CASE("earlier writes: what cannot be used is said, and nothing is kept") {
  const TempDirectory temp;
  make_old_paris(temp / "paris");
  auto into = storage::LogDb::open(temp / "log.db", oslo);
  REQUIRE(into);
  CHECK(keep(temp / "nowhere", *into, all).error().code == Errc::config);
  CHECK(keep_earlier_writes_of(temp / "paris", "another", any_region, all, 1, *into).error().code ==
        Errc::wrong_cluster);
  const auto refuse = [](const std::string& region) -> Result<void> {
    return fail(Errc::config, "not " + region);
  };
  CHECK(keep_earlier_writes_of(temp / "paris", "turnstone", refuse, all, 1, *into).error().message ==
        "not paris");
  {
    const TestLeader running = start_leader(temp / "paris", 4);
    CHECK(keep(temp / "paris", *into, all).error().code == Errc::in_use);
  }
  CHECK(storage::LogReader::open(temp / "log.db").value().aside()->empty());
}
