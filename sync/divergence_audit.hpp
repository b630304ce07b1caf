#pragma once
// Proof of convergence under load: leaders compare digests of buckets all the time, a few
// in every beacon, and need no barrier for it.
//
// Why there is no false alarm. Write D(i,b) for the deltas applied at leader i that concern
// bucket b; the rows of b are a function of D(i,b). A bucket is quiet when no delta behind
// the settled prefix of the local log has touched it, so D(i,b) lies in the prefix's vector
// S(i). Leader i announces (b, digest) with S(i) and with what it has durably, U(i). Leader
// j compares only if
//   1. b is quiet at j, so D(j,b) lies in S(j);
//   2. S(i) lies in what j has applied, so D(i,b) lies in D(j,b);
//   3. S(j) lies in U(i), so D(j,b) lies in D(i,b).
// So both have applied the same deltas of b, and different digests are damage or a bug. A
// frame that is old, repeated or overtaken fails 2 or 3; whether a prefix was settled too
// early, or a leader was restored from an old copy, does not matter to the argument.
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "sync/bucket_digests.hpp"
#include "sync/event.hpp"
#include "sync/limits.hpp"
#include "sync/log_prefix.hpp"
#include "sync/message.hpp"

namespace turnstone::sync {

// How far the comparison with one peer has come, for people.
struct ComparisonView {
  std::uint64_t buckets_compared = 0;  // counted from the start
  std::uint64_t buckets_differing = 0;
  // Not compared for `compare_within_ms`, because they are never quiet, or nobody asks.
  std::uint64_t buckets_overdue = 0;
  // All buckets were compared within this time; nothing when some never was.
  std::optional<std::uint64_t> sweep_age_ms;
};

class DivergenceAudit {
 public:
  DivergenceAudit(const crdt::Keyspace& keyspace, const Limits& limits);

  // The regions whose data is compared with ours. Adding one that is there changes nothing.
  void add_peer(const std::string& region);
  void remove_peer(const std::string& region);

  // Computes digests for the sweep and compares what has come, as far as the limits allow.
  void tick(std::uint64_t timer_ms, const LogPrefix& settled, Effects& effects);
  // What the next beacon announces.
  std::vector<BucketRun> announce(const LogPrefix& settled);
  // `applied` is what this leader has applied.
  void receive(const std::string& region, const Beacon& beacon, const VersionVector& applied,
               const LogPrefix& settled);

  ComparisonView about(const std::string& region) const;
  // The buckets known to differ from a peer's, ascending.
  std::vector<std::uint32_t> differing_from(const std::string& region) const;
  // Runs that wait to be compared, and parts of runs to be announced.
  std::size_t comparisons() const { return comparisons_.size(); }
  std::size_t parts() const { return parts_.size(); }
  // Those for which there was no room; the next sweep comes to them again.
  std::uint64_t dropped() const { return dropped_; }
  std::uint64_t parts_dropped() const { return parts_dropped_; }
  BucketDigests& digests() { return digests_; }
  const BucketDigests& digests() const { return digests_; }

 private:
  struct Peer {
    std::uint64_t compared = 0;
    std::vector<std::uint64_t> compared_at_ms;  // by bucket; 0 for never
    std::set<std::uint32_t> differing;
  };
  // A run to compare; it holds as long as nothing behind `settled` has touched its buckets.
  struct Comparison {
    std::string region;
    BucketRun run;
    Lsn settled = 0;
  };

  bool quiet(std::size_t bucket, Lsn settled) const { return keyspace_.touched(bucket) <= settled; }
  bool quiet(const BucketRun& run, Lsn settled) const;
  void go_on_with_sweep(Lsn settled);
  void go_on_comparing(Effects& effects);
  // Nothing when the cells did not suffice.
  std::optional<Hash128> digest_of(const BucketRun& run, std::size_t& cells);
  void compared(const Comparison& comparison, const Hash128& ours, Effects& effects);
  void announce_parts_of(const BucketRun& run);
  void note_busy(bool busy);
  std::size_t run_length() const;

  const crdt::Keyspace& keyspace_;
  const Limits limits_;
  BucketDigests digests_;
  std::map<std::string, Peer> peers_;
  std::uint64_t timer_ms_ = 0;

  // The sweep: buckets below `walked_` were looked at, those below `announced_` announced.
  std::uint64_t sweep_began_ms_ = 0;
  std::size_t walked_ = 0;
  std::size_t announced_ = 0;
  // Share of the buckets met lately that were not quiet.
  double busy_share_ = 0;
  // Runs to announce out of turn, because a longer one differed.
  std::deque<BucketRun> parts_;
  std::deque<Comparison> comparisons_;
  std::uint64_t dropped_ = 0;
  std::uint64_t parts_dropped_ = 0;
};

}  // namespace turnstone::sync
