#include "sync/log_index.hpp"

#include <algorithm>
#include <queue>
#include <utility>

#include "core/error.hpp"
#include "core/marks.hpp"
#include "core/planted.hpp"

namespace turnstone::sync {

void LogIndex::restore_floor(Lsn lsn, VersionVector vector) {
  TURNSTONE_CHECK(batches_.empty());
  floor_lsn_ = lsn;
  floor_ = std::move(vector);
}

void LogIndex::add(Lsn lsn, Origin origin, Seq first_seq, Seq last_seq, std::size_t bytes) {
  TURNSTONE_CHECK(lsn == floor_lsn_ + batches_.size() + 1);
  auto& places = places_[origin];
  TURNSTONE_CHECK(first_seq == (places.empty() ? floor_.get(origin) : places.back().last_seq) + 1);
  places.push_back({last_seq, lsn});
  batches_.push_back({origin, last_seq, bytes});
  bytes_ += bytes;
}

void LogIndex::restore_cut(Lsn lsn) {
  TURNSTONE_CHECK(lsn == floor_lsn_ + batches_.size() + 1);
  while (!batches_.empty()) cut_oldest();
  floor_lsn_ = lsn;
}

void LogIndex::cut_oldest() {
  const Batch oldest = batches_.front();
  bytes_ -= oldest.bytes;
  ++floor_lsn_;
  floor_.set(oldest.origin, oldest.last_seq);
  batches_.pop_front();
  const auto places = places_.find(oldest.origin);
  places->second.pop_front();
  if (places->second.empty()) places_.erase(places);
}

bool LogIndex::cut(const VersionVector& stable, Lsn stored, std::size_t retain_bytes,
                   const VersionVector& wanted) {
  const Lsn before = floor_lsn_;
  while (!batches_.empty() && floor_lsn_ < stored) {
    const Batch oldest = batches_.front();
    const bool needed =
        !stable.covers({oldest.origin, oldest.last_seq}) && !planted(Planted::truncate_unstable);
    if (needed || planted(Planted::keep_log) ||
        (bytes_ - oldest.bytes < retain_bytes && floor_.covers(wanted)))
      break;
    cut_oldest();
  }
  if (floor_lsn_ == before) return false;
  reached(Mark::log_cut);
  return true;
}

LogIndex::Page LogIndex::beyond(const VersionVector& have, std::size_t bytes_max) const {
  using Next = std::deque<Place>::const_iterator;
  struct Source {
    Next next;
    Next end;
    bool operator<(const Source& other) const { return next->lsn > other.next->lsn; }
  };
  std::priority_queue<Source> sources;
  for (const auto& [origin, places] : places_) {
    const Seq seq = have.get(origin);
    const auto first = std::upper_bound(places.begin(), places.end(), seq,
                                        [](Seq s, const Place& place) { return s < place.last_seq; });
    if (first != places.end()) sources.push({first, places.end()});
  }
  Page page;
  std::size_t bytes = 0;
  while (!sources.empty()) {
    Source source = sources.top();
    sources.pop();
    const Lsn lsn = source.next->lsn;
    if (!page.lsns.empty() && bytes + bytes_of(lsn) > bytes_max) {
      page.more = true;
      break;
    }
    page.lsns.push_back(lsn);
    bytes += bytes_of(lsn);
    if (++source.next != source.end) sources.push(source);
  }
  return page;
}

}  // namespace turnstone::sync
