// The examples of merge functions do what their first lines say.
#include <fstream>
#include <sstream>

#include "crdt/merge/lua_function.hpp"
#include "tests/crdt/merging.hpp"

using namespace turnstone;
using namespace turnstone::crdt;

namespace {

std::unique_ptr<MergeFunction> example(const std::string& name) {
  std::ifstream file(TURNSTONE_SOURCE_DIR "/examples/merges/" + name + ".lua");
  std::ostringstream source;
  source << file.rdbuf();
  auto function = compile_lua(name, source.str());
  INFO((function ? std::string() : function.error().message));
  REQUIRE(function);
  return *std::move(function);
}

}  // namespace

TEST_CASE("example cart.lua: what each side put in counts, what one side took out is out") {
  const auto cart = example("cart");
  CHECK(cart->wants_base());
  CHECK(merged(*cart, {R"({"milk":2})", R"({"eggs":1})"}) == R"({"eggs":1,"milk":2})");
  CHECK(merged(*cart, {R"({"milk":2,"eggs":3})", R"({"milk":1,"tea":1})"}, R"({"milk":1,"eggs":3})") ==
        R"({"milk":2,"tea":1})");
  CHECK(merged(*cart, {R"({"eggs":5})", "{}"}, R"({"eggs":3})") == R"({"eggs":5})");
}

TEST_CASE("example profile.lua: the latest name, every address once, the greatest number of visits") {
  CHECK(merged(*example("profile"), {R"({"name":"Ann","addresses":["b","a"],"visits":7})",
                                     R"({"name":"Anne","addresses":["b","c"],"visits":5})"}) ==
        R"({"addresses":["a","b","c"],"name":"Anne","visits":7})");
}

TEST_CASE("example highest_bid.lua: the highest bid, of equal ones the earliest") {
  CHECK(merged(*example("highest_bid"), {R"({"amount":5,"by":"a"})", R"({"amount":9,"by":"b"})",
                                         R"({"amount":9,"by":"c"})"}) == R"({"amount":9,"by":"b"})");
}

TEST_CASE("example longest_text.lua: the longest text") {
  CHECK(merged(*example("longest_text"), {"abc", "", "abd", "x"}) == "abd");
}
