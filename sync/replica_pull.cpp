// Gap repair: who finds itself behind anyone's beacon pulls what is missing, in pages,
// from any peer that has it. PUB/SUB loses silently; nothing depends on it.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/marks.hpp"
#include "core/planted.hpp"

#include "sync/replica.hpp"

namespace turnstone::sync {
namespace {

// The least that is asked for where answers take too long.
constexpr std::size_t page_bytes_least = 16 * 1024;
// Rests double this often: 50 ms, 100 ms ... 1.6 s.
constexpr unsigned fruitless_max = 6;

}  // namespace

void Replica::answer_pull(const std::string& region, const Pull& pull, Effects& effects) {
  if (pull.bytes_max == 0) {
    const std::string frame = encode(config_.cluster, config_.region, Page{pull.request, false, {}});
    effects.emplace_back(std::in_place_type<Send>, Send{region, Channel::reply, frame});
    return;
  }
  if (!pull.have.covers(log_index_.floor())) {
    reached(Mark::too_old_answered);
    const std::string frame =
        encode(config_.cluster, config_.region, TooOld{pull.request, log_index_.floor()});
    effects.emplace_back(std::in_place_type<Send>, Send{region, Channel::reply, frame});
    return;
  }
  const std::size_t bytes = std::min<std::size_t>(pull.bytes_max, config_.limits.page_bytes);
  LogIndex::Page page = log_index_.beyond(pull.have, bytes);
  effects.emplace_back(std::in_place_type<ReadLog>,
                       ReadLog{region, pull.request, std::move(page.lsns), page.more});
}

void Replica::receive_page(const std::string& region, const Page& page, Effects& effects) {
  const bool asked = pull_ && pull_->peer == region && pull_->request == page.request;
  note_answer(region);
  bool progress = false;
  for (const std::string_view batch : page.batches) {
    const std::size_t before = counters_.batches_applied;
    receive_batch(region, batch, effects);
    progress = progress || counters_.batches_applied != before;
  }
  if (!asked) return;
  pull_.reset();
  if (planted(Planted::trust_empty_page) && page.batches.empty()) {
    for (const auto& [origin, gap] : gaps_) quarantined_.try_emplace(origin);
  }
  Peer& peer = peers_[region];
  peer.timeout_ms = config_.limits.pull_timeout_ms;
  peer.page_bytes = std::min(peer.page_bytes * 2, config_.limits.page_bytes);
  // A peer that gives nothing new is not asked again at once, and then less and less often:
  // it may have nothing but what cannot be taken.
  if (progress) {
    peer.fruitless = 0;
  } else {
    reached(Mark::pull_gave_nothing);
    rest_after_nothing(peer);
  }
  if (page.more && progress) {
    reached(Mark::pull_continued);
    send_pull(region, peer, effects);
  } else {
    pull_if_behind(effects);
  }
}

void Replica::rest_after_nothing(Peer& peer) const {
  peer.fruitless = std::min(peer.fruitless + 1, fruitless_max);
  peer.rest_until_ms = timer_ms_ + (config_.limits.beacon_active_ms << (peer.fruitless - 1));
}

void Replica::receive_too_old(const std::string& region, const TooOld& refusal, Effects& effects) {
  note_answer(region);
  if (!pull_ || pull_->peer != region || pull_->request != refusal.request) return;
  reached(Mark::too_old_heard);
  pull_.reset();
  Peer& peer = peers_[region];
  peer.timeout_ms = config_.limits.pull_timeout_ms;
  if (!is_short_enough(region, refusal.floor.entries().size(), effects)) {
    peer.rest_until_ms = timer_ms_ + config_.limits.pull_timeout_ms_max;
    return pull_if_behind(effects);
  }
  peer.floor = refusal.floor;
  // It lacks the end of a run that is retired here, and takes this leader's vector for less than it
  // is: asked again at once it would say the same.
  if (vector_.covers(peer.floor)) rest_after_nothing(peer);
  pull_if_behind(effects);
  if (needs_state_of()) {
    effects.emplace_back(
        std::in_place_type<Alarm>,
        Alarm{"too_far_behind", fmt::format("what this leader lacks is in no peer's log any more; region "
                                            "'{}' can give a copy of its state",
                                            region)});
  }
}

std::optional<std::string> Replica::needs_state_of() const {
  // A leader that took it before its own log was cut has the state with it.
  for (const auto& [origin, seq] : below_floor_) {
    if (planted(Planted::leave_below_floor)) break;
    for (const auto& [region, peer] : peers_) {
      const bool has_both = peer.durable.get(origin) >= seq && peer.durable.covers(log_index_.floor());
      if (!is_heard(peer) || !has_both) continue;
      reached(Mark::state_needed_below_floor);
      return region;
    }
  }
  // Here is what nobody takes any more: it is to be kept aside, and brought back.
  if (has_void()) {
    for (const auto& [region, peer] : peers_) {
      if (!is_heard(peer) || peer.refused || peer.joining || !peer.durable.covers(log_index_.floor()))
        continue;
      return region;
    }
  }
  std::optional<std::string> source;
  for (const auto& [region, peer] : peers_) {
    if (!is_heard(peer) || peer.refused || vector_.covers(peer.durable)) continue;
    if (vector_.covers(peer.floor)) return std::nullopt;
    source = region;
  }
  return source;
}

void Replica::note_gaps() {
  std::erase_if(gaps_, [this](const auto& item) {
    const Origin origin = item.first;
    const bool offered = std::any_of(peers_.begin(), peers_.end(), [&](const auto& peer) {
      return peer.second.durable.get(origin) > vector_.get(origin);
    });
    return vector_.get(origin) >= item.second.target || quarantined_.contains(origin) || !offered;
  });
  for (const auto& [region, peer] : peers_) {
    for (const auto& [origin, seq] : peer.durable.entries()) {
      const Seq wanted = std::min(seq, may_take_up_to(origin));
      if (origin == config_.origin || wanted <= vector_.get(origin) || quarantined_.contains(origin))
        continue;
      gaps_.try_emplace(origin, Gap{wanted, timer_ms_});
    }
  }
}

bool Replica::is_heard(const Peer& peer) const {
  return peer.heard_ms != 0 && timer_ms_ <= peer.heard_ms + config_.limits.peer_silence_ms;
}

bool Replica::can_help(const Peer& peer) const {
  if (!is_heard(peer) || peer.refused) return false;
  if (timer_ms_ < peer.rest_until_ms || !vector_.covers(peer.floor)) return false;
  return std::any_of(gaps_.begin(), gaps_.end(), [&](const auto& item) {
    const auto& [origin, gap] = item;
    return timer_ms_ >= gap.since_ms + config_.limits.gap_grace_ms &&
           peer.durable.get(origin) > vector_.get(origin);
  });
}

void Replica::pull_if_behind(Effects& effects) {
  if (pull_ && timer_ms_ >= pull_->deadline_ms) pull_timed_out(effects);
  if (pull_ || ingest_paused_ || uncommitted_bytes_ > config_.limits.uncommitted_bytes_max / 2) return;
  note_gaps();
  if (gaps_.empty()) return;
  // The region that wrote what is missing is asked first: its log certainly has it.
  auto best = peers_.end();
  for (auto it = peers_.begin(); it != peers_.end(); ++it) {
    if (!can_help(it->second)) continue;
    if (best == peers_.end() || gaps_.contains(it->second.origin)) best = it;
  }
  if (best == peers_.end()) return;
  if (!gaps_.contains(best->second.origin)) reached(Mark::pull_from_third_region);
  send_pull(best->first, best->second, effects);
}

// No answer: the next peer gets its turn, and this one a longer rest each time. On a slow link
// a whole page takes too long, so less is asked for.
void Replica::pull_timed_out(Effects& effects) {
  reached(Mark::pull_unanswered);
  Peer& peer = peers_[pull_->peer];
  peer.rest_until_ms = timer_ms_ + peer.timeout_ms;
  peer.page_bytes = std::max(peer.page_bytes / 4, std::min(page_bytes_least, config_.limits.page_bytes));
  if (peer.timeout_ms >= config_.limits.pull_timeout_ms_max) {
    effects.emplace_back(
        std::in_place_type<Alarm>,
        Alarm{"pull_unanswered",
              fmt::format("region '{}' is heard and has what is missing here, but no answer to a pull comes "
                          "within {} ms: the link is too slow, or one batch is larger than this leader takes",
                          pull_->peer, peer.timeout_ms)});
  }
  peer.timeout_ms = std::min(peer.timeout_ms * 2, config_.limits.pull_timeout_ms_max);
  pull_.reset();
}

void Replica::send_pull(const std::string& region, Peer& peer, Effects& effects) {
  const std::uint64_t request = next_request_++;
  pull_ = PullUnderWay{region, request, timer_ms_ + peer.timeout_ms};
  ++counters_.pulls;
  effects.emplace_back(std::in_place_type<Send>, Send{region, Channel::request,
                                                      encode(config_.cluster, config_.region,
                                                             Pull{request, peer.page_bytes, vector_})});
}

}  // namespace turnstone::sync
