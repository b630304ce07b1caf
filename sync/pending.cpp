#include "sync/pending.hpp"

#include <iterator>
#include <utility>

namespace turnstone::sync {

std::size_t Pending::add(Origin origin, Seq first_seq, std::string bytes) {
  const std::size_t size = bytes.size();
  if (!batches_.emplace(Stamp{origin, first_seq}, std::move(bytes)).second) return 0;
  bytes_ += size;
  std::size_t dropped = 0;
  while (bytes_ > bytes_max_) {
    // The newest of this origin is needed last.
    auto victim = batches_.upper_bound(Stamp{origin, UINT64_MAX});
    victim = std::prev(
        victim == batches_.begin() || std::prev(victim)->first.origin != origin ? batches_.end() : victim);
    bytes_ -= victim->second.size();
    batches_.erase(victim);
    ++dropped;
  }
  return dropped;
}

const std::string* Pending::find(Origin origin, Seq first_seq) const {
  const auto it = batches_.find(Stamp{origin, first_seq});
  return it == batches_.end() ? nullptr : &it->second;
}

std::string Pending::take(Origin origin, Seq first_seq) {
  auto node = batches_.extract(Stamp{origin, first_seq});
  bytes_ -= node.mapped().size();
  return std::move(node.mapped());
}

void Pending::drop_applied(Origin origin, Seq applied) {
  auto it = batches_.lower_bound(Stamp{origin, 0});
  while (it != batches_.end() && it->first.origin == origin && it->first.seq <= applied) {
    bytes_ -= it->second.size();
    it = batches_.erase(it);
  }
}

std::vector<Origin> Pending::origins() const {
  std::vector<Origin> origins;
  for (auto it = batches_.begin(); it != batches_.end();
       it = batches_.lower_bound({it->first.origin, UINT64_MAX})) {
    origins.push_back(it->first.origin);
  }
  return origins;
}

void Pending::drop_origin(Origin origin) { drop_applied(origin, UINT64_MAX); }

}  // namespace turnstone::sync
