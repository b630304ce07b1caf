#include "sync/divergence_audit.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/planted.hpp"

namespace turnstone::sync {
namespace {

// A longer run that differs is announced again in so many parts, down to single buckets.
constexpr std::uint32_t parts_of_a_run = 16;
// A run is kept so short that about this share of runs meets a busy bucket at the other leader.
constexpr double runs_in_vain = 0.2;
constexpr double busy_memory = 512;

}  // namespace

DivergenceAudit::DivergenceAudit(const crdt::Keyspace& keyspace, const Limits& limits)
    : keyspace_(keyspace), limits_(limits), digests_(keyspace) {}

void DivergenceAudit::add_peer(const std::string& region) {
  peers_[region].compared_at_ms.resize(keyspace_.buckets());
}

void DivergenceAudit::remove_peer(const std::string& region) {
  peers_.erase(region);
  std::erase_if(comparisons_, [&](const Comparison& comparison) { return comparison.region == region; });
}

bool DivergenceAudit::quiet(const BucketRun& run, Lsn settled) const {
  for (std::uint32_t i = 0; i < run.count; ++i) {
    if (!quiet(run.first + i, settled)) return false;
  }
  return true;
}

void DivergenceAudit::tick(std::uint64_t timer_ms, const LogPrefix& settled, Effects& effects) {
  timer_ms_ = timer_ms;
  if (peers_.empty()) return;
  go_on_comparing(effects);
  go_on_with_sweep(settled.lsn());
}

// --- what we announce

void DivergenceAudit::go_on_with_sweep(Lsn settled) {
  const std::size_t buckets = keyspace_.buckets();
  if (announced_ == buckets && timer_ms_ >= sweep_began_ms_ + limits_.sweep_ms) {
    sweep_began_ms_ = timer_ms_;
    walked_ = announced_ = 0;
  }
  const std::uint64_t elapsed = std::min(timer_ms_ - sweep_began_ms_, limits_.sweep_ms);
  const std::size_t target = buckets * elapsed / std::max<std::uint64_t>(1, limits_.sweep_ms);
  std::size_t cells = limits_.digest_cells_per_tick;
  for (; walked_ < target; ++walked_) {
    if (quiet(walked_, settled) && digests_.renew(walked_, cells) == nullptr) return;
  }
}

void DivergenceAudit::note_busy(bool busy) { busy_share_ += ((busy ? 1 : 0) - busy_share_) / busy_memory; }

std::size_t DivergenceAudit::run_length() const {
  std::size_t length = bucket_run_max;
  while (length > 1 && static_cast<double>(length) * busy_share_ > runs_in_vain) length /= 2;
  return length;
}

std::vector<BucketRun> DivergenceAudit::announce(const LogPrefix& settled) {
  std::vector<BucketRun> runs;
  // Parts come out of turn, and leave the sweep its half.
  while (!parts_.empty() && runs.size() < limits_.digest_runs_per_beacon / 2) {
    BucketRun part = parts_.front();
    parts_.pop_front();
    if (!quiet(part, settled.lsn())) continue;
    std::size_t no_cells = 0;
    if (const auto digest = digest_of(part, no_cells)) runs.push_back({part.first, part.count, *digest});
  }
  const std::size_t length = run_length();
  while (announced_ < walked_ && runs.size() < limits_.digest_runs_per_beacon) {
    BucketRun run{static_cast<std::uint32_t>(announced_), 0, {}};
    const std::size_t end = std::min((announced_ / length + 1) * length, keyspace_.buckets());
    std::size_t next = announced_;
    bool busy = false;
    while (next < end && next < walked_ && !busy) {
      const Hash128* digest = quiet(next, settled.lsn()) ? digests_.find(next) : nullptr;
      busy = digest == nullptr;
      if (!busy) {
        run.digest += *digest;
        ++run.count;
        ++next;
      }
    }
    // What is not walked yet may still be a part of this run.
    if (!busy && next < end) break;
    for (std::uint32_t i = 0; i < run.count; ++i) note_busy(false);
    if (busy) note_busy(true);
    announced_ = busy ? next + 1 : next;
    if (run.count > 0) runs.push_back(run);
  }
  return runs;
}

void DivergenceAudit::announce_parts_of(const BucketRun& run) {
  const std::uint32_t size = std::max(1u, run.count / parts_of_a_run);
  for (std::uint32_t at = 0; at < run.count; at += size) {
    if (parts_.size() >= limits_.digest_parts_max) {
      ++parts_dropped_;
      return;
    }
    parts_.push_back({run.first + at, std::min(size, run.count - at), {}});
  }
}

// --- what we compare

void DivergenceAudit::receive(const std::string& region, const Beacon& beacon, const VersionVector& applied,
                              const LogPrefix& settled) {
  if (!applied.covers(beacon.settled) && !planted(Planted::compare_unseen_writes)) return;
  if (!beacon.durable.covers(settled.vector()) && !planted(Planted::compare_old_beacons)) return;
  for (const BucketRun& run : beacon.runs) {
    if (run.first + run.count > keyspace_.buckets()) continue;
    const Lsn upto = planted(Planted::compare_busy_buckets) ? ~Lsn{0} : settled.lsn();
    if (!quiet(run, upto)) continue;
    if (comparisons_.size() >= limits_.digest_comparisons_max) {
      ++dropped_;
      continue;
    }
    comparisons_.push_back({region, run, upto});
  }
}

void DivergenceAudit::go_on_comparing(Effects& effects) {
  std::size_t cells = limits_.digest_cells_per_tick;
  for (std::size_t left = limits_.digest_runs_per_tick; left > 0 && !comparisons_.empty(); --left) {
    const Comparison& next = comparisons_.front();
    if (quiet(next.run, next.settled)) {
      const auto ours = digest_of(next.run, cells);
      if (!ours) return;
      compared(next, *ours, effects);
    }
    comparisons_.pop_front();
  }
}

std::optional<Hash128> DivergenceAudit::digest_of(const BucketRun& run, std::size_t& cells) {
  Hash128 sum;
  for (std::uint32_t i = 0; i < run.count; ++i) {
    const Hash128* digest = digests_.get(run.first + i, cells);
    if (digest == nullptr) return std::nullopt;
    sum += *digest;
  }
  return sum;
}

void DivergenceAudit::compared(const Comparison& comparison, const Hash128& ours, Effects& effects) {
  const BucketRun& run = comparison.run;
  Peer& peer = peers_[comparison.region];
  const bool equal = run.digest == ours;
  // Each hears the other's parts and tells its own, until one bucket is left.
  if (!equal && run.count > 1) return announce_parts_of(run);
  peer.compared += run.count;
  for (std::uint32_t i = 0; i < run.count; ++i) peer.compared_at_ms[run.first + i] = timer_ms_ + 1;
  if (equal) {
    peer.differing.erase(peer.differing.lower_bound(run.first),
                         peer.differing.lower_bound(run.first + run.count));
    return;
  }
  const bool is_new = peer.differing.insert(run.first).second;
  // The first ones are named, and one of them again with every sweep.
  const bool named = is_new && peer.differing.size() <= limits_.divergences_named_max;
  if (!named && run.first != *peer.differing.begin()) return;
  effects.emplace_back(
      std::in_place_type<Alarm>,
      Alarm{"divergence",
            fmt::format("the rows of bucket {} differ from those of region '{}', though both have "
                        "applied the same writes; {} buckets are known to differ from that "
                        "region's; 'turnstone verify' shows the rows",
                        run.first, comparison.region, peer.differing.size())});
}

ComparisonView DivergenceAudit::about(const std::string& region) const {
  ComparisonView view;
  const auto it = peers_.find(region);
  if (it == peers_.end()) return view;
  const Peer& peer = it->second;
  view.buckets_compared = peer.compared;
  view.buckets_differing = peer.differing.size();
  std::uint64_t oldest = timer_ms_ + 1;
  for (const std::uint64_t at : peer.compared_at_ms) {
    oldest = std::min(oldest, at);
    if (at == 0 || at + limits_.compare_within_ms < timer_ms_) ++view.buckets_overdue;
  }
  if (oldest != 0) view.sweep_age_ms = timer_ms_ + 1 - oldest;
  return view;
}

std::vector<std::uint32_t> DivergenceAudit::differing_from(const std::string& region) const {
  const auto it = peers_.find(region);
  if (it == peers_.end()) return {};
  return {it->second.differing.begin(), it->second.differing.end()};
}

}  // namespace turnstone::sync
