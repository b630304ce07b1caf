#include "sync/log_index.hpp"

#include <algorithm>
#include <queue>

#include "core/error.hpp"

namespace turnstone::sync {

void LogIndex::add(Lsn lsn, Origin origin, Seq first_seq, Seq last_seq, std::size_t bytes) {
  auto& places = places_[origin];
  TURNSTONE_CHECK(places.empty() || first_seq == places.back().last_seq + 1);
  places.push_back({last_seq, lsn, bytes});
  ++size_;
}

LogIndex::Page LogIndex::beyond(const VersionVector& have, std::size_t bytes_max) const {
  using Next = std::vector<Place>::const_iterator;
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
    if (!page.lsns.empty() && bytes + source.next->bytes > bytes_max) {
      page.more = true;
      break;
    }
    page.lsns.push_back(source.next->lsn);
    bytes += source.next->bytes;
    if (++source.next != source.end) sources.push(source);
  }
  return page;
}

}  // namespace turnstone::sync
