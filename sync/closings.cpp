#include "sync/closings.hpp"

#include <algorithm>

#include "core/planted.hpp"
#include "core/record.hpp"
#include "sync/members.hpp"

namespace turnstone::sync {

Seq Closing::last() const {
  Seq last = 0;
  for (const auto& [region, all] : acknowledged) {
    std::optional<Seq> first;
    for (const Acknowledgement& each : all) {
      if (each.again || planted(Planted::greatest_of_two_leaders)) last = std::max(last, each.last);
      if (!each.again) first = std::min(first.value_or(each.last), each.last);
    }
    last = std::max(last, first.value_or(0));
  }
  return last;
}

Seq Closing::last_of(const std::string& region) const {
  const auto all = acknowledged.find(region);
  Seq last = 0;
  if (all == acknowledged.end()) return last;
  for (const Acknowledgement& each : all->second) last = std::max(last, each.last);
  return last;
}

bool Closing::is_acknowledged_by(Origin run) const {
  return std::any_of(acknowledged.begin(), acknowledged.end(), [run](const auto& item) {
    return std::any_of(item.second.begin(), item.second.end(),
                       [run](const Acknowledgement& each) { return each.stamp.origin == run; });
  });
}

void Closings::request(Origin origin, std::string_view regions) {
  if (is_retired(origin)) return;
  Closing& closing = open_[origin];
  Regions required = split_regions(regions);
  if (!closing.required.empty()) keep_common(required, closing.required);
  closing.required = std::move(required);
}

void Closings::acknowledge(Origin origin, const std::string& region, Seq last, Stamp stamp,
                           const std::function<bool(Stamp)>& saw) {
  const auto closing = open_.find(origin);
  if (closing == open_.end()) return;
  Closing::Acknowledgements& all = closing->second.acknowledged[region];
  const bool again =
      std::any_of(all.begin(), all.end(), [&](const auto& each) { return saw && saw(each.stamp); });
  std::erase_if(all, [&](const auto& each) { return each.again && each.stamp.origin == stamp.origin; });
  all.push_back({last, stamp, again});
  // The same on every leader, in whatever order they came.
  std::sort(all.begin(), all.end());
}

void Closings::compare_with_own(Origin origin, const std::string& region, Seq last, Seq applied) {
  const auto closing = open_.find(origin);
  if (closing != open_.end()) closing->second.overtaken = last < applied ? region : std::string();
}

bool Closings::complete(const Closing& closing) const {
  const auto& acknowledged = closing.acknowledged;
  if (acknowledged.empty()) return false;
  if (planted(Planted::close_at_first_acknowledgement)) return true;
  return std::all_of(closing.required.begin(), closing.required.end(), [&](const std::string& region) {
    return acknowledged.contains(region) || waives(region);
  });
}

const Closing* Closings::find(Origin origin) const {
  const auto closing = open_.find(origin);
  return closing == open_.end() ? nullptr : &closing->second;
}

std::optional<Seq> Closings::end_of(Origin origin) const {
  if (is_retired(origin)) return retired_.get(origin);
  const Closing* closing = find(origin);
  if (closing == nullptr || !complete(*closing)) return std::nullopt;
  return closing->last();
}

bool Closings::covers_acknowledgements_by(const std::string& region, const Closing& closing,
                                          const VersionVector& seen) const {
  const auto all = closing.acknowledged.find(region);
  return all != closing.acknowledged.end() &&
         std::all_of(all->second.begin(), all->second.end(), [&](const auto& each) {
           return is_retired(each.stamp.origin) || seen.covers(each.stamp);
         });
}

class Closings::Reading {
 public:
  Reading(const Closings& closings, const VersionVector& vector) : closings_(closings), vector_(vector) {}

  Seq of(Origin origin) {
    const Seq seq = vector_.get(origin);
    const Closing* closing = closings_.find(origin);
    if (closing == nullptr || !closings_.complete(*closing) || seq >= closing->last()) return seq;
    const auto [known, is_new] = known_.try_emplace(origin, seq);
    if (is_new && (covers_acknowledgements_of(*closing) || covers_one_of_more_than(seq, *closing)))
      known_[origin] = closing->last();
    return known_[origin];
  }

  bool covers_acknowledgements_of(const Closing& closing) {
    return std::all_of(closing.acknowledged.begin(), closing.acknowledged.end(), [this](const auto& item) {
      return std::all_of(item.second.begin(), item.second.end(), [this](const auto& each) {
        return closings_.is_retired(each.stamp.origin) || covers(each.stamp);
      });
    });
  }

 private:
  bool covers(Stamp stamp) { return of(stamp.origin) >= stamp.seq; }

  // Two leaders of a region have acknowledged the end of each other's run, or not all that was
  // acknowledged was known where it was retired.
  bool covers_one_of_more_than(Seq seq, const Closing& closing) {
    return std::any_of(closing.acknowledged.begin(), closing.acknowledged.end(), [&](const auto& item) {
      return std::any_of(item.second.begin(), item.second.end(), [&](const auto& each) {
        return each.last > seq && !closings_.is_retired(each.stamp.origin) && covers(each.stamp);
      });
    });
  }

