// Merge functions in Lua: what they are given, what they can reach, where they end.
#include "crdt/merge/lua_function.hpp"

#include <fmt/format.h>

#include <clocale>

#include "crdt/merge/document.hpp"
#include "tests/crdt/merging.hpp"

using namespace turnstone;
using namespace turnstone::crdt;

namespace {

using Values = std::vector<std::string>;

std::unique_ptr<MergeFunction> lua(std::string_view source) {
  auto function = compile_lua("f", source);
  INFO((function ? std::string() : function.error().message));
  REQUIRE(function);
  return *std::move(function);
}

std::string merged_by(std::string_view source, const Values& values = {"a", "b"},
                      const std::optional<std::string>& base = std::nullopt) {
  return merged(*lua(source), values, base);
}

std::string json_by(std::string_view body, const Values& values,
                    const std::optional<std::string>& base = {}) {
  return merged_by(
      fmt::format("return {{ values = 'json', three_way = true, merge = function(s, base) {} end }}", body),
      values, base);
}

// What an expression is, as text.
std::string eval(std::string_view expression) {
  return merged_by(fmt::format("return function(s) return tostring({}) end", expression));
}

std::string refused(std::string_view source) {
  const auto function = compile_lua("f", source);
  REQUIRE(!function);
  CHECK(function.error().code == Errc::config);
  return function.error().message;
}

}  // namespace

TEST_CASE("lua: a function is given values, clocks in milliseconds and authors, oldest first") {
  CHECK(merged_by("return function(s) return s[#s].value end") == "b");
  CHECK(merged_by("return function(s) return s[1].value .. ' ' .. s[1].clock .. ' ' .. s[1].author end") ==
        "a 0 0000000000000007:1");
  const auto function = lua("return function(s) return s[2].clock - s[1].clock end");
  const Values values{"a", "b"};
  Siblings siblings = siblings_of(values);
  siblings.all[0].hlc = hlc_from_ms(1'700'000'000'000);
  siblings.all[1].hlc = hlc_from_ms(1'700'000'000'250) + 7;
  CHECK(function->merge(siblings) == "250");
}

TEST_CASE("lua: text is bytes, numbers have their exact text") {
  CHECK(merged_by("return function(s) return s[1].value .. s[2].value end", {std::string("\0\xff", 2), ""}) ==
        std::string("\0\xff", 2));
  CHECK(merged_by("return function() return 9223372036854775807 end") == "9223372036854775807");
  CHECK(merged_by("return function() return 0.1 + 0.2 end") == "0.30000000000000004");
  CHECK(merged_by("return function() return 0/0 end") == "merge_failed: f: the result is NaN or infinity");
  CHECK(merged_by("return function() return {} end") == "merge_failed: f: the result is a table, not text");
  CHECK(merged_by("return function() end") == "merge_failed: f: the function returns nothing");
}

TEST_CASE("lua: JSON comes back as it was: empty arrays and objects, null, integers of 64 bits") {
  const std::string all = R"({"a":[],"b":{},"c":null,"d":[null,false,1.5],"e":9223372036854775807,"f":""})";
  CHECK(json_by("return s[1].value", {all, "{}"}) == all);
  CHECK(json_by("return s[1].value.c == null and kind(s[1].value.a) .. kind(s[1].value.b)", {all, "{}"}) ==
        "\"arrayobject\"");
  CHECK(json_by("return array{s[1].value, 2.0}", {"1", "2"}) == "[1,2]");
  CHECK(json_by("return {z = 1, a = {1}}", {"1", "2"}) == R"({"a":[1],"z":1})");
}

TEST_CASE("lua: MessagePack comes back as it was, binary and doubles too") {
  const std::string packed(
      "\x83\xa1"
      "b\xc4\x02\x00\xff\xa1"
      "d\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00\xa1"
      "t\xa1x",
      22);
  const std::string source = "return { values = 'msgpack', merge = function(s) return s[1].value end }";
  CHECK(merged_by(source, {packed, "\x01"}) == packed);
  CHECK(merged_by("return { values = 'msgpack', merge = function(s) return binary(s[1].value) end }",
                  {"\xa1x", "\x01"}) == std::string("\xc4\x01x"));
}

