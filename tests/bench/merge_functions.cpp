// What one call of a merge function costs: built-ins beside the same in Lua.
//
//   merge_functions [CALLS]
#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <string>
#include <vector>

#include "crdt/merge/builtin.hpp"
#include "crdt/merge/lua_function.hpp"

using namespace turnstone;
using namespace turnstone::crdt;

namespace {

constexpr std::string_view latest = "return function(s) return s[#s].value end";
constexpr std::string_view united = R"(return { values = "json", merge = function(s)
  local seen, all = {}, array()
  for _, sibling in ipairs(s) do
    for _, element in ipairs(sibling.value) do
      if not seen[element] then all[#all + 1] = element end
      seen[element] = true
    end
  end
  table.sort(all)
  return all
end })";

void measure(std::string_view name, const MergeFunction& function, const std::vector<std::string>& values,
             int calls) {
  Siblings siblings;
  for (std::size_t i = 0; i < values.size(); ++i)
    siblings.all.push_back({values[i], 1000 + i, {{Origin{i}, 1}, 0}});
  std::size_t bytes = 0;
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < calls; ++i) bytes += function.merge(siblings)->size();
  const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - start;
  fmt::print("{:<28}{:>9.0f} ns per call\n", name, bytes == 0 ? 0 : took.count() / calls);
}

}  // namespace

int main(int argc, char** argv) {
  const int calls = argc > 1 ? std::atoi(argv[1]) : 20'000;
  const std::vector<std::string> texts{"the first value", "the second value"};
  const std::vector<std::string> lists{R"(["bread","eggs","milk"])", R"(["butter","eggs","tea"])"};
  const std::vector<std::string> objects{R"({"name":"Ann","mail":"a@b","visits":7})",
                                         R"({"name":"Anne","visits":8})"};
  measure("lww", **make_builtin("lww"), texts, calls);
  measure("lww in Lua", **compile_lua("latest", latest), texts, calls);
  measure("max", **make_builtin("max"), {"17", "18"}, calls);
  measure("union", **make_builtin("union"), lists, calls);
  measure("union in Lua", **compile_lua("united", united), lists, calls);
  measure("json-merge", **make_builtin("json-merge"), objects, calls);
}
