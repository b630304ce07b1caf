// What a write replaced travels with it; a choice between siblings takes the place of those that
// it names; the cluster's own data stand beside what clients see.
#include "tests/catch.hpp"
#include "tests/crdt/site.hpp"

using namespace turnstone;
using namespace turnstone::crdt;
using Verb = sim::OwnedEffect::Verb;

namespace {

struct Three {
  Site paris{1, 100};
  Site tokyo{2, 200};
  Site dallas{3, 300};

  void converge() {
    for (int round = 0; round < 2; ++round) {
      for (Site* each : {&paris, &tokyo, &dallas}) {
        for (Site* other : {&paris, &tokyo, &dallas}) {
          if (each != other) each->learn(*other);
        }
      }
    }
    CHECK(paris.keyspace().canonical() == tokyo.keyspace().canonical());
    CHECK(paris.keyspace().canonical() == dallas.keyspace().canonical());
    CHECK(paris.keyspace().digest() == dallas.keyspace().digest());
  }
};

const Cell& cell(const Site& site, const std::string& key = "k") {
  return *site.keyspace().find_cell(key, Kind::string, {});
}

const sim::Operation& set_over(Site& site, const std::string& key, const std::string& value) {
  std::string scratch;
  const Base base = cell(site, key).as_base(cell(site, key).shown(scratch));
  sim::OwnedEffect put{Verb::put, key, Kind::string, {}, value, {}};
  put.has_base = true;
  put.base_rows = base.rows;
  put.base = base.value;
  return site.write({put});
}

const sim::Operation& resolve(Site& site, const std::vector<RowId>& rows,
                              const std::optional<std::string>& value) {
  sim::OwnedEffect choice{Verb::resolve, "k", Kind::string, {}, value.value_or(""), {}};
  choice.rows = rows;
  choice.has_value = value.has_value();
  return site.write({choice});
}

std::vector<std::string> values(const Site& site) {
  std::vector<std::string> all;
  if (const Cell* found = site.keyspace().find_cell("k", Kind::string, {})) {
    for (const Row& row : found->siblings()) all.push_back(row.value);
  }
  return all;
}

}  // namespace

TEST_CASE("base: siblings that replaced the same value know it, in whatever order they came") {
  Three at;
  at.paris.set("k", "one");
  at.converge();
  set_over(at.paris, "k", "one, two");
  set_over(at.tokyo, "k", "one, three");
  at.converge();
  REQUIRE(cell(at.dallas).base() != nullptr);
  CHECK(*cell(at.dallas).base() == "one");
  // A third one, of a place that had seen both, replaces both.
  set_over(at.dallas, "k", "all");
  at.converge();
  CHECK(values(at.paris) == std::vector<std::string>{"all"});
  CHECK(*cell(at.paris).base() == "one, three");
}

TEST_CASE("base: there is none where siblings replaced different values, or one does not say") {
  Three at;
  at.paris.set("k", "one");
  at.converge();
  set_over(at.paris, "k", "one, two");
  SECTION("different values") {
    set_over(at.paris, "k", "one, two, three");
    set_over(at.tokyo, "k", "none");
  }
  SECTION("not said") { at.tokyo.set("k", "none"); }
  at.converge();
  CHECK(cell(at.dallas).siblings().size() == 2);
  CHECK(cell(at.dallas).base() == nullptr);
}

TEST_CASE("base: it is stored with the cell, and part of the digest") {
  Three at;
  at.paris.set("k", "one");
  at.converge();
  set_over(at.paris, "k", "two");
  const auto image = image_of({"k", {}, Kind::string}, &cell(at.paris));
  const auto read = decode_image(image);
  REQUIRE(read.has_value());
  CHECK(read->replaced() == cell(at.paris).replaced());
  CHECK(digest_of("k", Kind::string, {}, *read) == digest_of("k", Kind::string, {}, cell(at.paris)));
  Site other{1, 100};
  other.set("k", "one");
  other.set("k", "two");
  CHECK(digest_of("k", Kind::string, {}, cell(other)) != digest_of("k", Kind::string, {}, cell(at.paris)));
}

TEST_CASE("resolve: it takes the place of the siblings that it names, and of no others") {
  Three at;
  at.paris.set("k", "p");
  at.tokyo.set("k", "t");
  at.dallas.set("k", "d");
  at.converge();
  REQUIRE(values(at.paris) == std::vector<std::string>{"p", "t", "d"});
  const RowId p = cell(at.paris).siblings()[0].id;
  const RowId t = cell(at.paris).siblings()[1].id;
  resolve(at.paris, {p, t}, "both");
  CHECK(values(at.paris) == std::vector<std::string>{"both", "d"});
  // Another one elsewhere, which did not know it.
  resolve(at.tokyo, {t}, std::nullopt);
  at.converge();
  CHECK(values(at.tokyo) == std::vector<std::string>{"both", "d"});
  // Whoever chose had not looked at the third one: every place has it on record.
  for (const Site* site : {&at.paris, &at.tokyo, &at.dallas}) {
    const auto found = site->conflicts();
    CHECK(std::find(found.begin(), found.end(), "concurrent_write both d") != found.end());
  }
}

TEST_CASE("resolve: increments stay, and what is gone is no matter") {
  Three at;
  at.paris.set("k", "1");
  at.converge();
  const RowId one = cell(at.paris).siblings()[0].id;
  at.tokyo.set("k", "2");
  at.dallas.incr("k", "10");
  at.converge();
  resolve(at.paris, {one}, "5");
  at.converge();
  CHECK(values(at.dallas).size() == 2);
  CHECK(cell(at.dallas).counter() != nullptr);
  at.paris.del("k");
  resolve(at.paris, {one}, std::nullopt);
  at.converge();
  CHECK(at.dallas.get("k") == "(none)");
}

TEST_CASE("cluster data: no client sees them, and no command of theirs meets them") {
  Three at;
  at.paris.write({{Verb::put, "policies", Kind::cluster, "cart:*", "union", {}}});
  at.converge();
  const Keyspace& keyspace = at.tokyo.keyspace();
  CHECK(keyspace.size() == 0);
  CHECK(keyspace.find("policies") == nullptr);
  CHECK_FALSE(keyspace.random_key(7).has_value());
  std::size_t scanned = 0;
  keyspace.scan(0, 100, [&](std::string_view, const Entry&) { ++scanned; });
  CHECK(scanned == 0);
  REQUIRE(keyspace.cluster_fields("policies") != nullptr);
  CHECK(keyspace.cluster_fields("policies")->find("cart:*")->winner()->value == "union");

  // A key of that name is a key like any other.
  at.tokyo.set("policies", "a client's");
  CHECK(keyspace.size() == 1);
  CHECK(keyspace.find("policies")->shown_kind() == Kind::string);
  CHECK_FALSE(keyspace.find("policies")->has_several_kinds());
  at.tokyo.del("policies");
  at.paris.flush();
  at.converge();
  CHECK(keyspace.size() == 0);
  CHECK(keyspace.cluster_fields("policies") != nullptr);
  for (const Conflict& found : at.paris.found()) CHECK(is_visible(found.first.kind));

  const auto before = keyspace.cluster_revision();
  at.dallas.write({{Verb::remove, "policies", Kind::cluster, "cart:*", {}, {}}});
  at.converge();
  CHECK(keyspace.cluster_fields("policies") == nullptr);
  CHECK(keyspace.cluster_revision() != before);
}