TEST_CASE("lua: what cannot be encoded is an error, never a guess") {
  CHECK(json_by("return {}", {"1", "2"}) ==
        "merge_failed: f: the result has an empty table: array() or object() tells which it is");
  const std::string keys =
      "merge_failed: f: the result has a table whose keys are neither 1, 2, 3 ... nor all text";
  CHECK(json_by("return {1, a = 2}", {"1", "2"}) == keys);
  CHECK(json_by("return object{1}", {"1", "2"}) == keys);
  CHECK(json_by("return {[1.5] = 2}", {"1", "2"}) == keys);
  CHECK(json_by("return {[1] = 1, [3] = 2}", {"1", "2"}) ==
        "merge_failed: f: the result has an array with holes");
  CHECK(json_by("return {1, 0/0}", {"1", "2"}) == "merge_failed: f: JSON has no NaN");
  CHECK(json_by("return '\\xff'", {"1", "2"}) == "merge_failed: f: JSON has no text that is not UTF-8");
  CHECK(json_by("return print", {"1", "2"}) == "merge_failed: f: the function returns nothing");
  CHECK(json_by("return pairs", {"1", "2"}) == "merge_failed: f: the result holds a function");
  CHECK(json_by("local t = {} t[1] = t t[2] = t return t", {"1", "2"}) ==
        "merge_failed: f: the result is nested more than 64 levels deep, or is in itself");
  CHECK(json_by("return 1", {"1", "x"}) ==
        "merge_failed: f: siblings[2].value: it is no JSON: wrong at byte 1");
  CHECK(json_by("return 1", {"1", "18446744073709551615"}) ==
        "merge_failed: f: the integer 18446744073709551615 does not fit into 63 bits and a sign");
}

TEST_CASE(
    "lua: a function that asks for a base is given it, decoded; nil where there is none or it is another "
    "kind") {
  CHECK(json_by("return kind(base)", {"1", "2"}, "{}") == "\"object\"");
  CHECK(json_by("return kind(base)", {"1", "2"}) == "\"nil\"");
  CHECK(json_by("return kind(base)", {"1", "2"}, "no JSON") == "\"nil\"");
  CHECK(merged_by("return function(s, base) return kind(base) end", {"a", "b"}, "c") == "nil");
  CHECK_FALSE(lua("return function() end")->wants_base());
  CHECK(lua("return { three_way = true, merge = function() end }")->wants_base());
}

