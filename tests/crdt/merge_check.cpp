// The check finds wrong merge functions, each with a smallest case, and passes right ones.
#include "crdt/merge/check.hpp"

#include <fmt/format.h>

#include <fstream>
#include <functional>
#include <sstream>

#include "crdt/merge/document.hpp"
#include "crdt/merge/lua_function.hpp"
#include "tests/crdt/merging.hpp"

using namespace turnstone;
using namespace turnstone::crdt;

namespace {

using Values = std::vector<std::string>;

class Native : public MergeFunction {
 public:
  explicit Native(std::function<std::string(const Siblings&)> body) : body_(std::move(body)) {}
  Result<std::string> merge(const Siblings& siblings) const override { return body_(siblings); }

 private:
  std::function<std::string(const Siblings&)> body_;
};

MakeMergeFunction lua(std::string source) {
  return [source] { return compile_lua("f", source); };
}

MakeMergeFunction lua_json(std::string_view body) {
  return lua(fmt::format("return {{ values = 'json', merge = function(s) {} end }}", body));
}

MakeMergeFunction native(std::function<std::string(const Siblings&)> body) {
  return [body] { return std::make_unique<Native>(body); };
}

MergeCheck of(GeneratedValues values, std::vector<Values> samples = {}) {
  return {values, std::move(samples), 1, 400};
}

std::vector<MergeFinding> findings(const MakeMergeFunction& make, const MergeCheck& check) {
  auto made = make();
  INFO((made ? std::string() : made.error().message));
  REQUIRE(made);
  return check_merge(make, check);
}

MergeFinding found(MergeLaw law, const MakeMergeFunction& make, const MergeCheck& check) {
  std::string laws;
  for (const MergeFinding& each : findings(make, check)) {
    if (each.law == law) return each;
    laws += std::string(name(each.law)) + " ";
  }
  FAIL("not found: " << name(law) << ", but: " << laws);
  return {};
}

void passes(const MakeMergeFunction& make, const MergeCheck& check) {
  for (const MergeFinding& each : findings(make, check)) {
    std::string values;
    for (const std::string& value : each.siblings.values) values += " " + value.substr(0, 60);
    if (each.siblings.base) values += " base " + *each.siblings.base;
    INFO(name(each.law) << ":" << values << ": " << each.what);
    CHECK(each.warning);
  }
}

std::string example(const std::string& name) {
  std::ifstream file(TURNSTONE_SOURCE_DIR "/examples/merges/" + name + ".lua");
  std::ostringstream source;
  source << file.rdbuf();
  return source.str();
}

}  // namespace

TEST_CASE("check: finds a function that mixes the order of writing into its result") {
  const auto finding = found(MergeLaw::order, lua_json(R"(
    local all = array()
    for _, each in ipairs(s) do for _, element in ipairs(each.value) do
      local known = false
      for _, there in ipairs(all) do known = known or there == element end
      if not known then table.insert(all, element) end
    end end
    return all)"),
                             of(GeneratedValues::json, {{"[1,2]", "[3,1]", "[4]"}}));
  CHECK(finding.siblings.values.size() == 2);
  CHECK_THAT(finding.what, Catch::Contains("written in the order"));
  for (const std::string& value : finding.siblings.values) CHECK(value.size() <= 3);
}

TEST_CASE("check: finds a function that counts equal values twice, and one whose result does not stay") {
  const auto twice =
      found(MergeLaw::equal,
            lua("return function(s) local n = 0 for _, each in ipairs(s) do n = n + tonumber(each.value) end "
                "return math.tointeger(n) or n end"),
            of(GeneratedValues::numbers));
  CHECK(twice.siblings.values.size() == 2);
  CHECK(twice.what == "of 1 and 1 it makes 2");
  const auto wraps =
      found(MergeLaw::idempotent, lua("return function(s) return '<' .. s[#s].value .. '>' end"),
            of(GeneratedValues::text));
  CHECK(wraps.what == "it gives <a>; that, merged with itself, gives <<a>>");
}

TEST_CASE("check: finds a function that answers by chance") {
  // As a function would that looks at a clock, at an address or at what it was asked before.
  int calls = 0;
  const auto finding =
      found(MergeLaw::deterministic, native([&calls](const Siblings& siblings) {
              return std::string(siblings.all[static_cast<std::size_t>(++calls % 3 == 0)].value);
            }),
            of(GeneratedValues::text));
  CHECK(finding.siblings.values.size() == 2);
  CHECK_THAT(finding.what, Catch::Contains("and at another time"));
}

TEST_CASE("check: finds a function that does not end, with the values that make it loop") {
  const auto finding =
      found(MergeLaw::total,
            lua("return function(s)\n  while #s[1].value == #s[2].value do end\n  return s[1].value\nend"),
            of(GeneratedValues::text));
  CHECK(finding.siblings.values.size() == 2);
  CHECK(finding.siblings.values[0].size() == 1);
  CHECK_THAT(finding.what, Catch::Contains("f:2: it takes more than 1000000 instructions"));
}

TEST_CASE("check: finds a function whose result grows for ever") {
  const auto finding =
      found(MergeLaw::bounded, lua("return function(s) return s[2].value .. s[1].value .. ',' end"),
            of(GeneratedValues::text));
  CHECK_THAT(finding.what, Catch::Contains("it grows each time") || Catch::Contains("bytes it makes"));
}

