#pragma once
// The longest prefix of the local log of which every batch is covered by a vector that
// grows: up to where all that was applied here is stable, say, or known to other leaders.
// Batches between two calls of advance() are taken together, and when a leader is away for
// long, more of them: so memory is bounded, and the prefix may end a little early.
#include <cstddef>
#include <cstdint>
#include <deque>

#include "core/version_vector.hpp"
#include "sync/event.hpp"

namespace turnstone::sync {

class LogPrefix {
 public:
  // More groups of batches than this are not told apart.
  explicit LogPrefix(std::size_t groups_max) : groups_max_(groups_max) {}

  // What a stored state holds: the log up to `lsn`, which the vector names.
  void restore(Lsn lsn, const VersionVector& vector);
  // The next batch of the log.
  void add(Lsn lsn, Origin origin, Seq last_seq);
  // Moves on as far as `covered` allows. O(what it moves over).
  void advance(const VersionVector& covered);

  // Takes settled origins out of every vector here.
  void remove(const VersionVector& origins);

  // The end of the prefix; 0 for none.
  Lsn lsn() const { return lsn_; }
  // What is in it.
  const VersionVector& vector() const { return vector_; }
  std::size_t groups() const { return groups_.size(); }
  // How often groups were taken together for want of room.
  std::uint64_t merges() const { return merges_; }

 private:
  struct Group {
    Lsn last_lsn = 0;
    VersionVector vector;
  };

  void close_open_group();

  std::size_t groups_max_;
  std::deque<Group> groups_;
  std::uint64_t merges_ = 0;
  Group open_;
  Lsn lsn_ = 0;
  VersionVector vector_;
};

}  // namespace turnstone::sync
