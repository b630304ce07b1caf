// Closing the runs that ended: what this leader stamps for it, how it stops taking what comes
// behind an end, and how an origin that is retired leaves every vector.
#include <algorithm>
#include <limits>
#include <utility>

#include "core/planted.hpp"
#include "sync/replica.hpp"

namespace turnstone::sync {

void Replica::apply_system(const crdt::Effect& effect, const crdt::Author& author,
                           const std::string& region) {
  const Stamp stamp = author.stamp;
  if (const auto* request = std::get_if<crdt::CloseOrigin>(&effect)) {
    closings_.request(request->origin, request->regions);
  } else if (const auto* last = std::get_if<crdt::AcknowledgeClose>(&effect)) {
    closings_.acknowledge(last->origin, region, last->last, stamp,
                          [&](Stamp other) { return author.saw(other); });
    if (region == config_.region)
      closings_.compare_with_own(last->origin, region, last->last, vector_.get(last->origin));
  } else if (const auto* added = std::get_if<crdt::AddMember>(&effect)) {
    add_member(*added, stamp, region);
  } else if (const auto* removed = std::get_if<crdt::RemoveMember>(&effect)) {
    removal_seen_ms_.try_emplace(std::string(removed->region), timer_ms_);
    members_.remove(*removed, stamp);
  } else if (const auto* let_go = std::get_if<crdt::AcknowledgeRemoval>(&effect)) {
    members_.acknowledge_removal(std::string(let_go->region), region);
  } else if (const auto* again = std::get_if<crdt::Again>(&effect)) {
    return note_returned(*again, stamp, region);
  }
  follow_members();
}

void Replica::stamp_system(const crdt::Effect& effect, Effects& effects) {
  begin(now_ms_);
  apply(effect);
  commit();
  seal(effects);
}

bool Replica::is_frozen(Origin origin) const {
  const Closing* closing = closings_.find(origin);
  return closing != nullptr && closing->acknowledged.contains(config_.region);
}

Seq Replica::may_take_up_to(Origin origin) const {
  if (closings_.is_retired(origin)) return closings_.retired().get(origin);
  const Closing* closing = closings_.find(origin);
  if (closing == nullptr) return std::numeric_limits<Seq>::max();
  if (closings_.complete(*closing)) {
    const auto raised = raised_.find(origin);
    return std::max(closing->last(), raised == raised_.end() ? 0 : raised->second);
  }
  if (!is_frozen(origin)) return std::numeric_limits<Seq>::max();
  const auto needed = needed_.find(origin);
  return std::max(closing->last(), needed == needed_.end() ? 0 : needed->second);
}

// A member that has it durably, or has seen it, acknowledges no less.
void Replica::note_needed(const std::string& region, const VersionVector& vector, Origin except) {
  for (const auto& [origin, closing] : closings_.open()) {
    const Seq seq = vector.get(origin);
    if (origin == except || closings_.complete(closing) || seq <= vector_.get(origin)) continue;
    if (!closing.requires_region(region)) continue;
    Seq& needed = needed_[origin];
    needed = std::max(needed, seq);
  }
}

// What somebody had to take before it knew that the end is complete.
void Replica::note_raised(const std::string& region, const VersionVector& seen) {
  if (planted(Planted::complete_is_final)) return;
  for (const auto& [origin, closing] : closings_.open()) {
    const Seq seq = seen.get(origin);
    if (!closings_.complete(closing) || seq <= vector_.get(origin)) continue;
    // Two leaders of a region end each other's runs, and know of their own what nobody else has.
    // And another one may have said less than the author knew that it has.
    if (region_of(origin) == region || !closings_.covers_acknowledgements_by(region, closing, seen)) continue;
    Seq& raised = raised_[origin];
    raised = std::max(raised, seq);
  }
}

// It had to take more since.
bool Replica::acknowledges_again(Origin origin, const Closing& closing) const {
  const Seq has = vector_.get(origin);
  if (origin == config_.origin || !closing.acknowledged.contains(config_.region)) return false;
  if (has <= closing.last_of(config_.region)) return false;
  const bool is_own = region_of(origin) == config_.region;
  const bool overtaken =
      closing.overtaken == config_.region || (is_own && !closing.is_acknowledged_by(config_.origin));
  if (overtaken && !planted(Planted::raise_when_overtaken)) return false;
  return !closings_.complete(closing) || (has > closing.last() && !planted(Planted::complete_is_final));
}

// Another region's, of which it has more than another leader of its own region has said. What it stamps would
// tell others to take more, who may not any more.
std::optional<Origin> Replica::overtaken_run() const {
  for (const auto& [origin, closing] : closings_.open()) {
    if (closing.overtaken == config_.region && region_of(origin) != config_.region &&
        vector_.get(origin) > closing.last())
      return origin;
  }
  return std::nullopt;
}

void Replica::heard_of(Origin origin) {
  if (origins_.contains(origin)) last_heard_[origin] = timer_ms_;
}

// A leader that was restored from an older copy must not acknowledge less than it did before:
// first it takes what the members have of the origin, and of this region's earlier runs.
bool Replica::has_what_members_have(Origin origin, const Regions& required) const {
  return std::all_of(required.begin(), required.end(), [&](const std::string& region) {
    if (region == config_.region || members_.is_removed(region)) return true;
    const auto peer = peers_.find(region);
    if (peer == peers_.end()) return true;
    if (peer->second.origin == Origin{}) return false;
    return std::all_of(
        peer->second.durable.entries().begin(), peer->second.durable.entries().end(), [&](const auto& entry) {
          const bool matters = entry.first == origin || region_of(entry.first) == config_.region;
          return !matters || entry.second <= vector_.get(entry.first);
        });
  });
}

void Replica::close_ended(Effects& effects) {
  if (ingest_paused_ || stamping_paused_ || history_ended() || being_ended() || exclusion()) return;
  // The mirror has not heard of it yet.
  if (needs_state_of()) return;
  acknowledge_removals(effects);
  close_runs(effects);
  acknowledge_ends(effects);
}

void Replica::close_runs(Effects& effects) {
  const bool own_too =
      config_.limits.close_after_ms != 0 && timer_ms_ >= started_ms_ + config_.limits.close_after_ms;
  std::vector<Origin> ended;
  for (const auto& [origin, state] : origins_) {
    if (origin == config_.origin || closings_.find(origin) != nullptr) continue;
    const bool own = state.region == config_.region;
    if (own ? own_too : members_.has_let_go(config_.region, state.region)) ended.push_back(origin);
  }
  const std::string regions = join_regions(members_.everyone());
  for (const Origin origin : ended) {
    if (is_log_behind()) return;
    stamp_system(crdt::CloseOrigin{origin, regions}, effects);
  }
}

void Replica::acknowledge_ends(Effects& effects) {
  std::vector<crdt::AcknowledgeClose> due;
  for (const auto& [origin, closing] : closings_.open()) {
    if (origin == config_.origin || !closing.requires_region(config_.region)) continue;
    const Seq last = vector_.get(origin);
    if (closing.acknowledged.contains(config_.region)) {
      if (acknowledges_again(origin, closing)) due.push_back({origin, last});
      continue;
    }
    // Somebody may have started a copy of a directory whose leader still runs. Of a region that
    // was removed nothing is taken any more.
    const auto heard = last_heard_.find(origin);
    const std::uint64_t since = heard == last_heard_.end() ? started_ms_ : heard->second;
    const bool is_over =
        members_.has_let_go(config_.region, region_of(origin)) ||
        (config_.limits.close_after_ms != 0 && timer_ms_ >= since + config_.limits.close_after_ms) ||
        planted(Planted::end_what_is_heard);
    if (is_over && has_what_members_have(origin, closing.required)) due.push_back({origin, last});
  }
  for (const crdt::AcknowledgeClose& acknowledgement : due) {
    if (is_log_behind()) return;
    stamp_system(acknowledgement, effects);
  }
}

void Replica::retire_ended() {
  // A leader that has more than an end has to remember it, until it has taken another state.
  if (planted(Planted::keep_ended_origins) || has_void()) return;
  // The log of a leader that has copied a state begins where that ended, stable or not.
  VersionVector floor = log_index_.floor();
  floor.meet(stability_.stable());
  for (const Origin origin : closings_.retire(floor, vector_)) {
    VersionVector gone;
    gone.set(origin, 1);
    vector_.remove(gone);
    durable_.remove(gone);
    announced_.remove(gone);
    forgotten_.remove(gone);
    stability_.remove(gone);
    trail_.remove(gone);
    log_index_.remove_from_floor(gone);
    settled_.remove(gone);
    closings_.remember_region(origin, region_of(origin));
    origins_.erase(origin);
    for (auto& [other, state] : origins_) state.deps.remove(gone);
    for (auto& [region, peer] : peers_) {
      peer.durable.remove(gone);
      peer.floor.remove(gone);
    }
    pending_.drop_origin(origin);
    needed_.erase(origin);
    raised_.erase(origin);
    last_heard_.erase(origin);
    gaps_.erase(origin);
  }
}

bool Replica::is_quiet() const { return quiet_ || !has_own_past(); }

// All members have said since its start what they have, and of this region's runs all of that is
// durable here.
bool Replica::has_own_past() const {
  const auto is_here = [this](const auto& entry) {
    if (entry.first == config_.origin || entry.second <= durable_.get(entry.first)) return true;
    // Whose an origin is that this leader has nothing of, it cannot tell.
    const std::string region = region_of(entry.first);
    return !region.empty() && region != config_.region;
  };
  return std::all_of(peers_.begin(), peers_.end(), [&](const auto& item) {
    const auto& [region, peer] = item;
    if (members_.is_removed(region)) return true;
    const auto& entries = peer.durable.entries();
    return peer.origin != Origin{} && std::all_of(entries.begin(), entries.end(), is_here);
  });
}

bool Replica::earlier_runs_ended() const {
  return has_own_past() && std::all_of(origins_.begin(), origins_.end(), [this](const auto& item) {
           if (item.second.region != config_.region || item.first == config_.origin) return true;
           const Closing* closing = closings_.find(item.first);
           if (closing == nullptr || !closings_.complete(*closing)) return false;
           // A crash must not take that back.
           return std::all_of(closing->acknowledged.begin(), closing->acknowledged.end(),
                              [this, closing](const auto& by) {
                                return closings_.covers_acknowledgements_by(by.first, *closing, durable_);
                              });
         });
}

bool Replica::history_ended() const { return closings_.end_of(config_.origin).has_value() || has_void(); }

bool Replica::has_void() const {
  return std::any_of(closings_.open().begin(), closings_.open().end(), [this](const auto& item) {
    const auto& [origin, closing] = item;
    return closings_.complete(closing) && vector_.get(origin) > closing.last() &&
           !acknowledges_again(origin, closing);
  });
}

bool Replica::being_ended() const {
  const Closing* closing = closings_.find(config_.origin);
  if (closing == nullptr) return false;
  // The other leader of this region takes what the others have all the same.
  return std::any_of(closing->acknowledged.begin(), closing->acknowledged.end(),
                     [this](const auto& item) { return item.first != config_.region; });
}

VersionVector Replica::full_vector() const {
  VersionVector full = vector_;
  full.join(closings_.retired());
  return full;
}

}  // namespace turnstone::sync
