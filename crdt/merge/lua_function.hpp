#pragma once
// Merge functions in Lua 5.4, closed in: what a script can reach is the same in every process.
// Tables are walked in the order of their keys; there is no clock, no chance, no file, no pow,
// no pattern matching; nothing it does outlives the call. docs/merge.md is for its authors.
//
//   return function(siblings, base) return siblings[#siblings].value end
//
//   return { values = "json", three_way = true, merge = function(siblings, base) ... end }
//
// A sibling is { value = ..., clock = milliseconds, author = "origin:seq" }, oldest first.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/error.hpp"
#include "crdt/merge/function.hpp"

namespace turnstone::crdt {

inline constexpr std::size_t lua_source_bytes_max = 64u * 1024;
// Of one call. An instruction counts once more for every 16 KiB of the longest text in the call:
// one comparison may look at all of it.
inline constexpr std::uint64_t lua_instructions_max = 1'000'000;
// What one call allocates in all, the values of the siblings included.
inline constexpr std::size_t lua_bytes_max = 64u * 1024 * 1024;

// The name stands in errors. Errors: config, with the line: no Lua, the operator ^, a script that
// fails or does not return a merge function.
Result<std::unique_ptr<MergeFunction>> compile_lua(std::string_view name, std::string_view source);

}  // namespace turnstone::crdt
