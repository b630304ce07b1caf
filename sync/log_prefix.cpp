#include "sync/log_prefix.hpp"

#include <utility>

#include "core/marks.hpp"

namespace turnstone::sync {

void LogPrefix::restore(Lsn lsn, const VersionVector& vector) {
  groups_.clear();
  open_ = {lsn, vector};
}

void LogPrefix::add(Lsn lsn, Origin origin, Seq last_seq) {
  open_.last_lsn = lsn;
  open_.vector.set(origin, last_seq);
}

void LogPrefix::close_open_group() {
  if (open_.last_lsn == 0) return;
  groups_.push_back(std::exchange(open_, {}));
  if (groups_.size() <= groups_max_) return;
  // Every two become one.
  ++merges_;
  reached(Mark::prefix_groups_merged);
  std::deque<Group> fewer;
  for (std::size_t i = 0; i < groups_.size(); ++i) {
    if (i % 2 == 0) {
      fewer.push_back(std::move(groups_[i]));
    } else {
      fewer.back().last_lsn = groups_[i].last_lsn;
      fewer.back().vector.join(groups_[i].vector);
    }
  }
  groups_ = std::move(fewer);
}

void LogPrefix::remove(const VersionVector& origins) {
  open_.vector.remove(origins);
  for (Group& group : groups_) group.vector.remove(origins);
  vector_.remove(origins);
}

void LogPrefix::advance(const VersionVector& covered) {
  close_open_group();
  while (!groups_.empty() && covered.covers(groups_.front().vector)) {
    lsn_ = groups_.front().last_lsn;
    vector_.join(groups_.front().vector);
    groups_.pop_front();
  }
}

}  // namespace turnstone::sync
