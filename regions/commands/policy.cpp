// TS.POLICY and TS.MERGE: by which rule siblings become one value, and the functions in Lua that
// rules name (crdt/merge/merging.hpp).
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string>
#include <vector>

#include "crdt/merge/builtin.hpp"
#include "crdt/merge/lua_function.hpp"
#include "crdt/merge/rule.hpp"
#include "regions/commands/entries.hpp"
#include "regions/commands/handlers.hpp"
#include "regions/commands/help.hpp"
#include "regions/commands/leader_port.hpp"
#include "regions/commands/values.hpp"

namespace turnstone::commands {
namespace {

using crdt::Kind;

// A record in the system is for a person to read, and every write may have to look at all of them.
constexpr std::size_t policies_max = 1000;
constexpr std::size_t merges_max = 1000;
constexpr std::size_t pattern_bytes_max = 1024;

// The loaded functions: their rules, in the order of names and versions.
std::vector<std::string> loaded(const crdt::Keyspace& keyspace) {
  std::vector<std::string> rules;
  if (const crdt::Fields* merges = keyspace.cluster_fields(crdt::merges_key)) {
    for (const auto& [name, cell] : merges->map()) rules.push_back(name.field);
  }
  std::sort(rules.begin(), rules.end(), [](const std::string& a, const std::string& b) {
    const auto left = crdt::lua_version(a).value_or(crdt::LuaVersion{});
    const auto right = crdt::lua_version(b).value_or(crdt::LuaVersion{});
    return std::tie(left.name, left.version, a) < std::tie(right.name, right.version, b);
  });
  return rules;
}

// Those that "cart", "cart@2" or "cart@2#0f1e2d3c4b5a6978" means.
std::vector<std::string> loaded_as(const crdt::Keyspace& keyspace, std::string_view text) {
  std::vector<std::string> rules = loaded(keyspace);
  std::erase_if(rules, [&](const std::string& rule) {
    const auto version = crdt::lua_version(rule);
    return rule != text && crdt::without_hash(rule) != text && (!version || version->name != text);
  });
  return rules;
}

// The one that is meant: of a name alone the newest version. Answers the error.
std::optional<std::string> loaded_rule(Call& call, std::string_view text) {
  const std::vector<std::string> rules = loaded_as(call.replica.keyspace(), text);
  if (rules.empty()) {
    call.reply.error(fmt::format("ERR there is no merge function '{}'", text));
    return std::nullopt;
  }
  const std::string& newest = rules.back();
  std::vector<std::string> same;
  std::copy_if(rules.begin(), rules.end(), std::back_inserter(same), [&](const std::string& rule) {
    return crdt::without_hash(rule) == crdt::without_hash(newest);
  });
  if (same.size() == 1) return newest;
  call.reply.error(fmt::format("ERR '{}' was loaded in two regions at once: say which one, {}", text,
                               fmt::join(same, " or ")));
  return std::nullopt;
}

// What a policy is to say for what a person says. Answers the error.
std::optional<std::string> rule_argument(Call& call, std::string_view text) {
  if (crdt::native_name(text)) {
    const std::string rule(text);
    const auto function = call.leader.merging().function(rule);
    if (function) return rule;
    call.reply.error("ERR " + function.error().message);
    return std::nullopt;
  }
  if (!loaded_as(call.replica.keyspace(), text).empty()) return loaded_rule(call, text);
  const auto made = crdt::make_builtin(text);
  if (made) return std::string(text);
  call.reply.error("ERR " + made.error().message);
  return std::nullopt;
}

std::size_t fields_of(const crdt::Fields* fields) { return fields == nullptr ? 0 : fields->size(); }

// The policies whose function is this one.
std::vector<std::string> patterns_with(Call& call, std::string_view rule) {
  std::vector<std::string> patterns;
  for (const crdt::Policy& policy : call.leader.merging().policies()) {
    if (policy.rule == rule) patterns.push_back(policy.pattern);
  }
  return patterns;
}

const crdt::Cell* source_of(Call& call, std::string_view rule) {
  return call.replica.keyspace().find_cell(crdt::merges_key, Kind::cluster, rule);
}

void reply_function(Call& call, const std::string& rule, bool with_source) {
  const crdt::Row& row = *source_of(call, rule)->winner();
  const auto version = crdt::lua_version(rule).value_or(crdt::LuaVersion{});
  const auto function = call.leader.merging().function(rule);
  call.reply.map(with_source ? 8 : 7);
  entry(call, "rule", rule);
  entry(call, "name", version.name);
  entry(call, "version", version.version);
  entry(call, "region", call.replica.region_of(row.id.operation.origin));
  entry(call, "at_ms", hlc_ms(row.hlc));
  entry(call, "patterns", fmt::format("{}", fmt::join(patterns_with(call, rule), " ")));
  entry(call, "problem", function ? "" : function.error().message);
  if (with_source) entry(call, "source", row.value);
}

}  // namespace

namespace handle {

void ts_policy_set(Call& call, Args args) {
  if (args[2].empty() || args[2].size() > pattern_bytes_max)
    return call.reply.error(fmt::format("ERR a pattern has 1 to {} bytes", pattern_bytes_max));
  const auto rule = rule_argument(call, args[3]);
  if (!rule) return;
  const crdt::Fields* policies = call.replica.keyspace().cluster_fields(crdt::policies_key);
  const bool is_new = policies == nullptr || !policies->contains(args[2]);
  if (is_new && fields_of(policies) >= policies_max)
    return call.reply.error(fmt::format("ERR too many policies, policies_max is {}", policies_max));
  call.replica.apply(crdt::Put{crdt::policies_key, Kind::cluster, args[2], *rule});
  call.reply.bulk(*rule);
}

void ts_policy_unset(Call& call, Args args) {
  const bool is_there =
      call.replica.keyspace().find_cell(crdt::policies_key, Kind::cluster, args[2]) != nullptr;
  if (is_there) call.replica.apply(crdt::Remove{crdt::policies_key, Kind::cluster, args[2]});
  call.reply.integer(is_there ? 1 : 0);
}

void ts_policy_list(Call& call, Args) {
  const auto policies = call.leader.merging().policies();
  call.reply.array(policies.size());
  for (const crdt::Policy& policy : policies) {
    const crdt::Cell* cell =
        call.replica.keyspace().find_cell(crdt::policies_key, Kind::cluster, policy.pattern);
    call.reply.map(6);
    entry(call, "pattern", policy.pattern);
    entry(call, "rule", policy.rule);
    entry(call, "region", call.replica.region_of(policy.set_by.operation.origin));
    entry(call, "at_ms", hlc_ms(policy.hlc));
    entry(call, "siblings", static_cast<std::uint64_t>(cell->siblings().size()));
    entry(call, "problem", policy.problem.value_or(""));
  }
}

void ts_policy_which(Call& call, Args args) {
  const auto policy = call.leader.merging().policy_for(args[2]);
  call.reply.map(4);
  entry(call, "key", args[2]);
  entry(call, "rule", policy ? std::string_view(policy->rule) : crdt::default_rule);
  entry(call, "pattern", policy ? std::string_view(policy->pattern) : "");
  entry(call, "problem", policy ? policy->problem.value_or("") : "");
}

void ts_policy_help(Call& call, Args) { reply_help(call, "TS.POLICY", "ts.policy"); }

void ts_merge_load(Call& call, Args args) {
  const std::string_view name = args[2];
  if (!crdt::is_function_name(name))
    return call.reply.error("ERR a function's name has up to 64 lower-case letters, digits, - and _");
  if (crdt::make_builtin(name))
    return call.reply.error(fmt::format("ERR '{}' is built in: take another name", name));
  if (const auto compiled = crdt::compile_lua(name, args[3]); !compiled)
    return call.reply.error("ERR " + compiled.error().message);
  const crdt::Keyspace& keyspace = call.replica.keyspace();
  std::uint64_t version = 0;
  for (const std::string& rule : loaded_as(keyspace, name)) {
    const crdt::Row* row = source_of(call, rule)->winner();
    if (row->value == args[3]) return call.reply.bulk(rule);  // it is there already
    version = std::max(version, crdt::lua_version(rule)->version);
  }
  if (fields_of(keyspace.cluster_fields(crdt::merges_key)) >= merges_max)
    return call.reply.error(fmt::format("ERR too many merge functions, merges_max is {}", merges_max));
  const std::string rule = crdt::lua_rule(name, version + 1, args[3]);
  call.replica.apply(crdt::Put{crdt::merges_key, Kind::cluster, rule, args[3]});
  call.reply.bulk(rule);
}

void ts_merge_list(Call& call, Args) {
  const std::vector<std::string> rules = loaded(call.replica.keyspace());
  call.reply.array(rules.size());
  for (const std::string& rule : rules) reply_function(call, rule, false);
}

void ts_merge_show(Call& call, Args args) {
  if (const auto rule = loaded_rule(call, args[2])) reply_function(call, *rule, true);
}

void ts_merge_retire(Call& call, Args args) {
  const auto rule = loaded_rule(call, args[2]);
  if (!rule) return;
  if (const auto patterns = patterns_with(call, *rule); !patterns.empty()) {
    return call.reply.error(fmt::format("ERR {} is the rule of {}: give these another one first", *rule,
                                        fmt::join(patterns, ", ")));
  }
  call.replica.apply(crdt::Remove{crdt::merges_key, Kind::cluster, *rule});
  call.reply.bulk(*rule);
}

void ts_merge_help(Call& call, Args) { reply_help(call, "TS.MERGE", "ts.merge"); }

}  // namespace handle
}  // namespace turnstone::commands
