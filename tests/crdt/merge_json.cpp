// json-merge, with and without the value that all siblings replaced.
#include "tests/crdt/merging.hpp"

using namespace turnstone;
using namespace turnstone::crdt;

TEST_CASE("json-merge: fields that only one side has are kept") {
  CHECK(merged("json-merge", {R"({"name":"Ann"})", R"({"mail":"a@b"})"}) == R"({"mail":"a@b","name":"Ann"})");
}

TEST_CASE("json-merge: of a field that differs the latest is shown, at any depth") {
  CHECK(merged("json-merge", {R"({"a":1,"in":{"x":1,"y":1}})", R"({"in":{"x":2,"z":3}})"}) ==
        R"({"a":1,"in":{"x":2,"y":1,"z":3}})");
}

TEST_CASE("json-merge: arrays that differ are united, one that nobody changed stays as it is") {
  CHECK(merged("json-merge", {R"({"t":["b","a"]})", R"({"t":["c","a"]})"}) == R"({"t":["a","b","c"]})");
  CHECK(merged("json-merge", {R"({"t":["b","a"],"x":1})", R"({"t":["b","a"],"x":2})"}) ==
        R"({"t":["b","a"],"x":2})");
}

TEST_CASE("json-merge: where kinds differ the latest decides which, and the others of its kind are merged") {
  CHECK(merged("json-merge", {R"({"a":1})", "null", R"({"b":2})"}) == R"({"a":1,"b":2})");
  CHECK(merged("json-merge", {R"({"a":1})", R"({"b":2})", "null"}) == "null");
  CHECK(merged("json-merge", {R"({"f":[1]})", R"({"f":{"x":1}})"}) == R"({"f":{"x":1}})");
  CHECK(merged("json-merge", {"1", "2"}) == "2");
}

TEST_CASE("json-merge: without a base what is absent was not removed") {
  CHECK(merged("json-merge", {R"({"a":1,"b":1})", R"({"a":2})"}) == R"({"a":2,"b":1})");
}

TEST_CASE("json-merge: with a base what is absent was removed, unless another changed it") {
  const std::string base = R"({"a":1,"b":1,"in":{"x":1}})";
  CHECK(merged("json-merge", {R"({"a":1,"in":{"x":1}})", R"({"a":2,"b":1,"in":{"x":1}})"}, base) ==
        R"({"a":2,"in":{"x":1}})");
  CHECK(merged("json-merge", {R"({"a":1,"in":{"x":1}})", R"({"a":1,"b":5,"in":{"x":1}})"}, base) ==
        R"({"a":1,"b":5,"in":{"x":1}})");
  CHECK(merged("json-merge", {R"({"a":1,"b":1,"in":{"x":1,"y":2}})", R"({"a":1,"b":1})"}, base) ==
        R"({"a":1,"b":1,"in":{"x":1,"y":2}})");
}

TEST_CASE("json-merge: with a base a field that only an earlier write changed is not undone by a later one") {
  CHECK(merged("json-merge", {R"({"a":2,"b":1})", R"({"a":1,"b":2})"}, R"({"a":1,"b":1})") ==
        R"({"a":2,"b":2})");
}

TEST_CASE("json-merge: with a base elements are removed from arrays, too") {
  CHECK(merged("json-merge", {R"(["milk","eggs"])", R"(["milk","bread","tea"])"}, R"(["milk","bread"])") ==
        R"(["eggs","milk","tea"])");
}

TEST_CASE("json-merge: a base of another kind, or that is no JSON, tells nothing of fields") {
  for (const char* base : {"none", "5", "[]"})
    CHECK(merged("json-merge", {R"({"a":1})", R"({"b":2})"}, base) == R"({"a":1,"b":2})");
}

TEST_CASE("json-merge: arrays of objects are merged by the member that tells them apart") {
  CHECK(
      merged("json-merge:id", {R"([{"id":2,"n":1},{"id":1,"n":1}])", R"([{"id":2,"n":5},{"id":3,"n":1}])"}) ==
      R"([{"id":1,"n":1},{"id":2,"n":5},{"id":3,"n":1}])");
  CHECK(merged("json-merge:id",
               {R"({"items":[{"id":"a","n":1,"gift":true}]})", R"({"items":[{"id":"a","n":2}]})"}) ==
        R"({"items":[{"gift":true,"id":"a","n":2}]})");
}

TEST_CASE("json-merge: with a base an element is removed by its member, unless another changed it") {
  const std::string base = R"([{"id":1,"n":1},{"id":2,"n":1}])";
  CHECK(merged("json-merge:id", {R"([{"id":2,"n":1}])", R"([{"id":1,"n":1},{"id":2,"n":7}])"}, base) ==
        R"([{"id":2,"n":7}])");
  CHECK(merged("json-merge:id", {R"([{"id":1,"n":9},{"id":2,"n":1}])", R"([{"id":2,"n":3}])"}, base) ==
        R"([{"id":1,"n":9},{"id":2,"n":3}])");
}

TEST_CASE("json-merge: an array whose elements the member does not tell apart is united") {
  CHECK(merged("json-merge:id", {R"([{"id":1,"n":1},{"id":1,"n":2}])", R"([{"id":1,"n":3}])"}) ==
        R"([{"id":1,"n":1},{"id":1,"n":2},{"id":1,"n":3}])");
  CHECK(merged("json-merge:id", {R"([{"id":1}, 5])", R"([{"id":1}])"}) == R"([5,{"id":1}])");
}

TEST_CASE("json-merge: what is no JSON is refused, and named") {
  CHECK(merged("json-merge", {"{}", "{a}"}) == "merge_failed: \"{a}\": it is no JSON: wrong at byte 2");
  CHECK(merged("json-merge", {"{}", ""}) == "merge_failed: \"\": it is no JSON: wrong at byte 1");
}
