#pragma once
// The merge functions that every leader has.
#include <memory>
#include <span>
#include <string_view>

#include "core/error.hpp"
#include "crdt/merge/function.hpp"

namespace turnstone::crdt {

struct Builtin {
  std::string_view name;  // as it is given: "json-merge"; "json-merge:MEMBER" with a parameter
  std::string_view help;  // one line
};

// In the order in which help shows them.
std::span<const Builtin> builtins();

// By name, with its parameter if it takes one: "union", "json-merge:id". Errors: config, with the
// names there are.
Result<std::unique_ptr<MergeFunction>> make_builtin(std::string_view spec);

}  // namespace turnstone::crdt
