#pragma once
// The digest of one bucket, computed in slices between other work: a bucket may hold a set
// of a million members. Good for as long as the bucket is not touched.
#include <cstddef>
#include <cstdint>

#include "core/hash.hpp"
#include "crdt/keyspace.hpp"

namespace turnstone::crdt {

class BucketWalk {
 public:
  BucketWalk(const Keyspace& keyspace, std::size_t bucket);

  // False when an effect has touched the bucket since: then only destroying it is allowed.
  bool valid() const { return keyspace_->touched(bucket_) == touched_; }
  // The touch that the walk began behind.
  std::uint64_t touched() const { return touched_; }
  // Takes up to `cells` more cells, and counts them down. True when the walk is at its end.
  bool go_on(std::size_t& cells);
  // Sum of the digests of the cells so far.
  const Hash128& digest() const { return digest_; }

 private:
  // True when all of the entry was taken.
  bool take(const std::string& key, const Entry& entry, std::size_t& cells);

  // Nothing moves in an untouched bucket, so these stay where they are.
  const Keyspace* keyspace_;
  std::size_t bucket_;
  std::uint64_t touched_;
  Keyspace::Shard::const_iterator entry_;
  std::size_t taken_kinds_ = 0;  // of the entry
  const Fields* fields_ = nullptr;
  Fields::Map::const_iterator field_;
  Hash128 digest_;
};

// All of it at once.
Hash128 digest_of_bucket(const Keyspace& keyspace, std::size_t bucket);

}  // namespace turnstone::crdt
