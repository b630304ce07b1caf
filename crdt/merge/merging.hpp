#pragma once
// What readers see: siblings through the policies, which are the cluster's own data. A policy says
// for the keys of a pattern by which rule siblings become one value; the longest pattern that
// matches counts (in bytes; of two, the first by byte order). A change counts from the moment at
// which its delta is applied: on each leader by itself, and without a restart.
//
// Policies are fields of the cluster key "policies": pattern -> rule. Functions in Lua are fields
// of "merges": rule -> source. A rule is
//   union, json-merge:id ...     built in (crdt/merge/builtin.hpp)
//   cart@2#0f1e2d3c4b5a6978      a function in Lua: its name, its version, the hash of its source
//   native:price@1               of a plug-in or of an embedding program (crdt/merge/native.hpp)
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "crdt/keyspace.hpp"
#include "crdt/merge/function.hpp"

namespace turnstone::crdt {

inline constexpr std::string_view policies_key = "policies";
inline constexpr std::string_view merges_key = "merges";
inline constexpr std::string_view default_rule = "lww";
// Of one merged value. A function that gives more has failed.
inline constexpr std::size_t merged_bytes_max = 16u * 1024 * 1024;

// Where a cell is.
struct Place {
  std::string_view key;
  Kind kind = Kind::string;
  std::string_view field = {};
};

// A function gave no value: readers see what the default shows.
struct MergeFailure {
  CellName name;
  std::string rule;
  std::string reason;
  // The oldest and the newest sibling.
  Row first;
  Row second;
};

struct Policy {
  std::string pattern;
  std::string rule;
  // Who set it.
  RowId set_by;
  Hlc hlc = 0;
  // Why its function cannot be had here; nothing when it can.
  std::optional<std::string> problem;
};

// One thread. Reads the keyspace that it was made for, and changes nothing in it.
class Merging {
 public:
  // `native` finds functions of this process by what stands behind "native:"; may be empty.
  using FindNative = std::function<std::shared_ptr<const MergeFunction>(std::string_view name)>;
  explicit Merging(const Keyspace& keyspace, FindNative native = {});

  // What a reader sees of a cell: what Cell::shown says, but of its siblings the rule's choice.
  // Points into the cell or into `scratch`.
  std::string_view shown(const Place& place, const Cell& cell, std::string& scratch) const;
  // False: no write takes along what it replaces.
  bool some_want_base() const {
    refresh();
    return some_want_base_;
  }
  // What a write over the cell takes along, in `scratch`; nothing where the policy does not want it.
  std::optional<Base> base_for(const Place& place, const Cell& cell, std::string& scratch) const;

  // The rule for a key, and the pattern that says so (empty: none does).
  std::string rule_for(std::string_view key) const;
  std::optional<Policy> policy_for(std::string_view key) const;
  // By pattern.
  std::vector<Policy> policies() const;
  // Errors: config, why there is no such function, or merge_failed, why it cannot be used.
  Result<std::shared_ptr<const MergeFunction>> function(const std::string& rule) const;

  // Told of each set of siblings whose function failed, once.
  void on_failure(std::function<void(const MergeFailure&)> sink) { failed_ = std::move(sink); }
  std::uint64_t calls() const { return calls_; }
  std::uint64_t failures() const { return failures_; }

 private:
  struct Parsed {
    Policy policy;
    std::shared_ptr<const MergeFunction> function;  // null: the default
    bool wants_base = false;
  };
  void refresh() const;
  const Parsed* find(std::string_view key) const;
  std::optional<std::string> merged(const Parsed& parsed, const Place& place, const Cell& cell) const;
  void fail(const Parsed& parsed, const Place& place, const Cell& cell, std::string reason) const;

  const Keyspace& keyspace_;
  FindNative native_;
  std::function<void(const MergeFailure&)> failed_;
  // Made anew when the cluster's data have changed.
  mutable std::optional<std::uint64_t> revision_;
  mutable std::vector<Parsed> parsed_;  // the one that counts first
  mutable bool some_want_base_ = false;
  mutable std::map<std::string, std::shared_ptr<const MergeFunction>, std::less<>> functions_;
  // Siblings under a rule whose function failed for them: it is not called for these again.
  mutable std::set<Hash128> known_failures_;
  mutable std::uint64_t calls_ = 0;
  mutable std::uint64_t failures_ = 0;
};

}  // namespace turnstone::crdt
