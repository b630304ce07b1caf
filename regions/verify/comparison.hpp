#pragma once
// Leaders compared with each other, live: bucket by bucket by digests, and row by row where
// those differ.
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "regions/verify/leader_view.hpp"

namespace turnstone::verify {

// How long to try again what is in the way of a comparison for the moment.
class Patience {
 public:
  explicit Patience(std::chrono::milliseconds length)
      : length_(length), end_(std::chrono::steady_clock::now() + length) {}

  bool is_left() const { return std::chrono::steady_clock::now() < end_; }
  // Waits a little; false when none is left.
  bool rest() const;
  // As long, from now on.
  Patience anew() const { return Patience(length_); }

 private:
  std::chrono::milliseconds length_;
  std::chrono::steady_clock::time_point end_;
};

struct Compared {
  std::size_t buckets = 0;
  std::vector<std::size_t> differing;
  // Being written to all the time, or not everywhere yet.
  std::vector<std::size_t> not_compared;
};
Result<Compared> compare(std::vector<LeaderView>& leaders, const Patience& patience);

// A bucket's rows at every leader, in the order of the leaders; nothing when they could not
// be read so that they may be compared.
Result<std::optional<std::vector<Bucket>>> read_bucket(std::vector<LeaderView>& leaders, std::size_t bucket,
                                                       const Patience& patience);

// The names of the rows that are not the same everywhere.
std::vector<crdt::CellName> differing_rows(const std::vector<Bucket>& buckets);
// What `from` has and `to` should have: the rows to replace at `to`, without bytes those to
// take away.
Rows rows_to_replace(const Rows& from, const Rows& to);
// Which of the leaders has what more than half of `regions` have; nothing without such.
// Errors: corrupt, malformed.
Result<std::optional<std::size_t>> majority(const std::vector<Bucket>& buckets, std::size_t regions);

}  // namespace turnstone::verify
