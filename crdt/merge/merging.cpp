#include "crdt/merge/merging.hpp"

#include <algorithm>
#include <utility>

#include "core/glob.hpp"
#include "crdt/merge/builtin.hpp"
#include "crdt/merge/lua_function.hpp"
#include "crdt/merge/rule.hpp"

namespace turnstone::crdt {
namespace {

constexpr std::size_t known_failures_max = 10'000;

// Oldest first, equal values once.
Siblings siblings_of(const Cell& cell) {
  Siblings siblings;
  for (const Row& row : cell.siblings()) siblings.all.push_back({row.value, row.hlc, row.id});
  const auto newer_first = [](const Sibling& a, const Sibling& b) {
    return wins_over(a.hlc, a.id, b.hlc, b.id);
  };
  std::sort(siblings.all.begin(), siblings.all.end(), newer_first);
  std::set<std::string_view> values;
  std::erase_if(siblings.all, [&](const Sibling& sibling) { return !values.insert(sibling.value).second; });
  std::reverse(siblings.all.begin(), siblings.all.end());
  if (const std::string* base = cell.base()) siblings.base = *base;
  return siblings;
}

Hash128 name_of(const std::string& rule, const Place& place, const Cell& cell) {
  std::string bytes;
  RecordWriter out(bytes);
  out.record(3).bytes(rule).bytes(place.key).bytes(place.field);
  return hash128(bytes + encode_cell(cell, CellPart::state));
}

}  // namespace

Merging::Merging(const Keyspace& keyspace, FindNative native)
    : keyspace_(keyspace), native_(std::move(native)) {}

Result<std::shared_ptr<const MergeFunction>> Merging::function(const std::string& rule) const {
  if (const auto known = functions_.find(rule); known != functions_.end()) return known->second;
  const auto remember = [&](std::shared_ptr<const MergeFunction> made) {
    functions_[rule] = made;
    return made;
  };
  if (const auto name = native_name(rule)) {
    auto found = native_ ? native_(*name) : nullptr;
    if (!found) {
      return turnstone::fail(Errc::config, "this leader has no native function '" + std::string(*name) +
                                               "': its plug-in is not loaded (merge_plugins)");
    }
    return remember(std::move(found));
  }
  if (const auto lua = lua_version(rule)) {
    const Cell* source = keyspace_.find_cell(merges_key, Kind::cluster, rule);
    if (source == nullptr) return turnstone::fail(Errc::config, "there is no merge function '" + rule + "'");
    auto compiled = compile_lua(lua->name, source->winner()->value);
    if (!compiled) return tl::make_unexpected(compiled.error());
    return remember(std::move(*compiled));
  }
  auto made = make_builtin(rule);
  if (!made) return tl::make_unexpected(made.error());
  return remember(std::move(*made));
}

void Merging::refresh() const {
  if (revision_ == keyspace_.cluster_revision()) return;
  revision_ = keyspace_.cluster_revision();
  parsed_.clear();
  some_want_base_ = false;
  functions_.clear();
  known_failures_.clear();
  const Fields* policies = keyspace_.cluster_fields(policies_key);
  if (policies == nullptr) return;
  for (const auto& [name, cell] : policies->map()) {
    const Row* row = cell.winner();
    if (row == nullptr) continue;
    Parsed parsed{{name.field, row->value, row->id, row->hlc, {}}, nullptr, false};
    auto made = function(row->value);
    if (!made) {
      parsed.policy.problem = std::move(made.error().message);
    } else if (row->value != default_rule) {
      parsed.function = std::move(*made);
      parsed.wants_base = parsed.function->wants_base();
    }
    parsed_.push_back(std::move(parsed));
  }
  std::sort(parsed_.begin(), parsed_.end(), [](const Parsed& a, const Parsed& b) {
    const std::string& left = a.policy.pattern;
    const std::string& right = b.policy.pattern;
    return left.size() != right.size() ? left.size() > right.size() : left < right;
  });
  some_want_base_ = std::any_of(parsed_.begin(), parsed_.end(), [](const Parsed& p) { return p.wants_base; });
}

const Merging::Parsed* Merging::find(std::string_view key) const {
  refresh();
  const auto found = std::find_if(parsed_.begin(), parsed_.end(),
                                  [&](const Parsed& p) { return glob_match(p.policy.pattern, key); });
  return found == parsed_.end() ? nullptr : &*found;
}

std::string_view Merging::shown(const Place& place, const Cell& cell, std::string& scratch) const {
  if (cell.siblings().size() < 2) return cell.shown(scratch);
  const Parsed* parsed = is_visible(place.kind) ? find(place.key) : nullptr;
  if (parsed == nullptr) return cell.shown(scratch);
  std::optional<std::string> value = merged(*parsed, place, cell);
  if (!value) return cell.shown(scratch);
  // What is shown may be the merged value itself, which has to live on.
  std::string sum;
  if (cell.shown(*value, sum).data() == sum.data()) {
    scratch = std::move(sum);
  } else {
    scratch = std::move(*value);
  }
  return scratch;
}

std::optional<std::string> Merging::merged(const Parsed& parsed, const Place& place, const Cell& cell) const {
  if (parsed.function == nullptr) return std::nullopt;
  if (!known_failures_.empty() && known_failures_.contains(name_of(parsed.policy.rule, place, cell)))
    return std::nullopt;
  const Siblings siblings = siblings_of(cell);
  if (siblings.all.size() == 1) return std::string(siblings.all.front().value);
  ++calls_;
  auto value = parsed.function->merge(siblings);
  if (value && value->size() <= merged_bytes_max) return std::move(*value);
  fail(parsed, place, cell,
       value ? "the merged value has " + std::to_string(value->size()) + " bytes" : value.error().message);
  return std::nullopt;
}

void Merging::fail(const Parsed& parsed, const Place& place, const Cell& cell, std::string reason) const {
  ++failures_;
  if (known_failures_.size() >= known_failures_max) known_failures_.clear();
  known_failures_.insert(name_of(parsed.policy.rule, place, cell));
  if (!failed_) return;
  const auto older = [](const Row& a, const Row& b) { return wins_over(b.hlc, b.id, a.hlc, a.id); };
  const auto [first, last] = std::minmax_element(cell.siblings().begin(), cell.siblings().end(), older);
  failed_({{std::string(place.key), std::string(place.field), place.kind},
           parsed.policy.rule,
           std::move(reason),
           *first,
           *last});
}

std::optional<Base> Merging::base_for(const Place& place, const Cell& cell, std::string& scratch) const {
  refresh();
  if (!some_want_base_ || cell.siblings().empty() || cell.counter() != nullptr) return std::nullopt;
  const Parsed* parsed = find(place.key);
  if (parsed == nullptr || !parsed->wants_base) return std::nullopt;
  // The cell's own bytes go with the row that the write drops.
  std::string merged;
  scratch = shown(place, cell, merged);
  return cell.as_base(scratch);
}

std::string Merging::rule_for(std::string_view key) const {
  const Parsed* parsed = find(key);
  return parsed == nullptr ? std::string(default_rule) : parsed->policy.rule;
}

std::optional<Policy> Merging::policy_for(std::string_view key) const {
  const Parsed* parsed = find(key);
  if (parsed == nullptr) return std::nullopt;
  return parsed->policy;
}

std::vector<Policy> Merging::policies() const {
  refresh();
  std::vector<Policy> all;
  for (const Parsed& parsed : parsed_) all.push_back(parsed.policy);
  std::sort(all.begin(), all.end(), [](const Policy& a, const Policy& b) { return a.pattern < b.pattern; });
  return all;
}

}  // namespace turnstone::crdt
