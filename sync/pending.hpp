#pragma once
// Batches that arrived before what they depend on. Bounded: what does not fit is dropped,
// newest first, and pulled when its turn comes.
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/ids.hpp"

namespace turnstone::sync {

class Pending {
 public:
  explicit Pending(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  // Returns how many batches had to be dropped, the new one perhaps among them.
  std::size_t add(Origin origin, Seq first_seq, std::string bytes);
  // Null when that batch is not here.
  const std::string* find(Origin origin, Seq first_seq) const;
  std::string take(Origin origin, Seq first_seq);
  // Forgets what begins at or below `applied`.
  void drop_applied(Origin origin, Seq applied);
  // Forgets all of one origin.
  void drop_origin(Origin origin);

  bool empty() const { return batches_.empty(); }
  std::size_t bytes() const { return bytes_; }
  // The origins of which something waits.
  std::vector<Origin> origins() const;

 private:
  std::size_t bytes_max_;
  std::size_t bytes_ = 0;
  std::map<Stamp, std::string> batches_;
};

}  // namespace turnstone::sync
