#include "regions/engine/conflict_log.hpp"

#include <algorithm>
#include <utility>

namespace turnstone::regions {

namespace {

constexpr std::size_t overhead_bytes = 300;

std::size_t bytes_of(const crdt::Conflict& conflict) {
  return conflict.key.size() + conflict.field.size() + conflict.first.value.size() +
         conflict.second.value.size() + overhead_bytes;
}

}  // namespace

bool ConflictLog::keep(const durability::FoundConflict& found) {
  if (!ids_.insert(found.conflict.id).second) return false;
  conflicts_.push_back({found.conflict, found.at_ms});
  bytes_ += bytes_of(found.conflict);
  while (conflicts_.size() > conflicts_max || (bytes_ > conflicts_bytes_max && conflicts_.size() > 1)) {
    bytes_ -= bytes_of(conflicts_.front().conflict);
    ids_.erase(conflicts_.front().conflict.id);
    conflicts_.pop_front();
    ++pushed_out_;
  }
  return true;
}

void ConflictLog::record(const durability::FoundConflict& found) {
  if (!keep(found)) return;
  ++recorded_;
  const std::size_t bytes = bytes_of(found.conflict);
  if (unstored_bytes_ + bytes > conflicts_bytes_max && !unstored_.empty()) {
    ++lost_;
    return;
  }
  unstored_bytes_ += bytes;
  unstored_.push_back(found);
}

void ConflictLog::add(const crdt::Conflict& conflict) {
  record({conflict, hlc_ms(std::max(conflict.first.hlc, conflict.second.hlc))});
}

void ConflictLog::restore(const std::vector<durability::FoundConflict>& stored_newest_first,
                          const std::vector<durability::FoundConflict>& replayed_oldest_first) {
  for (auto it = stored_newest_first.rbegin(); it != stored_newest_first.rend(); ++it) keep(*it);
  for (const auto& found : replayed_oldest_first) record(found);
}

std::vector<commands::RecordedConflict> ConflictLog::newest(std::size_t count) const {
  const std::size_t found = std::min(count, conflicts_.size());
  return {conflicts_.rbegin(), conflicts_.rbegin() + static_cast<std::ptrdiff_t>(found)};
}

std::vector<durability::FoundConflict> ConflictLog::take_unstored() {
  unstored_bytes_ = 0;
  return std::exchange(unstored_, {});
}

}  // namespace turnstone::regions
