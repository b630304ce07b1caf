#pragma once
// The digests of the keyspace's buckets, computed when somebody asks, in slices, and
// remembered until the bucket is touched. A write costs nothing here.
#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "crdt/bucket_walk.hpp"
#include "sync/event.hpp"

namespace turnstone::sync {

class BucketDigests {
 public:
  explicit BucketDigests(const crdt::Keyspace& keyspace)
      : keyspace_(keyspace), remembered_(keyspace.buckets()) {}

  // What is remembered and still holds; null for nothing.
  const Hash128* find(std::size_t bucket) const;
  // The same, computed if need be with up to `cells` cells, which are counted down; null
  // when they did not suffice: the next call goes on.
  const Hash128* get(std::size_t bucket, std::size_t& cells);
  // The rows were changed by something else than an effect.
  void forget(std::size_t bucket);
  // Computes it from the rows in any case: memory may have rotted behind what is remembered.
  const Hash128* renew(std::size_t bucket, std::size_t& cells);

  // Buckets that are walked at the same time. Beyond it one walk is dropped, to begin anew.
  static constexpr std::size_t digest_walks_max = 8;
  std::size_t walks() const { return walks_.size(); }
  std::uint64_t walks_dropped() const { return walks_dropped_; }

 private:
  struct Remembered {
    Hash128 digest;
    Lsn touched = never;
  };
  static constexpr Lsn never = ~Lsn{0};

  const crdt::Keyspace& keyspace_;
  std::vector<Remembered> remembered_;
  std::map<std::size_t, crdt::BucketWalk> walks_;
  std::uint64_t walks_dropped_ = 0;
};

}  // namespace turnstone::sync
