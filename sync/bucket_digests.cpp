#include "sync/bucket_digests.hpp"

#include "core/marks.hpp"

namespace turnstone::sync {

const Hash128* BucketDigests::find(std::size_t bucket) const {
  const Remembered& known = remembered_[bucket];
  return known.touched == keyspace_.touched(bucket) ? &known.digest : nullptr;
}

const Hash128* BucketDigests::get(std::size_t bucket, std::size_t& cells) {
  const Hash128* known = find(bucket);
  return known != nullptr ? known : renew(bucket, cells);
}

void BucketDigests::forget(std::size_t bucket) {
  remembered_[bucket].touched = never;
  walks_.erase(bucket);
}

const Hash128* BucketDigests::renew(std::size_t bucket, std::size_t& cells) {
  if (cells == 0) {
    reached(Mark::digest_cells_used_up);
    return nullptr;
  }
  auto walk = walks_.find(bucket);
  if (walk != walks_.end() && !walk->second.valid()) {
    walks_.erase(walk);
    walk = walks_.end();
  }
  if (walk == walks_.end()) {
    if (walks_.size() >= digest_walks_max) {
      walks_.erase(walks_.begin());
      ++walks_dropped_;
    }
    walk = walks_.emplace(bucket, crdt::BucketWalk(keyspace_, bucket)).first;
    --cells;
  }
  if (!walk->second.go_on(cells)) return nullptr;
  remembered_[bucket] = {walk->second.digest(), walk->second.touched()};
  walks_.erase(walk);
  return &remembered_[bucket].digest;
}

}  // namespace turnstone::sync
