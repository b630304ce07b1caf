#include "crdt/bucket_walk.hpp"

#include <limits>

namespace turnstone::crdt {

BucketWalk::BucketWalk(const Keyspace& keyspace, std::size_t bucket)
    : keyspace_(&keyspace),
      bucket_(bucket),
      touched_(keyspace.touched(bucket)),
      entry_(keyspace.shards_[bucket].begin()) {}

bool BucketWalk::go_on(std::size_t& cells) {
  const auto end = keyspace_->shards_[bucket_].end();
  while (entry_ != end && take(entry_->first, entry_->second, cells)) {
    ++entry_;
    taken_kinds_ = 0;
  }
  return entry_ == end;
}

bool BucketWalk::take(const std::string& key, const Entry& entry, std::size_t& cells) {
  const auto kinds = entry.kinds();
  for (; taken_kinds_ < kinds.size(); ++taken_kinds_) {
    const Kind kind = kinds[taken_kinds_];
    if (kind == Kind::string) {
      if (cells == 0) return false;
      --cells;
      digest_ += digest_of(key, kind, {}, *entry.string());
      continue;
    }
    if (fields_ == nullptr) {
      fields_ = entry.fields(kind);
      field_ = fields_->map().begin();
    }
    for (; field_ != fields_->map().end(); ++field_) {
      if (cells == 0) return false;
      --cells;
      digest_ += digest_of(key, kind, field_->first.field, field_->second);
    }
    fields_ = nullptr;
  }
  return true;
}

Hash128 digest_of_bucket(const Keyspace& keyspace, std::size_t bucket) {
  BucketWalk walk(keyspace, bucket);
  std::size_t cells = std::numeric_limits<std::size_t>::max();
  walk.go_on(cells);
  return walk.digest();
}

}  // namespace turnstone::crdt
