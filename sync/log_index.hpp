#pragma once
// Where each batch of each origin stands in the local log: what a pull is answered from.
#include <cstddef>
#include <map>
#include <vector>

#include "core/version_vector.hpp"
#include "sync/event.hpp"

namespace turnstone::sync {

class LogIndex {
 public:
  // Batches of an origin come in order, without gaps.
  void add(Lsn lsn, Origin origin, Seq first_seq, Seq last_seq, std::size_t bytes);

  struct Page {
    std::vector<Lsn> lsns;
    bool more = false;
  };
  // The batches beyond `have`, in the order in which they were applied here, which is a
  // causal order: up to `bytes_max`, at least one. O(page * log(origins)).
  Page beyond(const VersionVector& have, std::size_t bytes_max) const;

  std::size_t size() const { return size_; }

 private:
  struct Place {
    Seq last_seq;
    Lsn lsn;
    std::size_t bytes;
  };
  std::map<Origin, std::vector<Place>> places_;
  std::size_t size_ = 0;
};

}  // namespace turnstone::sync
