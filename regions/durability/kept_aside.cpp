#include "regions/durability/kept_aside.hpp"

#include <algorithm>
#include <utility>

namespace turnstone::durability {

KeptAside::KeptAside(std::vector<storage::AsidePlace> found) : places_(std::move(found)) {
  for (const storage::AsidePlace& place : places_) count(place);
}

// What this region itself wrote is on no limit for what peers can make it keep.
void KeptAside::count(const storage::AsidePlace& place) {
  if (place.author.empty()) bytes_ += place.bytes;
}

std::optional<storage::AsidePlace> KeptAside::add(const sync::SetAside& batch, std::uint64_t now_ms) {
  const auto same = [&](const storage::AsidePlace& place) {
    return place.origin == batch.origin && place.first_seq == batch.first_seq &&
           place.bytes == batch.bytes.size();
  };
  if (std::any_of(places_.begin(), places_.end(), same)) return std::nullopt;
  if (bytes_ + batch.bytes.size() > quarantine_bytes_max) {
    ++not_kept_;
    return std::nullopt;
  }
  places_.push_back({next_id(), 0, batch.origin, batch.first_seq, batch.last_seq, now_ms, batch.reason,
                     batch.bytes.size()});
  count(places_.back());
  return places_.back();
}

std::vector<std::int64_t> KeptAside::take(const std::function<bool(const storage::AsidePlace&)>& is_done) {
  std::vector<std::int64_t> ids;
  std::erase_if(places_, [&](const storage::AsidePlace& place) {
    if (!is_done(place)) return false;
    ids.push_back(place.id);
    if (place.author.empty()) bytes_ -= place.bytes;
    return true;
  });
  return ids;
}

void KeptAside::each_next(const std::function<bool(const storage::AsidePlace&)>& wanted,
                          const std::function<bool(const storage::AsidePlace&)>& offer) const {
  // What is offered may add to the places.
  for (std::size_t i = 0; i < places_.size(); ++i) {
    const storage::AsidePlace place = places_[i];
    if (wanted(place) && !offer(place)) return;
  }
}

}  // namespace turnstone::durability
