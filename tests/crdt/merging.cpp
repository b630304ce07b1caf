// What readers see of siblings, by the policies.
#include "crdt/merge/merging.hpp"

#include "crdt/merge/rule.hpp"
#include "tests/catch.hpp"
#include "tests/crdt/site.hpp"

using namespace turnstone;
using namespace turnstone::crdt;
using Verb = sim::OwnedEffect::Verb;

namespace {

class Fixed final : public MergeFunction {
 public:
  explicit Fixed(std::string value) : value_(std::move(value)) {}
  Result<std::string> merge(const Siblings& siblings) const override {
    seen = siblings.all.size();
    oldest = siblings.all.front().value;
    return value_;
  }
  mutable std::size_t seen = 0;
  mutable std::string oldest;

 private:
  std::string value_;
};

void set_policy(Site& site, const std::string& pattern, const std::string& rule) {
  site.write({{Verb::put, std::string(policies_key), Kind::cluster, pattern, rule, {}}});
}

std::string shown(const Merging& merging, const Site& site, const std::string& key) {
  std::string scratch;
  return std::string(merging.shown({key}, *site.keyspace().find_cell(key, Kind::string, {}), scratch));
}

}  // namespace

TEST_CASE("merging: a native function gets each value once, the oldest first") {
  Site paris(1, 100);
  Site tokyo(2, 200);
  Site dallas(3, 300);
  const auto function = std::make_shared<Fixed>("merged");
  const Merging merging(paris.keyspace(), [&](std::string_view name) {
    return name == "price@1" ? function : std::shared_ptr<const MergeFunction>();
  });
  paris.set("k", "same");
  tokyo.set("k", "other");
  dallas.set("k", "same");
  paris.learn(tokyo);
  paris.learn(dallas);
  CHECK(shown(merging, paris, "k") == "same");
  set_policy(paris, "k", "native:price@1");
  CHECK(shown(merging, paris, "k") == "merged");
  CHECK(function->seen == 2);
  CHECK(function->oldest == "other");
  // One value is shown as it is, whatever the function.
  paris.set("k", "alone");
  CHECK(shown(merging, paris, "k") == "alone");
  // Several siblings of one value, too.
  set_policy(paris, "equal", "native:price@1");
  paris.set("equal", "x");
  tokyo.set("equal", "x");
  paris.learn(tokyo);
  CHECK(paris.keyspace().find_cell("equal", Kind::string, {})->siblings().size() == 2);
  CHECK(shown(merging, paris, "equal") == "x");
}

TEST_CASE("merging: increments are added to what a function gives, if that is a number") {
  Site paris(1, 100);
  Site tokyo(2, 200);
  const Merging merging(paris.keyspace());
  paris.set("n", "1");
  tokyo.set("n", "5");
  paris.learn(tokyo);
  tokyo.learn(paris);
  tokyo.incr("n", "100");
  set_policy(paris, "n", "min");
  paris.learn(tokyo);
  CHECK(shown(merging, paris, "n") == "101");
  set_policy(paris, "n", "union");
  CHECK(shown(merging, paris, "n") == "[1,5]");
}

TEST_CASE("merging: a value that is too large has failed") {
  Site paris(1, 100);
  Site tokyo(2, 200);
  Merging merging(paris.keyspace(), [](std::string_view) {
    return std::make_shared<Fixed>(std::string(merged_bytes_max + 1, 'x'));
  });
  std::vector<MergeFailure> failures;
  merging.on_failure([&](const MergeFailure& failure) { failures.push_back(failure); });
  set_policy(paris, "*", "native:f@1");
  paris.set("k", "p");
  tokyo.set("k", "t");
  paris.learn(tokyo);
  CHECK(shown(merging, paris, "k") == "t");
  CHECK(shown(merging, paris, "k") == "t");
  REQUIRE(failures.size() == 1);
  CHECK(failures[0].rule == "native:f@1");
  CHECK(failures[0].reason == "the merged value has 16777217 bytes");
}

TEST_CASE("merging: of patterns of one length the first counts") {
  Site paris(1, 100);
  const Merging merging(paris.keyspace());
  set_policy(paris, "?b", "max");
  set_policy(paris, "a?", "min");
  CHECK(merging.rule_for("ab") == "max");
  CHECK(merging.rule_for("ac") == "min");
  CHECK(merging.rule_for("c") == "lww");
  CHECK_FALSE(merging.policy_for("c").has_value());
}

TEST_CASE("merging: rules of functions have a name, a version and a hash") {
  const std::string rule = lua_rule("cart", 2, "return 1");
  const auto read = lua_version(rule);
  REQUIRE(read.has_value());
  CHECK(read->name == "cart");
  CHECK(read->version == 2);
  CHECK(without_hash(rule) == "cart@2");
  CHECK(lua_rule("cart", 2, "return 2") != rule);
  CHECK_FALSE(lua_version("cart@2").has_value());
  CHECK_FALSE(lua_version("cart@x#0123456789abcdef").has_value());
  CHECK_FALSE(lua_version("json-merge:id").has_value());
  CHECK(native_name("native:price@1") == "price@1");
  CHECK_FALSE(native_name("price@1").has_value());
}
