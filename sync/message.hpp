#pragma once
// What leaders say to each other. A frame is records (core/record.hpp); the first is
//   [type version cluster region ...]
// and names the sender's region. Batches travel inside as the bytes that are stored.
//   1 batch    [1 v c r] [batch]
//   2 beacon   [2 v c r origin now_ms] [vector], and more items: docs/protocol.md
//           or [2 v c r origin now_ms runs] [vector] [settled vector] [first count high low ...]
//              with as many runs of buckets as the first record says
//   3 pull     [3 v c r request bytes_max] [vector]
//   4 page     [4 v c r request more] [batch] [batch] ...
//   5 too old  [5 v c r request] [vector]
//   6 refused  [6 v c r request removed]
// A vector is [origin seq origin seq ...], ascending by origin.
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/error.hpp"
#include "core/hash.hpp"
#include "core/version_vector.hpp"

namespace turnstone::sync {

inline constexpr std::uint64_t protocol_version = 1;

// A batch, as soon as it is durable at its origin.
struct Publication {
  std::string_view batch;
};
// Neighbouring buckets and the sum of their digests.
struct BucketRun {
  std::uint32_t first = 0;
  std::uint32_t count = 0;
  Hash128 digest;
  friend bool operator==(const BucketRun&, const BucketRun&) = default;
};
inline constexpr std::uint32_t bucket_run_max = 256;

// What the sender has durably. Its own entry is its head.
struct Beacon {
  Origin origin{};
  std::uint64_t now_ms = 0;
  VersionVector durable;
  // Digests of buckets, of which nothing beyond `settled` has touched any; see
  // sync/divergence_audit.hpp. Without runs, no `settled` either.
  VersionVector settled = {};
  std::vector<BucketRun> runs = {};
  // The sender has yet to catch up: what it has may be less than its region has had.
  bool joining = false;
  // It began without what an earlier run of its region has stamped, some of which may still be on
  // its way: the vector tells receipt alone, and counts for no stability.
  bool quiet = false;
};
// Asks for what the sender of the pull lacks; for no bytes at all: whether it is answered.
struct Pull {
  std::uint64_t request = 0;
  std::uint64_t bytes_max = 0;
  VersionVector have;
};
// Answers a pull. `more`: ask again.
struct Page {
  std::uint64_t request = 0;
  bool more = false;
  std::vector<std::string_view> batches;
};

// Answers a pull from below the floor: what was asked for was cut from the log. The asker
// needs a copy of the state, or another peer.
struct TooOld {
  std::uint64_t request = 0;
  VersionVector floor;
};

// Answers a pull of a region that is none of the asked leader's.
struct Refused {
  std::uint64_t request = 0;
  bool removed = false;  // it was a member; else it is unknown there
};

using Body = std::variant<Publication, Beacon, Pull, Page, TooOld, Refused>;

struct Message {
  std::string region;
  Body body;  // views into the frame
};

std::string encode(std::uint64_t cluster, std::string_view region, const Body& body);
// Errors: malformed, unsupported_version, wrong_cluster.
Result<Message> decode_message(std::uint64_t cluster, std::string_view frame);

}  // namespace turnstone::sync
