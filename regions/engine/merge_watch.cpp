#include "regions/engine/merge_watch.hpp"

#include <fmt/format.h>

#include <utility>

#include "crdt/merge/rule.hpp"

namespace turnstone::regions {
namespace {

// A function in Lua takes milliseconds at its worst.
constexpr std::size_t tried_per_tick = 20;

crdt::ConflictSide side_of(const crdt::Row& row, crdt::Kind kind) {
  return {row.id, row.hlc, kind, false, false, row.value};
}

}  // namespace

MergeWatch::MergeWatch(const crdt::Keyspace& keyspace, crdt::Merging& merging, Record record, Alarm alarm)
    : keyspace_(keyspace), merging_(merging), record_(std::move(record)), alarm_(std::move(alarm)) {
  merging_.on_failure([this](const crdt::MergeFailure& failure) { failed(failure); });
}

void MergeWatch::conflict_found(const crdt::Conflict& conflict) {
  if (conflict.type != crdt::ConflictType::concurrent_write || !crdt::is_visible(conflict.first.kind)) return;
  if (merging_.rule_for(conflict.key) == crdt::default_rule) return;
  if (waiting_.size() == waiting_max) {
    ++left_to_readers_;
    waiting_.pop_front();
  }
  waiting_.push_back({conflict.key, conflict.field, conflict.first.kind});
}

void MergeWatch::tick() {
  std::string scratch;
  for (std::size_t tried = 0; tried < tried_per_tick && !waiting_.empty(); ++tried) {
    const crdt::CellName name = std::move(waiting_.front());
    waiting_.pop_front();
    const crdt::Cell* cell = keyspace_.find_cell(name.key, name.kind, name.field);
    if (cell != nullptr) merging_.shown({name.key, name.kind, name.field}, *cell, scratch);
  }
}

void MergeWatch::failed(const crdt::MergeFailure& failure) {
  const crdt::CellName& name = failure.name;
  record_(crdt::make_conflict(crdt::ConflictType::merge_failed, name.key, name.field,
                              side_of(failure.first, name.kind), side_of(failure.second, name.kind)));
  alarm_({"merge_failed",
          fmt::format("the merge function {} of key '{}' failed, and readers see the latest value: {}",
                      failure.rule, name.key, failure.reason)});
}

void MergeWatch::look_for_missing() {
  std::set<std::string> missing;
  for (const crdt::Policy& policy : merging_.policies()) {
    if (policy.problem) missing.insert(policy.rule);
    if (!policy.problem || missing_.contains(policy.rule)) continue;
    alarm_({"merge_missing", fmt::format("keys like '{}' show the latest value and not what {} says: {}",
                                         policy.pattern, crdt::without_hash(policy.rule), *policy.problem)});
  }
  missing_ = std::move(missing);
}

}  // namespace turnstone::regions
