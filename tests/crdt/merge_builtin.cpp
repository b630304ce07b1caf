// What each built-in shows of siblings, oldest first.
#include "tests/crdt/merging.hpp"

using namespace turnstone;
using namespace turnstone::crdt;

TEST_CASE("builtin: lww and siblings show the latest value") {
  CHECK(merged("lww", {"b", "a"}) == "a");
  CHECK(merged("siblings", {"b", "a", ""}) == "");
}

TEST_CASE("builtin: max and min compare numbers as numbers if all are numbers") {
  CHECK(merged("max", {"9", "10"}) == "10");
  CHECK(merged("min", {"9", "10"}) == "9");
  CHECK(merged("max", {"-1", "-0.5", "-2"}) == "-0.5");
  CHECK(merged("max", {"9223372036854775807", "9223372036854775806"}) == "9223372036854775807");
  CHECK(merged("min", {"1e3", "999.99999999999999999"}) == "999.99999999999999999");
}

TEST_CASE("builtin: max and min compare bytes if one is no number") {
  CHECK(merged("max", {"9", "10", "x"}) == "x");
  CHECK(merged("max", {"9", "10", ""}) == "9");
  CHECK(merged("min", {"9", "10", ""}) == "");
  CHECK(merged("max", {"\x7f", "\x80"}) == "\x80");
}

TEST_CASE("builtin: max and min show the latest of equal numbers as it was written") {
  CHECK(merged("max", {"1.0", "1"}) == "1");
  CHECK(merged("min", {"1", "1.0"}) == "1.0");
}

TEST_CASE("builtin: longest counts bytes, and shows the latest of equally long ones") {
  CHECK(merged("longest", {"abc", "z", "abd"}) == "abd");
  CHECK(merged("longest", {"", "a"}) == "a");
  CHECK(merged("longest", {"\xc3\xa4", "a"}) == "\xc3\xa4");
}

TEST_CASE("builtin: union holds the elements of all arrays once, sorted") {
  CHECK(merged("union", {R"(["milk"])", R"(["eggs"])"}) == R"(["eggs","milk"])");
  CHECK(merged("union", {R"([3, 1])", R"([2,1])"}) == "[1,2,3]");
  CHECK(merged("union", {"[10]", "[9, \"9\", null]"}) == R"([null,9,10,"9"])");
  CHECK(merged("union", {"[]", "[ ]"}) == "[]");
  CHECK(merged("union", {R"([{"b":1,"a":2}])", R"([{"a":2,"b":1.0}])"}) == R"([{"a":2,"b":1}])");
}

TEST_CASE("builtin: union takes a value that is no array for one element") {
  CHECK(merged("union", {"milk", "eggs"}) == R"(["eggs","milk"])");
  CHECK(merged("union", {R"(["milk"])", "eggs", "5", R"({"a":1})"}) == R"([5,"eggs","milk",{"a":1}])");
  CHECK(merged("union", {"", "x"}) == R"(["","x"])");
}

TEST_CASE("builtin: union refuses what JSON cannot say") {
  CHECK(merged("union", {"\xff", "x"}) == "merge_failed: JSON has no text that is not UTF-8");
}

TEST_CASE("builtin: sum is exact") {
  CHECK(merged("sum", {"0.1", "0.2"}) == "0.3");
  CHECK(merged("sum", {"9223372036854775807", "1"}) == "9223372036854775808");
  CHECK(merged("sum", {"5", "-5"}) == "0");
}

TEST_CASE("builtin: sum with a base adds what each sibling added") {
  CHECK(merged("sum", {"15", "7"}, "10") == "12");
  CHECK(merged("sum", {"0.5", "1"}, "0.5") == "1");
}

TEST_CASE("builtin: sum refuses what is no number, and what leaves the range") {
  CHECK(merged("sum", {"1", "one"}) == "merge_failed: \"one\" is no number below 10^20");
  CHECK(merged("sum", {"1", "2"}, "") == "merge_failed: \"\" is no number below 10^20");
  const std::string most(20, '9');
  CHECK(merged("sum", {most, "1"}) == "merge_failed: the sum is 10^20 or more");
  std::vector<std::string> many;
  for (int i = 0; i < 40; ++i)
    many.push_back(std::string(19, '9') + std::to_string(i % 10) + "." + std::to_string(i));
  CHECK(merged("sum", many) == "merge_failed: the sum is 10^20 or more");
}

TEST_CASE("builtin: every one that the help lists can be made, and an unknown name is answered with them") {
  for (const Builtin& each : builtins()) {
    CHECK(make_builtin(each.name).has_value());
    CHECK(each.help.find('\n') == std::string_view::npos);
  }
  for (const char* unknown : {"", "LWW", "json-merge:", "union:id"}) {
    const auto made = make_builtin(unknown);
    REQUIRE(!made);
    CHECK(made.error().code == Errc::config);
  }
  CHECK(
      make_builtin("lwww").error().message ==
      "no merge function is called \"lwww\"; there are lww, siblings, max, min, longest, union, json-merge, "
      "json-merge:MEMBER, sum");
}

TEST_CASE("builtin: only those that look at a base ask for one") {
  for (const Builtin& each : builtins()) {
    const bool looks = each.name.starts_with("json-merge") || each.name == "sum";
    CHECK((*make_builtin(each.name))->wants_base() == looks);
  }
}