  const Closings& closings_;
  const VersionVector& vector_;
  std::map<Origin, Seq> known_;
};

std::optional<Seq> Closings::final_end_of(Origin origin, const VersionVector& stable) const {
  const auto end = end_of(origin);
  if (!end || is_retired(origin)) return end;
  return Reading(*this, stable).covers_acknowledgements_of(*find(origin)) ? end : std::nullopt;
}

void Closings::normalize(VersionVector& vector) const {
  if (open_.empty() && retired_.entries().empty()) return;
  VersionVector left_out;
  Reading reading(*this, vector);
  for (const auto& [origin, closing] : open_) {
    if (const Seq seq = reading.of(origin); seq != 0) left_out.set(origin, seq);
  }
  vector.join(left_out);
  vector.remove(retired_);
}

VersionVector Closings::waivers_of(const Closing& closing) const {
  VersionVector waivers;
  for (const auto& [region, at] : waived_at_)
    if (closing.requires_region(region) && !closing.acknowledged.contains(region)) waivers.join(at);
  waivers.remove(retired_);
  return waivers;
}

std::vector<Origin> Closings::retire(const VersionVector& floor, const VersionVector& applied) {
  for (const std::string& region : waived_) waived_at_.try_emplace(region, applied);
  std::vector<Origin> found;
  Reading reading(*this, floor);
  for (auto closing = open_.begin(); closing != open_.end();) {
    if (complete(closing->second) && reading.covers_acknowledgements_of(closing->second) &&
        floor.covers(waivers_of(closing->second)) && applied.get(closing->first) <= closing->second.last()) {
      found.push_back(closing->first);
      set_retired(closing->first, closing->second.last());
      closing = open_.erase(closing);
    } else {
      ++closing;
    }
  }
  return found;
}

void Closings::set_retired(Origin origin, Seq last) {
  retired_.set(origin, last);
  if (last == 0) unseen_.insert(origin);
}

VersionVector Closings::ends_to_cut(const VersionVector& stable, std::size_t ended_max) const {
  VersionVector ends;
  std::size_t ended = 0;
  Reading reading(*this, stable);
  for (const auto& [origin, closing] : open_) {
    if (!complete(closing) || !reading.covers_acknowledgements_of(closing)) continue;
    ++ended;
    ends.join(waivers_of(closing));
    for (const auto& [region, all] : closing.acknowledged)
      for (const auto& [last, stamp, again] : all)
        if (ends.get(stamp.origin) < stamp.seq) ends.set(stamp.origin, stamp.seq);
  }
  ends.remove(retired_);
  return ended > ended_max ? ends : VersionVector();
}

std::string Closings::region_of_retired(Origin origin) const {
  const auto region = regions_.find(origin);
  return region == regions_.end() ? std::string() : region->second;
}

// [count] [origin last region] ... of the retired, then for each open one
// [origin overtaken region ...] of the required, [region last origin seq again ...] of the acknowledged.
std::string Closings::encode() const {
  std::string bytes;
  RecordWriter out(bytes);
  const auto number = [](Origin origin) { return static_cast<std::uint64_t>(origin); };
  out.record(1).uint(retired_.entries().size() + unseen_.size());
  for (const auto& [origin, last] : retired_.entries()) {
    out.record(3).uint(number(origin)).uint(last).bytes(region_of_retired(origin));
  }
  for (const Origin origin : unseen_) {
    out.record(3).uint(number(origin)).uint(0).bytes(region_of_retired(origin));
  }
  for (const auto& [origin, closing] : open_) {
    out.record(static_cast<std::uint32_t>(2 + closing.required.size())).uint(number(origin));
    out.bytes(closing.overtaken);
    for (const std::string& region : closing.required) out.bytes(region);
    std::size_t count = 0;
    for (const auto& [region, all] : closing.acknowledged) count += all.size();
    out.record(static_cast<std::uint32_t>(5 * count));
    for (const auto& [region, all] : closing.acknowledged) {
      for (const auto& [last, stamp, again] : all)
        out.bytes(region).uint(last).uint(number(stamp.origin)).uint(stamp.seq).uint(again ? 1 : 0);
    }
  }
  return bytes;
}

Result<Closings> Closings::decode(std::string_view bytes) {
  Closings closings;
  RecordReader in(bytes);
  in.next();
  for (std::uint64_t left = in.uint(0); left > 0 && !in.malformed(); --left) {
    if (!in.next()) in.mark_malformed();
    closings.set_retired(Origin{in.uint(0)}, in.uint(1));
    closings.regions_[Origin{in.uint(0)}] = in.bytes(2);
  }
  while (!in.malformed() && in.next()) {
    Closing& closing = closings.open_[Origin{in.uint(0)}];
    closing.overtaken = in.bytes(1);
    for (std::uint32_t i = 2; i < in.size(); ++i) closing.required.emplace(in.bytes(i));
    if (!in.next() || in.size() % 5 != 0) in.mark_malformed();
    for (std::uint32_t i = 0; i < in.size() && !in.malformed(); i += 5) {
      const Stamp stamp{Origin{in.uint(i + 2)}, in.uint(i + 3)};
      closing.acknowledged[std::string(in.bytes(i))].push_back({in.uint(i + 1), stamp, in.uint(i + 4) != 0});
    }
  }
  if (in.malformed()) return fail(Errc::malformed, "the stored record of closed origins cannot be read");
  return closings;
}

}  // namespace turnstone::sync
