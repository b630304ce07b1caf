// Cell images, dirty cells and conflicts: what a state file holds.
#include "tests/catch.hpp"
#include "tests/crdt/site.hpp"

using namespace turnstone;
using namespace turnstone::crdt;

namespace {

// A cell with two siblings and a counter of two contributions.
Site full_site() {
  Site paris(1, 100);
  Site tokyo(2, 200);
  paris.set("k", "a");
  tokyo.set("k", "b");
  paris.incr("k", "1.5");
  tokyo.incr("k", "2");
  paris.learn(tokyo);
  return paris;
}

std::vector<CellImage> checkpoint(Site& site) {
  site.keyspace().dirty().freeze();
  while (site.keyspace().dirty().frozen() > 0) site.keyspace().encode_frozen(1);
  return site.keyspace().dirty().take();
}

// The state that a recovery from these images gives, images of earlier checkpoints first.
std::string recovered(const std::vector<std::vector<CellImage>>& checkpoints) {
  std::map<CellName, CellImage> stored;
  for (const auto& images : checkpoints) {
    for (const CellImage& image : images) {
      stored.erase(image.name);
      if (!image.bytes.empty()) stored.emplace(image.name, image);
    }
  }
  Keyspace keyspace(2);
  for (const auto& [name, image] : stored) REQUIRE(keyspace.load(image).has_value());
  return keyspace.canonical();
}

}  // namespace

TEST_CASE("cell image: siblings, total and single increments come back as they were") {
  const Site site = full_site();
  const Cell& cell = *site.keyspace().find("k")->string();
  const CellName name{"k", {}, Kind::string};
  const auto decoded = decode_image(image_of(name, &cell));
  REQUIRE(decoded.has_value());
  CHECK(decoded->siblings() == cell.siblings());
  REQUIRE(decoded->counter() != nullptr);
  CHECK(*decoded->counter() == *cell.counter());
  CHECK(cell.counter()->unstable.size() == 2);
}

TEST_CASE("cell image: a flipped bit, a cut and another name are refused as corrupt") {
  const Site site = full_site();
  const CellImage image = image_of({"k", {}, Kind::string}, site.keyspace().find("k")->string());
  for (std::size_t i = 0; i < image.bytes.size(); ++i) {
    CellImage flipped = image;
    flipped.bytes[i] = static_cast<char>(flipped.bytes[i] ^ 1);
    CHECK(!decode_image(flipped).has_value());
    CellImage cut = image;
    cut.bytes.resize(i);
    CHECK(!decode_image(cut).has_value());
  }
  CellImage elsewhere = image;
  elsewhere.name.key = "other";
  REQUIRE(!decode_image(elsewhere).has_value());
  CHECK(decode_image(elsewhere).error().code == Errc::corrupt);
}

TEST_CASE("cell image: the state part is equal where the single increments differ") {
  Site paris = full_site();
  const Site tokyo = full_site();
  paris.keyspace().forget_stable(paris.vector());
  const Cell& a = *paris.keyspace().find("k")->string();
  const Cell& b = *tokyo.keyspace().find("k")->string();
  CHECK(encode_cell(a, CellPart::state) == encode_cell(b, CellPart::state));
  CHECK(encode_cell(a, CellPart::state_and_unstable) != encode_cell(b, CellPart::state_and_unstable));
}

TEST_CASE("dirty cells: what is taken is the state at the freeze, while changes go on") {
  Site paris(1, 100);
  paris.set("a", "1");
  paris.set("b", "2");
  paris.sadd("s", "m");
  const std::string at_freeze = paris.keyspace().canonical();
  paris.keyspace().dirty().freeze();
  paris.set("a", "later");
  paris.keyspace().encode_frozen(1);
  paris.del("b");
  paris.srem("s", "m");
  paris.set("new", "x");
  paris.keyspace().encode_frozen(10);
  const auto first = paris.keyspace().dirty().take();
  CHECK(recovered({first}) == at_freeze);
  const auto second = checkpoint(paris);
  CHECK(recovered({first, second}) == paris.keyspace().canonical());
}

TEST_CASE("dirty cells: only what changed since the freeze before is taken, each cell once") {
  Site paris(1, 100);
  paris.set("a", "1");
  paris.set("b", "2");
  CHECK(checkpoint(paris).size() == 2);
  CHECK(checkpoint(paris).empty());
  paris.set("a", "3");
  paris.set("a", "4");
  const auto images = checkpoint(paris);
  REQUIRE(images.size() == 1);
  CHECK(images[0].name.key == "a");
}

TEST_CASE("dirty cells: a cell that went is taken as gone") {
  Site paris(1, 100);
  paris.set("a", "1");
  const auto first = checkpoint(paris);
  paris.del("a");
  const auto second = checkpoint(paris);
  REQUIRE(second.size() == 1);
  CHECK(second[0].bytes.empty());
  CHECK(recovered({first, second}).empty());
}

TEST_CASE("dirty cells: an increment that is forgotten after the freeze is stored as a single one") {
  Site paris(1, 100);
  paris.incr("c", "5");
  paris.keyspace().dirty().freeze();
  paris.keyspace().forget_stable(paris.vector());
  paris.keyspace().encode_frozen(10);
  const auto images = paris.keyspace().dirty().take();
  REQUIRE(images.size() == 1);
  const auto cell = decode_image(images[0]);
  REQUIRE(cell.has_value());
  CHECK(cell->counter()->unstable.size() == 1);
  CHECK(paris.keyspace().find("c")->string()->counter()->unstable.empty());
}

TEST_CASE("dirty cells: an increment that is listed again is stored with its cell") {
  Site paris(1, 100);
  paris.incr("c", "5");
  const auto listed = paris.keyspace().find("c")->string()->counter()->unstable;
  paris.keyspace().forget_stable(paris.vector());
  checkpoint(paris);
  paris.keyspace().relist({"c", {}, Kind::string}, listed);
  const auto images = checkpoint(paris);
  REQUIRE(images.size() == 1);
  CHECK(decode_image(images[0])->counter()->unstable == listed);
}

TEST_CASE("conflict: a stored conflict comes back with its id") {
  Site paris(1, 100);
  Site tokyo(2, 200);
  paris.set("k", "a");
  tokyo.set("k", "b");
  paris.learn(tokyo);
  REQUIRE(paris.found().size() == 1);
  const std::string bytes = encode_conflict(paris.found()[0]);
  const auto decoded = decode_conflict(bytes);
  REQUIRE(decoded.has_value());
  CHECK(*decoded == paris.found()[0]);
  CHECK(!decoded->first_wins);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    CHECK(!decode_conflict(std::string_view(bytes).substr(0, size)).has_value());
  }
}

TEST_CASE("conflict: the id does not depend on which side is named first") {
  const ConflictSide a{{{Origin{1}, 4}, 0}, 10, Kind::hash, false, false, "x"};
  const ConflictSide b{{{Origin{2}, 1}, 0}, 20, Kind::hash, false, false, "y"};
  const Conflict one = make_conflict(ConflictType::concurrent_write, "k", "f", a, b);
  CHECK(one == make_conflict(ConflictType::concurrent_write, "k", "f", b, a));
  CHECK(one.id != make_conflict(ConflictType::concurrent_write, "k", "g", a, b).id);
  CHECK(one.id != make_conflict(ConflictType::kind_conflict, "k", "f", a, b).id);
  CHECK(one.first == a);
  CHECK(!one.first_wins);
}
