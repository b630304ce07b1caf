#pragma once
// The text of a rule, as policies, the audit and people name it (crdt/merge/merging.hpp).
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace turnstone::crdt {

struct LuaVersion {
  std::string_view name;
  std::uint64_t version = 0;
  std::string_view hash;  // sixteen hex digits, of the source
};

// What stands behind "native:"; nothing when it is no native function's.
std::optional<std::string_view> native_name(std::string_view rule);
// Nothing when it is no name@version#hash.
std::optional<LuaVersion> lua_version(std::string_view rule);
std::string lua_rule(std::string_view name, std::uint64_t version, std::string_view source);
// Lower-case letters, digits, - and _, and not too many.
bool is_function_name(std::string_view name);
// What people call it: "cart@2" for "cart@2#0f1e2d3c4b5a6978".
std::string_view without_hash(std::string_view rule);

}  // namespace turnstone::crdt
