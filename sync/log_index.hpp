#pragma once
// Where each batch of each origin stands in the local log: what a pull is answered from,
// and what may be cut from the log's old end.
#include <cstddef>
#include <deque>
#include <map>
#include <vector>

#include "core/version_vector.hpp"
#include "sync/event.hpp"

namespace turnstone::sync {

class LogIndex {
 public:
  // The log begins behind this place: what was applied up to there is no longer in it.
  // Before anything is added.
  void restore_floor(Lsn lsn, VersionVector vector);
  // Batches come in lsn order, those of an origin without gaps.
  void add(Lsn lsn, Origin origin, Seq first_seq, Seq last_seq, std::size_t bytes);

  // The log ends, so far, with this batch, and all up to here was cut, though the file still has
  // it: takes it as cut.
  void restore_cut(Lsn lsn);

  struct Page {
    std::vector<Lsn> lsns;
    bool more = false;
  };
  // The batches beyond `have`, in the order in which they were applied here, which is a
  // causal order: up to `bytes_max`, at least one. `have` covers the floor.
  // O(page * log(origins)).
  Page beyond(const VersionVector& have, std::size_t bytes_max) const;

  // Cuts the oldest batches that `stable` covers, up to `stored`, while at least
  // `retain_bytes` stay, or until what is `wanted` is cut. True when the floor moved.
  bool cut(const VersionVector& stable, Lsn stored, std::size_t retain_bytes, const VersionVector& wanted);

  Lsn floor_lsn() const { return floor_lsn_; }
  // All that was cut. It was cut in the order in which it was applied, so it is causally
  // closed: a vector names it.
  const VersionVector& floor() const { return floor_; }

  // Takes settled origins out of the floor's vector; no batch of them is left.
  void remove_from_floor(const VersionVector& origins) { floor_.remove(origins); }

  std::size_t size() const { return batches_.size(); }
  std::size_t bytes() const { return bytes_; }

 private:
  struct Batch {
    Origin origin;
    Seq last_seq;
    std::size_t bytes;
  };
  struct Place {
    Seq last_seq;
    Lsn lsn;
  };
  void cut_oldest();
  std::size_t bytes_of(Lsn lsn) const { return batches_[lsn - floor_lsn_ - 1].bytes; }

  std::deque<Batch> batches_;  // of lsn floor_lsn_ + 1, + 2, ...
  std::map<Origin, std::deque<Place>> places_;
  std::size_t bytes_ = 0;
  Lsn floor_lsn_ = 0;
  VersionVector floor_;
};

}  // namespace turnstone::sync
