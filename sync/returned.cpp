#include "sync/returned.hpp"

#include <iterator>

#include "core/planted.hpp"
#include "core/record.hpp"

namespace turnstone::sync {

void Returned::add(Stamp was, Stamp now) {
  if (this->now(was)) return;
  auto& ranges = by_origin_[was.origin];
  ++deltas_;
  const auto next = ranges.upper_bound(was.seq);
  if (next != ranges.begin()) {
    const auto before = std::prev(next);
    Range& range = before->second;
    const Stamp expected{range.now.origin, range.now.seq + (was.seq - before->first)};
    if (range.last + 1 == was.seq && expected == now) {
      range.last = was.seq;
      return;
    }
  }
  ranges[was.seq] = {was.seq, now};
}

std::optional<Stamp> Returned::now(Stamp was) const {
  const auto ranges = by_origin_.find(was.origin);
  if (ranges == by_origin_.end()) return std::nullopt;
  const auto next = ranges->second.upper_bound(was.seq);
  if (next == ranges->second.begin()) return std::nullopt;
  const auto& [first, range] = *std::prev(next);
  if (range.last < was.seq) return std::nullopt;
  return Stamp{range.now.origin, range.now.seq + (was.seq - first)};
}

bool Returned::had_one_in(const VersionVector& seen, Stamp now) const {
  if (planted(Planted::return_renamed)) return false;
  for (const auto& [origin, last] : seen.entries()) {
    const auto ranges = by_origin_.find(origin);
    if (ranges == by_origin_.end()) continue;
    for (const auto& [first, range] : ranges->second) {
      if (range.now.origin != now.origin || now.seq < range.now.seq) continue;
      const Seq was = first + (now.seq - range.now.seq);
      if (was <= range.last && was <= last) return true;
    }
  }
  return false;
}

// A record for each range: [origin first last now_origin now_seq].
std::string Returned::encode() const {
  std::string bytes;
  RecordWriter out(bytes);
  for (const auto& [origin, ranges] : by_origin_) {
    for (const auto& [first, range] : ranges) {
      out.record(5).uint(static_cast<std::uint64_t>(origin)).uint(first).uint(range.last);
      out.uint(static_cast<std::uint64_t>(range.now.origin)).uint(range.now.seq);
    }
  }
  return bytes;
}

Result<Returned> Returned::decode(std::string_view bytes) {
  Returned returned;
  RecordReader in(bytes);
  while (in.next()) {
    const Seq first = in.uint(1);
    const Range range{in.uint(2), {Origin{in.uint(3)}, in.uint(4)}};
    if (first == 0 || range.last < first) in.mark_malformed();
    returned.by_origin_[Origin{in.uint(0)}][first] = range;
    returned.deltas_ += range.last - first + 1;
  }
  if (in.malformed()) return fail(Errc::malformed, "the stored record of returned writes cannot be read");
  return returned;
}

}  // namespace turnstone::sync
