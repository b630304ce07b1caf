#include "sync/pending.hpp"

#include <iterator>
#include <utility>

#include "core/marks.hpp"
#include "core/planted.hpp"

namespace turnstone::sync {

std::size_t Pending::add(Origin origin, Seq first_seq, std::string bytes) {
  Batches& batches = by_origin_[origin];
  const std::size_t size = cost(bytes);
  if (!batches.emplace(first_seq, std::move(bytes)).second) return 0;
  bytes_ += size;
  std::size_t dropped = 0;
  while (bytes_ > bytes_max_ && !planted(Planted::hold_without_limit)) {
    // The newest of this origin is needed last; then any other's.
    const auto from = by_origin_.contains(origin) ? by_origin_.find(origin) : std::prev(by_origin_.end());
    const auto victim = std::prev(from->second.end());
    bytes_ -= cost(victim->second);
    from->second.erase(victim);
    if (from->second.empty()) by_origin_.erase(from);
    reached(Mark::held_batch_dropped);
    ++dropped;
  }
  return dropped;
}

const std::string* Pending::find(Origin origin, Seq first_seq) const {
  const auto of = by_origin_.find(origin);
  if (of == by_origin_.end()) return nullptr;
  const auto it = of->second.find(first_seq);
  return it == of->second.end() ? nullptr : &it->second;
}

std::string Pending::take(Origin origin, Seq first_seq) {
  const auto of = by_origin_.find(origin);
  auto node = of->second.extract(first_seq);
  if (of->second.empty()) by_origin_.erase(of);
  bytes_ -= cost(node.mapped());
  return std::move(node.mapped());
}

void Pending::drop_applied(Origin origin, Seq applied) {
  const auto of = by_origin_.find(origin);
  if (of == by_origin_.end()) return;
  Batches& batches = of->second;
  while (!batches.empty() && batches.begin()->first <= applied) {
    bytes_ -= cost(batches.begin()->second);
    batches.erase(batches.begin());
  }
  if (batches.empty()) by_origin_.erase(of);
}

std::vector<Origin> Pending::origins() const {
  std::vector<Origin> origins;
  for (const auto& [origin, batches] : by_origin_) origins.push_back(origin);
  return origins;
}

void Pending::drop_origin(Origin origin) { drop_applied(origin, UINT64_MAX); }

}  // namespace turnstone::sync
