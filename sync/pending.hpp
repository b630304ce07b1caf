#pragma once
// Batches that arrived before what they depend on. Bounded, in bytes with what each costs beside
// its own, and in origins, since all of them are looked at when something was applied: what does
// not fit is dropped, newest first, and pulled when its turn comes.
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/ids.hpp"

namespace turnstone::sync {

class Pending {
 public:
  // Beside the bytes of a batch.
  static constexpr std::size_t overhead_bytes = 128;

  Pending(std::size_t bytes_max, std::size_t origins_max)
      : bytes_max_(bytes_max), origins_max_(origins_max) {}

  // False when it is of one origin too many: it is not to be added.
  bool has_room_for(Origin origin) const {
    return by_origin_.size() < origins_max_ || by_origin_.contains(origin);
  }
  // Returns how many batches had to be dropped, the new one perhaps among them.
  std::size_t add(Origin origin, Seq first_seq, std::string bytes);
  // Null when that batch is not here.
  const std::string* find(Origin origin, Seq first_seq) const;
  std::string take(Origin origin, Seq first_seq);
  // Forgets what begins at or below `applied`.
  void drop_applied(Origin origin, Seq applied);
  // Forgets all of one origin.
  void drop_origin(Origin origin);

  bool empty() const { return by_origin_.empty(); }
  std::size_t bytes() const { return bytes_; }
  // The origins of which something waits.
  std::vector<Origin> origins() const;
  std::size_t origins_count() const { return by_origin_.size(); }

 private:
  using Batches = std::map<Seq, std::string>;
  static std::size_t cost(const std::string& bytes) { return bytes.size() + overhead_bytes; }

  std::size_t bytes_max_;
  std::size_t origins_max_;
  std::size_t bytes_ = 0;
  std::map<Origin, Batches> by_origin_;
};

}  // namespace turnstone::sync
