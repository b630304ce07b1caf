#include "crdt/unstable_deletes.hpp"

#include <algorithm>

#include "core/planted.hpp"

namespace turnstone::crdt {

void UnstableDeletes::note_cell(std::string_view key, Kind kind, std::string_view field, Delete what) {
  note({Reach::cell, kind, std::string(key), std::string(field)}, what);
}

void UnstableDeletes::note_key(std::string_view key, Delete what) {
  note({Reach::key, {}, std::string(key), {}}, what);
}

void UnstableDeletes::note_all(Delete what) { note({Reach::everything, {}, {}, {}}, what); }

void UnstableDeletes::note(Scope scope, Delete what) {
  if (order_.size() >= deletes_max) {
    ++forgotten_;
    drop_oldest();
  }
  order_.emplace_back(what.id, scope);
  std::vector<Delete>& newest = by_scope_[std::move(scope)];
  const auto same_origin = std::find_if(newest.begin(), newest.end(), [&](const Delete& d) {
    return d.id.operation.origin == what.id.operation.origin;
  });
  if (same_origin == newest.end()) {
    newest.push_back(what);
  } else {
    *same_origin = what;
  }
}

std::vector<UnstableDeletes::Delete> UnstableDeletes::unseen_by(const Author& author, std::string_view key,
                                                                Kind kind, std::string_view field) const {
  std::vector<Delete> found;
  if (by_scope_.empty()) return found;
  if (is_visible(kind)) {
    collect({Reach::everything, {}, {}, {}}, author, found);
    collect({Reach::key, {}, std::string(key), {}}, author, found);
  }
  collect({Reach::cell, kind, std::string(key), std::string(field)}, author, found);
  return found;
}

void UnstableDeletes::collect(const Scope& scope, const Author& author, std::vector<Delete>& out) const {
  const auto it = by_scope_.find(scope);
  if (it == by_scope_.end()) return;
  std::copy_if(it->second.begin(), it->second.end(), std::back_inserter(out), [&](const Delete& d) {
    return !author.saw(d.id.operation) || planted(Planted::record_what_was_seen);
  });
}

void UnstableDeletes::forget_stable(const VersionVector& stable) {
  while (!order_.empty() && stable.covers(order_.front().first.operation)) drop_oldest();
}

void UnstableDeletes::drop_oldest() {
  const RowId id = order_.front().first;
  // A newer delete of the same origin and scope may have taken its place.
  if (const auto it = by_scope_.find(order_.front().second); it != by_scope_.end()) {
    std::erase_if(it->second, [&](const Delete& d) { return d.id == id; });
    if (it->second.empty()) by_scope_.erase(it);
  }
  order_.pop_front();
}

}  // namespace turnstone::crdt
