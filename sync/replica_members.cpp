// Regions that join and leave: who is heard and waited for, when a new region may begin, and
// how a removed one is let go. tests/spec/closing.py is the executable form (R5, R6).
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/marks.hpp"
#include "core/planted.hpp"
#include "sync/replica.hpp"

namespace turnstone::sync {
namespace {

constexpr std::uint64_t probe_every_ms = 5000;

}  // namespace

// What follows from them depends on the origins, too, which come later.
void Replica::restore_members(Members members) { members_.restore(std::move(members)); }

// --- who is there

void Replica::add_peer(const std::string& region) {
  const auto [peer, is_new] = peers_.try_emplace(region);
  if (!is_new) return;
  peer->second.timeout_ms = config_.limits.pull_timeout_ms;
  peer->second.page_bytes = config_.limits.page_bytes;
  divergence_.add_peer(region);
}

void Replica::drop_peer(const std::string& region) {
  if (pull_ && pull_->peer == region) pull_.reset();
  peers_.erase(region);
  divergence_.remove_peer(region);
}

void Replica::follow_members() {
  for (const std::string& region : members_.everyone()) {
    if (region == config_.region) continue;
    if (members_.has_let_go(config_.region, region)) {
      drop_peer(region);
    } else {
      add_peer(region);
    }
    const bool is_let_go = members_.is_removed(region) && waited_for_by(region).empty();
    if (is_let_go && !planted(Planted::wait_for_removed)) closings_.waive(region);
    // Until then its deltas may still come, from others: its last report holds stability back.
    if (has_left(region) || (members_.is_removed(region) && planted(Planted::forget_removed_at_once))) {
      stability_.remove_member(region);
    } else {
      stability_.add_member(region);
    }
  }
  look_whether_excluded();
  if (std::exchange(members_seen_, members_.changes()) != members_.changes() && members_sink_)
    members_sink_();
}

void Replica::add_member(const crdt::AddMember& member, Stamp stamp, const std::string& by) {
  const auto taken = members_.add(member, stamp);
  if (taken) return;
  if (taken.error().code == Errc::limit_exceeded) ++counters_.members_refused;
  member_alarm_ = Alarm{"member_refused", fmt::format("a record of members by region '{}' is not taken: {}",
                                                      by, taken.error().message)};
}

bool Replica::is_new(const std::string& region) const {
  const Member* member = members_.find(region);
  if (member == nullptr || member->founding) return false;
  const Stamp added = member->added;
  return !closings_.is_retired(added.origin) && !stability_.stable().covers(added) &&
         !log_index_.floor().covers(added);
}

// --- a new region

// Requests to close a run that were under way do not wait for it: until all know it, it may have
// nothing of any region that those who are waited for could still miss.
bool Replica::is_vouched_for(Stamp stamp, const std::string& author) const {
  bool is_anybody_there = false;
  for (const auto& [region, peer] : peers_) {
    if (region == author || members_.is_removed(region) || is_new(region)) continue;
    if (peer.durable.covers(stamp)) return true;
    is_anybody_there = true;
  }
  return !is_anybody_there;
}

void Replica::look_whether_ready() {
  const Member* own = members_.find(config_.region);
  if (own != nullptr && !own->founding && !ready_) {
    // Who has stamped before it was on record was ready then.
    ready_ = !is_new(config_.region) || vector_.get(config_.origin) != 0 ||
             std::all_of(vector_.entries().begin(), vector_.entries().end(), [this](const auto& entry) {
               return is_vouched_for({entry.first, entry.second}, region_of(entry.first));
             });
  }
  look_whether_excluded();
}

void Replica::look_whether_excluded() {
  const std::string& region = config_.region;
  const Member* own = members_.find(region);
  exclusion_.reset();
  if (members_.is_removed(region) || is_told_of_its_removal()) {
    exclusion_ = fmt::format(
        "region '{}' was removed from the cluster: what it writes reaches nobody. Keep its data directory; "
        "to serve again, start with an empty one and --join as a region of another name",
        region);
  } else if (own == nullptr && !members_.recorded().empty()) {
    exclusion_ = fmt::format(
        "region '{}' is no member of the cluster: add it with 'turnstone region add {}=HOST:PORT'", region,
        region);
  } else if (own != nullptr && !own->founding && !ready_) {
    exclusion_ =
        fmt::format("region '{}' is new and waits until what it has is in a third region, too", region);
  } else if (const auto run = overtaken_run()) {
    exclusion_ = fmt::format(
        "another leader of region '{}' has said how much of the earlier run {} it has, and that is less than "
        "is here: wait until its end is settled",
        region, to_string(*run));
  }
}

// Those that have let it go tell it no more than that. One alone could lie.
bool Replica::is_told_of_its_removal() const {
  bool told = false;
  bool doubted = false;
  for (const auto& [region, peer] : peers_) {
    const bool says_so = peer.refused && peer.refused->removed;
    told = told || says_so;
    doubted = doubted || (is_heard(peer) && !says_so);
  }
  return told && !doubted;
}

// --- a removed region

Regions Replica::waited_for_by(const std::string& region) const {
  Regions missing;
  const auto need = [&](const Regions& required, const auto& acknowledged) {
    for (const std::string& each : required)
      if (!members_.is_removed(each) && !acknowledged.contains(each)) missing.insert(each);
  };
  const Removal& removal = members_.removals().at(region);
  need(removal.required, removal.acknowledged);
  for (const auto& [origin, state] : origins_) {
    if (state.region != region) continue;
    const Closing* closing = closings_.find(origin);
    if (closing != nullptr) need(closing->required, closing->acknowledged);
    // Whoever lets it go asks for the end of its runs.
    if (closing == nullptr) missing.insert(config_.region);
  }
  return missing;
}

// Its leader stamps nothing once it has applied the removal, and its reports tell when it has.
bool Replica::has_said_all(const std::string& region, const Removal& removal) const {
  const auto peer = peers_.find(region);
  if (peer == peers_.end()) return true;
  const std::uint64_t heard = std::max(started_ms_, peer->second.heard_ms);
  if (timer_ms_ >= heard + config_.limits.peer_silence_ms) return true;
  const VersionVector& durable = peer->second.durable;
  if (durable.covers(removal.stamp) || closings_.is_retired(removal.stamp.origin)) {
    return std::all_of(durable.entries().begin(), durable.entries().end(), [&](const auto& entry) {
      return entry.second <= vector_.get(entry.first) || closings_.is_retired(entry.first);
    });
  }
  const auto seen = removal_seen_ms_.find(region);
  const std::uint64_t since = seen == removal_seen_ms_.end() ? started_ms_ : seen->second;
  return config_.limits.close_after_ms != 0 && timer_ms_ >= since + config_.limits.close_after_ms;
}

void Replica::acknowledge_removals(Effects& effects) {
  Regions due;
  for (const auto& [region, removal] : members_.removals()) {
    if (members_.has_let_go(config_.region, region)) continue;
    if (has_said_all(region, removal) && has_what_members_have({}, removal.required)) due.insert(region);
  }
  for (const std::string& region : due) {
    reached(Mark::removed_region_let_go);
    stamp_system(crdt::AcknowledgeRemoval{region}, effects);
  }
}

// --- what a leader is told that is no member

void Replica::receive_refusal(const std::string& region, const Refused& refusal, Effects& effects) {
  Peer& peer = peers_[region];
  if (pull_ && pull_->peer == region) pull_.reset();
  const bool is_news = !peer.refused || peer.refused->removed != refusal.removed;
  peer.refused = refusal;
  peer.has_answered = false;
  look_whether_excluded();
  if (!is_news) return;
  reached(Mark::refusal_heard);
  effects.emplace_back(
      std::in_place_type<Alarm>,
      refusal.removed
          ? Alarm{"region_removed",
                  fmt::format("region '{}' says that region '{}' was removed from the cluster", region,
                              config_.region)}
          : Alarm{
                "region_unknown",
                fmt::format("region '{}' does not know region '{}': it is to be added with 'turnstone region "
                            "add {}=HOST:PORT'",
                            region, config_.region, config_.region)});
}

void Replica::note_answer(const std::string& region) {
  Peer& peer = peers_[region];
  peer.refused.reset();
  peer.has_answered = true;
}

void Replica::probe_peers(Effects& effects) {
  for (auto& [region, peer] : peers_) {
    if (is_heard(peer) ? peer.has_answered : timer_ms_ < peer.next_probe_ms) continue;
    if (peer.refused && timer_ms_ < peer.next_probe_ms) continue;
    peer.next_probe_ms = timer_ms_ + probe_every_ms;
    const std::string frame = encode(config_.cluster, config_.region, Pull{0, 0, vector_});
    effects.emplace_back(std::in_place_type<Send>, Send{region, Channel::request, frame});
  }
}

}  // namespace turnstone::sync
