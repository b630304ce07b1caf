#include "crdt/merge/rule.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "core/hash.hpp"

namespace turnstone::crdt {
namespace {

constexpr std::string_view native_prefix = "native:";
constexpr std::size_t name_bytes_max = 64;
constexpr std::size_t hash_digits = 16;

}  // namespace

std::optional<std::string_view> native_name(std::string_view rule) {
  if (!rule.starts_with(native_prefix)) return std::nullopt;
  return rule.substr(native_prefix.size());
}

std::optional<LuaVersion> lua_version(std::string_view rule) {
  const std::size_t at = rule.find('@');
  const std::size_t sharp = rule.find('#');
  if (at == std::string_view::npos || sharp == std::string_view::npos || sharp < at) return std::nullopt;
  LuaVersion found{rule.substr(0, at), 0, rule.substr(sharp + 1)};
  const std::string_view digits = rule.substr(at + 1, sharp - at - 1);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), found.version);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  if (!is_function_name(found.name) || found.hash.size() != hash_digits) return std::nullopt;
  return found;
}

std::string lua_rule(std::string_view name, std::uint64_t version, std::string_view source) {
  return fmt::format("{}@{}#{:016x}", name, version, hash64(source));
}

bool is_function_name(std::string_view name) {
  const auto is_allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  };
  return !name.empty() && name.size() <= name_bytes_max && std::all_of(name.begin(), name.end(), is_allowed);
}

std::string_view without_hash(std::string_view rule) {
  return lua_version(rule) ? rule.substr(0, rule.find('#')) : rule;
}

}  // namespace turnstone::crdt
