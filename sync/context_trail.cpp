#include "sync/context_trail.hpp"

#include <algorithm>

namespace turnstone::sync {
namespace {

constexpr std::size_t stretch_batches = 64;
// Each has a whole context of its own.
constexpr std::size_t again_max = 50'000;

}  // namespace

void ContextTrail::add(Origin origin, Seq first_seq, const VersionVector& context,
                       const std::vector<VersionVector::Entry>& changes) {
  Line& line = lines_[origin];
  if (line.empty() || line.back().batches.size() == stretch_batches) {
    line.push_back({context, {{first_seq, {}}}});
  } else {
    line.back().batches.push_back({first_seq, changes});
  }
  if (++batches_ <= batches_max_ || line.size() < 2) return;
  forgotten_ += line.front().batches.size();
  drop_oldest(line);
}

void ContextTrail::add_again(Stamp stamp, const VersionVector& as_of) {
  again_[stamp] = as_of;
  if (again_.size() > again_max) again_.erase(again_.begin());
}

std::optional<VersionVector> ContextTrail::at(Stamp stamp) const {
  if (const auto found = again_.find(stamp); found != again_.end()) return found->second;
  const auto found = lines_.find(stamp.origin);
  if (found == lines_.end()) return std::nullopt;
  const Line& line = found->second;
  const auto stretch = std::find_if(line.rbegin(), line.rend(), [&](const Stretch& each) {
    return each.batches.front().first_seq <= stamp.seq;
  });
  if (stretch == line.rend()) return std::nullopt;
  VersionVector context = stretch->context;
  for (const Batch& batch : stretch->batches) {
    if (batch.first_seq > stamp.seq) break;
    for (const auto& [origin, seq] : batch.changes) context.set(origin, seq);
  }
  context.set(stamp.origin, stamp.seq - 1);
  return context;
}

void ContextTrail::forget(const VersionVector& stable) {
  for (auto& [origin, line] : lines_) {
    // The second one's beginning tells where the first one ends.
    while (line.size() > 1 && line[1].batches.front().first_seq <= stable.get(origin) + 1) drop_oldest(line);
  }
  std::erase_if(again_, [&](const auto& entry) { return stable.covers(entry.first); });
}

void ContextTrail::remove(const VersionVector& origins) {
  for (const auto& [origin, seq] : origins.entries()) {
    const auto found = lines_.find(origin);
    if (found == lines_.end()) continue;
    while (!found->second.empty()) drop_oldest(found->second);
    lines_.erase(found);
  }
}

void ContextTrail::drop_oldest(Line& line) {
  batches_ -= line.front().batches.size();
  line.pop_front();
}

}  // namespace turnstone::sync
