#pragma once
// What a leader answers to TS.VERIFY, read into values.
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "core/hash.hpp"
#include "core/version_vector.hpp"
#include "crdt/cell_image.hpp"
#include "regions/client/resp_client.hpp"

namespace turnstone::verify {

// The moment that an answer speaks of.
struct Moment {
  std::string region;
  std::string origin;
  VersionVector applied;
  VersionVector settled;
};

// By the argument of sync/divergence_audit.hpp: what either leader has applied to a bucket
// that is quiet for both, the other has applied as well.
bool comparable(const Moment& a, const Moment& b);

struct Digests {
  Moment moment;
  std::size_t buckets = 0;
  // From the bucket asked for; nothing for one that is being written to. May be fewer than
  // asked for, even none, when large buckets take their time.
  std::vector<std::optional<Hash128>> digests;
};

// All rows of a bucket by name: the bytes of their images.
using Rows = std::map<crdt::CellName, std::string>;
struct Bucket {
  Moment moment;  // of the last page; nothing has touched the bucket since the first
  std::int64_t touched = 0;
  Rows rows;
};
// The digest that the bucket has with these rows. Errors: corrupt, malformed.
Result<Hash128> digest_of(const Rows& rows);

class LeaderView {
 public:
  // `at` is HOST:PORT. Errors: config, io.
  static Result<LeaderView> connect(const std::string& at, const std::string& password);

  const std::string& at() const { return at_; }
  const std::string& region() const { return region_; }
  // How many regions it knows of, its own among them.
  std::size_t regions() const { return regions_; }

  // Errors, here and below: io, malformed (not a leader of this release), config (an error
  // reply), in_use (the bucket is being written to).
  Result<Digests> digests(std::size_t first, std::size_t count);
  Result<Bucket> bucket(std::size_t bucket);
  // Puts these rows in the place of the leader's; without bytes, takes them away. Returns the
  // number of the checkpoint that stores them.
  Result<std::int64_t> repair(std::size_t bucket, const Bucket& read, const Hash128& digest,
                              const Rows& rows);
  Result<std::int64_t> checkpoints_stored();

 private:
  LeaderView(std::string at, client::RespClient client) : at_(std::move(at)), client_(std::move(client)) {}
  // A list of at least `items` items.
  Result<client::Reply> ask(const std::vector<std::string>& words, std::size_t items);

  std::string at_;
  client::RespClient client_;
  std::string region_;
  std::size_t regions_ = 0;
};

}  // namespace turnstone::verify