TEST_CASE("lua: tables are walked in the order of their keys") {
  CHECK(merged_by(R"(return function()
    local t, seen = {b = 1, [2] = 1, a = 1, [1.5] = 1, [true] = 1, [1] = 1, [false] = 1, aa = 1}, {}
    for key in pairs(t) do seen[#seen + 1] = tostring(key) end
    return table.concat(seen, " ")
  end)") == "1 1.5 2 a aa b false true");
  CHECK(merged_by(R"(return function()
    local t, seen = {a = 1, b = 1, c = 1}, ""
    for key in pairs(t) do seen = seen .. key; t.b = nil; t.d = 1 end
    return seen
  end)") == "ac");
  CHECK(merged_by("return function() for k in pairs({[{}] = 1}) do end end") ==
        "merge_failed: f:1: pairs: a table as a key has no order");
}

TEST_CASE("lua: nothing is within reach that differs between processes or leads outside") {
  for (const char* gone : {"next",
                           "pcall",
                           "xpcall",
                           "load",
                           "loadstring",
                           "dofile",
                           "require",
                           "rawget",
                           "rawset",
                           "rawequal",
                           "rawlen",
                           "setmetatable",
                           "getmetatable",
                           "collectgarbage",
                           "print",
                           "io",
                           "os",
                           "debug",
                           "coroutine",
                           "package",
                           "utf8",
                           "_G",
                           "_VERSION",
                           "string.format",
                           "string.gsub",
                           "string.gmatch",
                           "string.match",
                           "string.dump",
                           "string.pack",
                           "math.random",
                           "math.randomseed",
                           "math.sin",
                           "math.exp",
                           "math.log",
                           "math.pi",
                           "math.huge",
                           "table.move",
                           "table.pack",
                           "('').format",
                           "('').gsub",
                           "string.rep.x and 1"}) {
    INFO(gone);
    if (std::string_view(gone) != "string.rep.x and 1") CHECK(eval(gone) == "nil");
  }
  CHECK(eval("{}") == "merge_failed: f:1: tostring: a table has no text");
  CHECK(eval("pairs") == "merge_failed: f:1: tostring: a function has no text");
  CHECK(eval("0/0") == "merge_failed: f:1: tostring: NaN has no text");
  CHECK(eval("'1' + 1") ==
        "merge_failed: f:1: attempt to perform arithmetic on a string value (constant '1')");
  CHECK(refused(std::string("\x1bLua")).find("attempt to load a binary chunk") != std::string::npos);
}

TEST_CASE("lua: the operator ^ is refused with its line, in text and comments it is none") {
  CHECK(refused("-- ^\nlocal s = '^\\'^' .. \"^\" .. [[^\n]] .. [==[ ]] ^ ]==] --[[ ^\n]]\nreturn function() "
                "return 2^3 end") ==
        "f:5: ^ is not available: it is not exactly the same on every machine; multiply");
  CHECK(merged_by("-- ^\nreturn function() return '^' .. [=[^]=] --[[ ^\n]] end") == "^^");
}

TEST_CASE("lua: what scripts share cannot be changed") {
  CHECK(refused("x = 1 return function() end") ==
        "f:1: 'x' cannot be set: only what is local can (nothing outlives a call)");
  for (const char* write : {"string.x = 1", "math.abs = nil", "table.insert(table, 1)", "array(string)",
                            "object(math)", "table.sort(table)", "pairs = nil"}) {
    INFO(write);
    const std::string first = merged_by(fmt::format("return function() {} return kind(string.x) end", write));
    if (first != "nil") CHECK_THAT(first, Catch::StartsWith("merge_failed: f:1: "));
    CHECK(eval("string.x") == "nil");
  }
}

TEST_CASE("lua: nothing outlives a call, not the script's own local variables, nor its environment") {
  const Values values{"a", "b"};
  const Siblings siblings = siblings_of(values);
  for (const char* source :
       {"local calls = 0 return function() calls = calls + 1 return calls end",
        "local t = {} return function() t[#t + 1] = 1 return #t end",
        "if not calls then _ENV = {calls = 0, pairs = pairs} end return function() calls = calls + 1 return "
        "calls end",
        "return function(s) s[1].value = s[1].value .. 'x' s.n = (s.n or 0) + 1 return s.n end"}) {
    INFO(source);
    const auto function = lua(source);
    for (int i = 0; i < 3; ++i) CHECK(function->merge(siblings) == "1");
  }
}

TEST_CASE("lua: instructions are limited, also those of the library") {
  const std::string failed = "it takes more than 1000000 instructions";
  for (const char* body :
       {"while true do end", "return f()", "for i = 1, 1e9 do end",
        "local t = {} for i = 1, 1e6 do table.insert(t, 1, i) end",
        "local t = {} for i = 1, 1e5 do t[i] = i end for i = 1, 1e5 do for k in pairs(t) do break end end",
        "local t = {} for i = 1, 1e5 do t[i] = i % 7 end table.sort(t)",
        "local s = string.rep('a', 1e7) for i = 1, 1e6 do local b = s < s .. '' end",
        "local s = string.rep('a', 1e6) for i = 1, 1e6 do s:find('b') end",
        "string.rep('', 1e15) while true do end", "while not error_is_swallowed do end"}) {
    INFO(body);
    const std::string result = merged_by(
        fmt::format("local function f() local x = 1 return f() end return function(s) {} end", body));
    CHECK_THAT(result, Catch::Contains(failed) || Catch::Contains("MiB of memory"));
    CHECK_THAT(result, Catch::StartsWith("merge_failed: f"));
  }
}

TEST_CASE("lua: memory is limited, whatever is let go meanwhile") {
  for (const char* body :
       {"local s = 'x' while true do s = s .. s end", "return string.rep('x', 1e9)",
        "for i = 1, 1e5 do local s = string.rep('x', 1000) .. i end",
        "local t = {} for i = 1, 1e4 do t[i] = string.rep('x', 1e4) end return table.concat(t)"}) {
    INFO(body);
    const std::string result = merged_by(fmt::format("return function(s) {} end", body));
    CHECK_THAT(result, Catch::Contains("64 MiB of memory") || Catch::Contains("the result is too large"));
  }
  CHECK(merged_by("return function() return string.rep('x', 17 * 1024 * 1024) end") ==
        "merge_failed: f: the result is larger than 16777216 bytes");
}

TEST_CASE("lua: deep recursion ends, and the function can be called again") {
  const auto function =
      lua("local function f(n) return 1 + f(n + 1) end return function(s) return s[1].value == 'deep' and "
          "f(1) or 'fine' end");
  CHECK_THAT(merged(*function, {"deep", "x"}),
             Catch::Contains("stack overflow") || Catch::Contains("instructions"));
  CHECK(merged(*function, {"x", "y"}) == "fine");
  CHECK_THAT(refused("return " + std::string(1000, '{') + std::string(1000, '}')),
             Catch::Contains("f: C stack overflow"));
}

TEST_CASE("lua: errors name the line of the script, also those of the library") {
  CHECK(merged_by("return function(s)\n  local x = nil\n  return x.y\nend") ==
        "merge_failed: f:3: attempt to index a nil value (local 'x')");
  CHECK(merged_by("return function(s)\n\n  error('these differ')\nend") == "merge_failed: f:3: these differ");
  CHECK(merged_by("return function(s)\n  table.sort({1, 'a'})\nend") ==
        "merge_failed: f:2: attempt to compare string with number");
  CHECK(merged_by("return function(s) error({}) end") == "merge_failed: f: an error that is no text");
  CHECK(merged_by("return function(s)\n  return os.time()\nend") ==
        "merge_failed: f:2: attempt to index a nil value (global 'os')");
  CHECK_THAT(refused("return function("), Catch::StartsWith("f:1: "));
  CHECK(refused("return 5") == "f: the script returns no function, nor a table with the function merge");
  CHECK(refused("return {}") == "f: merge is no function");
  CHECK(refused("return { merge = function() end, value = 'json' }") ==
        "f: the table that is returned has merge, values and three_way, and nothing else");
  CHECK(refused("return { merge = function() end, values = 'xml' }") ==
        "f: values is \"text\", \"json\" or \"msgpack\"");
  CHECK(refused("return { merge = function() end, three_way = 1 }") == "f: three_way is true or false");
  CHECK(refused("while true do end") == "f:1: it takes more than 1000000 instructions");
  CHECK(refused(std::string(lua_source_bytes_max + 1, ' ')) == "f: the script is larger than 65536 bytes");
}

TEST_CASE("lua: the library does what it says") {
  CHECK(eval("('abcabc'):find('ca')") == "3");
  CHECK(eval("('abcabc'):find('a', 2)") == "4");
  CHECK(eval("('abcabc'):find('a', -3)") == "4");
  CHECK(eval("('abc'):find('.')") == "nil");
  CHECK(eval("('abc'):find('', 4)") == "4");
  CHECK(eval("('abc'):find('a', 9)") == "nil");
  CHECK(eval("('ab'):rep(3, '-')") == "ab-ab-ab");
  CHECK(eval("('ab'):upper():reverse():sub(1, 1):byte()") == "66");
  CHECK(eval("table.concat({1, 'a', 2.5}, ',')") == "1,a,2.5");
  CHECK(eval("table.concat({1, 2, 3}, '', 2, 3)") == "23");
  CHECK(eval("select('#', table.unpack({1, 2, 3}))") == "3");
  CHECK(eval("math.max(1, 2.5)") == "2.5");
  CHECK(eval("math.sqrt(16)") == "4.0");
  CHECK(eval("tonumber('0x10') + tonumber('7')") == "23");
  CHECK(merged_by(R"(return function()
    local t = {5, 3, 8, 1, 9, 2}
    table.insert(t, 7) table.insert(t, 1, 6) table.remove(t, 3) table.remove(t)
    table.sort(t)
    local down = {3, 1, 2, 5, 4}
    table.sort(down, function(a, b) return a > b end)
    return table.concat(t, " ") .. " | " .. table.concat(down, " ")
  end)") == "1 2 5 6 8 9 | 5 4 3 2 1");
  CHECK(merged_by("return function() local t = {} for i = 1, 700 do t[i] = i * 7919 % 701 end table.sort(t) "
                  "for i = 1, 700 do assert(t[i] == i) end return 'sorted' end") == "sorted");
  CHECK(merged_by("return function() local t = {{1, 'a'}, {0, 'b'}, {1, 'c'}, {0, 'd'}} table.sort(t, "
                  "function(a, b) return a[1] < b[1] end) local s = '' for _, each in ipairs(t) do s = s .. "
                  "each[2] end return s end") == "bdac");
}

TEST_CASE("lua: the locale of the process changes nothing") {
  const Values before{eval("'a' < 'B'"), eval("1.5 .. ''"), eval("tonumber('1.5')"),
                      eval("('\\xe4'):upper()")};
  const char* name = std::setlocale(LC_ALL, "de_DE.UTF-8");
  if (name == nullptr) name = std::setlocale(LC_ALL, "C.UTF-8");
  CHECK(Values{eval("'a' < 'B'"), eval("1.5 .. ''"), eval("tonumber('1.5')"), eval("('\\xe4'):upper()")} ==
        before);
  std::setlocale(LC_ALL, "C");
}
