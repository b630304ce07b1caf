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

void ConflictLog::keep(audit::SharedEntry found) {
  if (!ids_.insert(found->conflict.id).second) return;
  bytes_ += bytes_of(found->conflict);
  conflicts_.push_back(std::move(found));
  while (conflicts_.size() > conflicts_max || (bytes_ > conflicts_bytes_max && conflicts_.size() > 1)) {
    bytes_ -= bytes_of(conflicts_.front()->conflict);
    ids_.erase(conflicts_.front()->conflict.id);
    conflicts_.pop_front();
    ++pushed_out_;
  }
}

void ConflictLog::add(const crdt::Conflict& conflict) {
  if (ids_.contains(conflict.id)) return;
  const auto found = std::make_shared<const audit::Entry>(describe_(conflict));
  keep(found);
  ++recorded_;
  const std::size_t bytes = bytes_of(found->conflict);
  if (unstored_bytes_ + bytes > conflicts_bytes_max && !unstored_.empty()) {
    ++lost_;
    return;
  }
  unstored_bytes_ += bytes;
  unstored_.push_back(found);
}

void ConflictLog::restore(const std::vector<audit::Entry>& stored_newest_first,
                          const std::vector<crdt::Conflict>& replayed_oldest_first) {
  for (auto it = stored_newest_first.rbegin(); it != stored_newest_first.rend(); ++it)
    keep(std::make_shared<const audit::Entry>(*it));
  for (const crdt::Conflict& conflict : replayed_oldest_first) add(conflict);
}

std::vector<audit::Entry> ConflictLog::newest(std::size_t count) const {
  std::vector<audit::Entry> found;
  for (auto it = conflicts_.rbegin(); it != conflicts_.rend() && found.size() < count; ++it)
    found.push_back(**it);
  return found;
}

audit::SharedEntries ConflictLog::take_unstored() {
  unstored_bytes_ = 0;
  storing_ = std::exchange(unstored_, {});
  return storing_;
}

audit::SharedEntries ConflictLog::not_in_file() const {
  audit::SharedEntries all = storing_;
  all.insert(all.end(), unstored_.begin(), unstored_.end());
  return all;
}

}  // namespace turnstone::regions
