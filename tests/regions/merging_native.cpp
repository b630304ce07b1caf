// Merge functions of this process, and of shared libraries.
#include <stdexcept>

#include "regions/merge/native_library.hpp"
#include "tests/crdt/merging.hpp"

using namespace turnstone;
using namespace turnstone::crdt;

namespace {

std::string refusal(const std::string& path) {
  const auto loaded = merging::load_native_library(path);
  REQUIRE(!loaded);
  CHECK(loaded.error().code == Errc::config);
  return loaded.error().message;
}

}  // namespace

TEST_CASE("native: a function is added in one line, and found by its name and version") {
  CHECK(
      add_native("first", "1", [](const Siblings& siblings) { return std::string(siblings.all[0].value); }));
  const auto function = find_native("first", "1");
  REQUIRE(function);
  CHECK(merged(*function, {"a", "b"}) == "a");
  CHECK_FALSE(function->wants_base());
  CHECK(find_native("first", "2") == nullptr);
  CHECK(find_native("fist", "1") == nullptr);
  CHECK(add_native("first", "2", [](const Siblings&) { return std::string(); }, {true, ValueFormat::json}));
  CHECK(find_native("first", "2")->wants_base());
  CHECK(find_native("first", "2")->format() == ValueFormat::json);
  const auto again = add_native("first", "1", [](const Siblings&) { return std::string(); });
  CHECK(again.error().message == "there is a merge function first of version 1 already");
  for (const char* name : {"", "a b", "ä", "a/b"})
    CHECK(add_native(name, "1", [](const Siblings&) { return std::string(); }).error().code == Errc::config);
}

TEST_CASE("native: an exception is a failure of the function") {
  CHECK(add_native("throws", "1",
                   [](const Siblings&) -> Result<std::string> { throw std::runtime_error("no idea"); }));
  CHECK(merged(*find_native("throws", "1"), {"a", "b"}) == "merge_failed: throws: no idea");
}

TEST_CASE("native: the functions of a shared library are loaded, and give values and reasons") {
  const auto loaded = merging::load_native_library(HIGHEST_BID);
  INFO((loaded ? std::string() : loaded.error().message));
  REQUIRE(loaded);
  CHECK(*loaded == std::vector<NativeName>{{"highest_bid", "1"}});
  const auto function = find_native("highest_bid", "1");
  REQUIRE(function);
  CHECK(merged(*function, {"5 ann", "17 bob", "17 cid"}) == "17 bob");
  CHECK(merged(*function, {"5 ann", "much"}) ==
        "merge_failed: highest_bid: a value does not begin with an amount and a space");
  CHECK(refusal(HIGHEST_BID) ==
        "the merge functions of " HIGHEST_BID
        " cannot be used: there is a merge function highest_bid of version 1 already");
}

TEST_CASE("native: a library that is none, or of another interface, is refused in words") {
  const std::string directory = WRONG_MERGE_DIRECTORY;
  CHECK_THAT(
      refusal("/nowhere.so"),
      Catch::StartsWith("the merge functions of /nowhere.so cannot be used: /nowhere.so: cannot open"));
  CHECK_THAT(refusal("libm.so.6"), Catch::Contains("it has no function turnstone_merge_functions"));
  CHECK_THAT(refusal(directory + "/wrong_merge_abi.so"),
             Catch::Contains("it is made for version 2 of the interface, and this is version 1"));
  CHECK_THAT(refusal(directory + "/wrong_merge_entry.so"),
             Catch::Contains("its entry 1 has no name, no version or no function"));
  CHECK_THAT(refusal(directory + "/wrong_merge_nothing.so"),
             Catch::Contains("turnstone_merge_functions returns nothing"));
  CHECK_THAT(refusal(directory + "/wrong_merge_twice.so"), Catch::Contains("of version 1 already"));
}
