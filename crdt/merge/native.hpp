#pragma once
// Merge functions that are part of this process: of an embedding program, or of a library that it
// has loaded. A policy names them, native:highest_bid@1; a leader that lacks one shows the default
// and says so.
//
//   add_native("highest_bid", "1", [](const Siblings& siblings) { return highest(siblings); });
//
// All are added before a leader starts; afterwards any thread may look them up.
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "crdt/merge/function.hpp"

namespace turnstone::crdt {

// Deterministic, bounded, one thread at a time, as MergeFunction says. An exception counts as a
// failure.
using NativeMerge = std::function<Result<std::string>(const Siblings&)>;

struct NativeOptions {
  bool wants_base = false;
  ValueFormat format = ValueFormat::text;
};

struct NativeName {
  std::string name;
  std::string version;
  friend auto operator<=>(const NativeName&, const NativeName&) = default;
};

// Names and versions are 1 to 64 characters of a-z, A-Z, 0-9, "_", "-" and ".". Errors: config,
// for other names and for one that is there already in this version.
Result<void> add_native(std::string_view name, std::string_view version, NativeMerge merge,
                        NativeOptions options = {});

// A new instance; null without such a function.
std::unique_ptr<MergeFunction> find_native(std::string_view name, std::string_view version);

// The same by "NAME@VERSION", as rules name them (crdt/merge/merging.hpp).
std::shared_ptr<const MergeFunction> find_native_rule(std::string_view name_and_version);

// Sorted.
std::vector<NativeName> natives();

}  // namespace turnstone::crdt
