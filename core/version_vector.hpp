#pragma once
// Version vector: origin -> highest sequence number applied. Because deltas of an
// origin are applied without gaps, it names the whole set of applied deltas, and is the
// causal context of every key at once (Almeida et al., delta CRDTs; DottedDB).
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "core/ids.hpp"

namespace turnstone {

class VersionVector {
 public:
  using Entry = std::pair<Origin, Seq>;

  VersionVector() = default;
  VersionVector(std::initializer_list<Entry> entries);

  // 0 for an origin that is not in the vector.
  Seq get(Origin origin) const;
  // Setting 0 removes the entry: there is one form for each vector.
  void set(Origin origin, Seq seq);

  bool covers(Stamp stamp) const { return get(stamp.origin) >= stamp.seq; }
  bool covers(const VersionVector& other) const;

  // Component-wise maximum.
  void join(const VersionVector& other);
  // Drops the entries of all origins that `origins` names.
  void remove(const VersionVector& origins);
  // Component-wise minimum; an origin that one side lacks is 0, so absent.
  void meet(const VersionVector& other);
  // The entries of this vector that `base` has not, or has with another number; an
  // author's vector only grows, so `base` joined with the result is this vector.
  std::vector<Entry> since(const VersionVector& base) const;

  // Sorted by origin.
  const std::vector<Entry>& entries() const { return entries_; }
  bool empty() const { return entries_.empty(); }

  friend bool operator==(const VersionVector&, const VersionVector&) = default;

 private:
  std::vector<Entry> entries_;
};

// "{origin:seq, origin:seq}"
std::string to_string(const VersionVector& vector);

}  // namespace turnstone
