#pragma once
// Siblings for merge functions: values oldest first, written by one leader each.
#include <optional>
#include <string>
#include <vector>

#include "crdt/merge/builtin.hpp"
#include "tests/catch.hpp"

namespace turnstone::crdt {

// The values and the base must outlive it.
inline Siblings siblings_of(const std::vector<std::string>& values,
                            const std::optional<std::string>& base = std::nullopt) {
  Siblings siblings;
  for (std::size_t i = 0; i < values.size(); ++i)
    siblings.all.push_back({values[i], 1'000 + i, {{Origin{7 + i}, 1}, 0}});
  if (base) siblings.base = *base;
  return siblings;
}

// The result, or "merge_failed: " and why.
inline std::string merged(const MergeFunction& function, const std::vector<std::string>& values,
                          const std::optional<std::string>& base = std::nullopt) {
  const auto result = function.merge(siblings_of(values, base));
  return result ? *result : std::string(name(result.error().code)) + ": " + result.error().message;
}

inline std::string merged(std::string_view builtin, const std::vector<std::string>& values,
                          const std::optional<std::string>& base = std::nullopt) {
  const auto function = make_builtin(builtin);
  REQUIRE(function);
  return merged(**function, values, base);
}

}  // namespace turnstone::crdt
