#pragma once
// What authors had seen when they made the operations that are not stable yet: evidence for
// the audit. Not part of the state, and empty after a start but for what is replayed.
//
// Of each origin a line of its newest batches, with what was new in the context of each, and
// the whole context now and then. Costs one entry for a batch.
#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "core/version_vector.hpp"

namespace turnstone::sync {

class ContextTrail {
 public:
  // Beyond this many batches the oldest of an origin are forgotten, and counted.
  explicit ContextTrail(std::size_t batches_max) : batches_max_(batches_max) {}

  // Batches of an origin come in order. `context` is what its author had seen, without its own
  // origin; `changes` what of that is new since the batch before.
  void add(Origin origin, Seq first_seq, const VersionVector& context,
           const std::vector<VersionVector::Entry>& changes);
  // The operation was made before, when its author had seen this.
  void add_again(Stamp stamp, const VersionVector& as_of);

  // What the author of this operation had seen, with its own earlier operations; nothing when
  // that is not known any more. The operation is in one of the batches. O(64) batches.
  std::optional<VersionVector> at(Stamp stamp) const;

  void forget(const VersionVector& stable);
  void remove(const VersionVector& origins);

  std::size_t size() const { return batches_; }
  std::uint64_t forgotten() const { return forgotten_; }

 private:
  struct Batch {
    Seq first_seq;
    std::vector<VersionVector::Entry> changes;  // of the first of a stretch: none
  };
  struct Stretch {
    VersionVector context;  // of its first batch
    std::vector<Batch> batches;
  };
  using Line = std::deque<Stretch>;
  void drop_oldest(Line& line);

  std::size_t batches_max_;
  std::map<Origin, Line> lines_;
  std::map<Stamp, VersionVector> again_;
  std::size_t batches_ = 0;
  std::uint64_t forgotten_ = 0;
};

}  // namespace turnstone::sync