TEST_CASE("check: finds a function that fails for an empty value") {
  const auto finding = found(MergeLaw::total,
                             lua("return function(s)\n  local best = s[1]\n  for _, each in ipairs(s) do\n"
                                 "    if each.value:byte() > best.value:byte() then best = each end\n"
                                 "  end\n  return best.value\nend"),
                             of(GeneratedValues::text));
  CHECK(finding.siblings.values.size() == 2);
  CHECK((finding.siblings.values[0].empty() || finding.siblings.values[1].empty()));
  CHECK(finding.what.starts_with("it gives no value: f:4: attempt to compare"));
}

TEST_CASE("check: finds a function that loses a field") {
  const auto finding = found(MergeLaw::fields, lua_json(R"(
    local merged = object()
    for _, each in ipairs(s) do for _, field in ipairs({"a", "b"}) do
      if kind(each.value) == "object" and each.value[field] ~= nil then merged[field] = each.value[field] end
    end end
    return merged)"),
                             of(GeneratedValues::json));
  CHECK(finding.siblings.values.size() == 2);
  CHECK_THAT(finding.what, Catch::Contains("without the field \"c\""));
}

TEST_CASE("check: finds NaN") {
  const auto by_total =
      found(MergeLaw::total,
            lua("return function(s) local a, b = tonumber(s[1].value), tonumber(s[2].value) "
                "return (a + b) / (a * b) end"),
            of(GeneratedValues::numbers));
  CHECK(by_total.what == "it gives no value: f: the result is NaN or infinity");
  CHECK((by_total.siblings.values[0] == "0" || by_total.siblings.values[1] == "0"));
  const auto by_text = found(MergeLaw::number, native([](const Siblings& siblings) {
                               return siblings.all[0].value == "0" ? std::string("nan") : std::string("1");
                             }),
                             of(GeneratedValues::numbers));
  CHECK(by_text.siblings.values == Values{"0", "1"});
}

TEST_CASE("check: finds a function that writes to its input") {
  const auto finding = found(MergeLaw::input, native([](const Siblings& siblings) {
                               std::string result(siblings.all[0].value);
                               if (!result.empty()) const_cast<char*>(siblings.all[0].value.data())[0] = 'X';
                               return result;
                             }),
                             of(GeneratedValues::text));
  CHECK_THAT(finding.what, Catch::StartsWith("it writes to its input, which is then X"));
}

TEST_CASE("check: finds a function that is decided by what the authors are called") {
  const auto finding =
      found(MergeLaw::authors,
            lua("return function(s) local best = s[1] for _, each in ipairs(s) do "
                "if each.author < best.author then best = each end end return best.value end"),
            of(GeneratedValues::text));
  CHECK(finding.siblings.values.size() == 2);
  CHECK_THAT(finding.what, Catch::Contains("with authors of other names"));
}

TEST_CASE("check: passes the built-ins") {
  for (const char* spec : {"lww", "siblings", "longest", "max", "min"}) {
    INFO(spec);
    passes([spec] { return make_builtin(spec); }, of(GeneratedValues::text));
    passes([spec] { return make_builtin(spec); }, of(GeneratedValues::numbers));
  }
  for (const char* spec : {"lww", "union", "json-merge", "json-merge:a"}) {
    INFO(spec);
    passes([spec] { return make_builtin(spec); }, of(GeneratedValues::json));
  }
}

TEST_CASE("check: says of sum that equal values count twice") {
  const auto finding = found(
      MergeLaw::equal, [] { return make_builtin("sum"); }, of(GeneratedValues::numbers));
  CHECK(finding.what == "of 1 and 1 it makes 2");
}

TEST_CASE("check: passes right functions in Lua") {
  passes(lua("return function(s) return s[#s].value end"), of(GeneratedValues::text));
  passes(lua(example("longest_text")), of(GeneratedValues::text));
  passes(lua("return { values = 'msgpack', merge = function(s) return s[#s].value end }"),
         of(GeneratedValues::msgpack));
  passes(lua("return function(s) local best = s[1].value for _, each in ipairs(s) do if each.value < best "
             "then best = "
             "each.value end end return best end"),
         of(GeneratedValues::text));
  passes(lua(example("cart")),
         of(GeneratedValues::json, {{R"({"milk":2,"eggs":1})", R"({"milk":1})", R"({"tea":4})"}}));
  passes(
      lua(example("profile")),
      of(GeneratedValues::json, {{R"({"name":"Ann","addresses":["a","b"],"visits":7})",
                                  R"({"name":"Bob","visits":9})", R"({"addresses":["c"],"mail":"a@b"})"}}));
  passes(lua(example("highest_bid")),
         of(GeneratedValues::json,
            {{R"({"amount":5,"by":"a"})", R"({"amount":7,"by":"b"})", R"({"amount":7,"by":"c"})"}}));
}

TEST_CASE("check: given values are tried first, and generated ones have their shape") {
  const auto make = lua_json("return s[1].value.n + s[2].value.n");
  const auto total_of = [&](const MergeCheck& check) {
    for (const MergeFinding& each : findings(make, check)) {
      if (each.law == MergeLaw::total) return true;
    }
    return false;
  };
  CHECK(total_of(of(GeneratedValues::json)));
  CHECK_FALSE(total_of(of(GeneratedValues::json, {{R"({"n":1})", R"({"n":2,"m":0})"}})));
}

TEST_CASE("check: the same seed finds the same") {
  const auto make = lua("return function(s) return s[1].value .. s[2].value end");
  const auto once = findings(make, of(GeneratedValues::text));
  const auto again = findings(make, of(GeneratedValues::text));
  REQUIRE(once.size() == again.size());
  for (std::size_t i = 0; i < once.size(); ++i) {
    CHECK(once[i].siblings == again[i].siblings);
    CHECK(once[i].what == again[i].what);
  }
}
