// What comes from other leaders: frames, batches, and what to do with each.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/marks.hpp"
#include "core/planted.hpp"

#include "sync/replica.hpp"

namespace turnstone::sync {

void Replica::receive(const std::string& sender, std::string_view frame, Effects& effects) {
  const auto refuse = [&](std::string name, std::string text) {
    ++counters_.frames_malformed;
    effects.emplace_back(std::in_place_type<Alarm>, Alarm{std::move(name), std::move(text)});
  };
  auto message = decode_message(config_.cluster, frame);
  if (!message) return refuse("frame_refused", fmt::format("from '{}': {}", sender, message.error().message));
  const std::string& region = message->region;
  if (region != sender) {
    return refuse("region_mismatch", fmt::format("'{}' sent a frame that names region '{}'", sender, region));
  }
  const auto peer = peers_.find(region);
  if (peer == peers_.end()) {
    const bool removed = members_.is_removed(region);
    if (const auto* pull = std::get_if<Pull>(&message->body)) {
      const Refused refusal{pull->request, removed};
      effects.emplace_back(std::in_place_type<Send>,
                           Send{region, Channel::reply, encode(config_.cluster, config_.region, refusal)});
    }
    if (removed) return;
    return refuse("unknown_region", fmt::format("a frame names region '{}', which is no peer here", region));
  }
  peer->second.heard_ms = timer_ms_;
  // In this leader's form, whatever is retired where they come from.
  if (auto* report = std::get_if<Beacon>(&message->body)) {
    closings_.normalize(report->durable);
    closings_.normalize(report->settled);
    heard_of(report->origin);
    note_needed(region, report->durable, report->origin);
  } else if (auto* pull = std::get_if<Pull>(&message->body)) {
    closings_.normalize(pull->have);
  } else if (auto* refusal = std::get_if<TooOld>(&message->body)) {
    closings_.normalize(refusal->floor);
  }
  if (const auto* publication = std::get_if<Publication>(&message->body)) {
    receive_batch(region, publication->batch, effects);
  } else if (const auto* report = std::get_if<Beacon>(&message->body)) {
    receive_beacon(region, *report, effects);
  } else if (const auto* pull = std::get_if<Pull>(&message->body)) {
    answer_pull(region, *pull, effects);
  } else if (const auto* refusal = std::get_if<TooOld>(&message->body)) {
    receive_too_old(region, *refusal, effects);
  } else if (const auto* no = std::get_if<Refused>(&message->body)) {
    receive_refusal(region, *no, effects);
  } else {
    receive_page(region, std::get<Page>(message->body), effects);
  }
}

void Replica::receive_beacon(const std::string& region, const Beacon& report, Effects& effects) {
  if (!is_believable(region, report, effects)) return;
  Peer& peer = peers_[region];
  const std::size_t entries = std::max(report.durable.entries().size(), report.settled.entries().size());
  if (!is_short_enough(region, entries, effects)) return;
  peer.joining = report.joining;
  peer.clock_skew_ms = static_cast<std::int64_t>(report.now_ms - now_ms_);
  if (peer.origin != report.origin) {
    peer.origin = report.origin;
    peer.durable = report.durable;
    peer.floor = {};
  } else if (report.durable.get(report.origin) >= peer.durable.get(report.origin) &&
             !peer.durable.covers(report.durable)) {
    // Beacons of one run may be reordered; what it has durably only grows. It leaves out what it
    // has retired, which may not be known here yet: so the newest is taken as it is. Joined, the
    // reports of a liar would fill the memory with origins that nobody has.
    peer.durable = report.durable;
  }
  if (report.durable.get(config_.origin) > vector_.get(config_.origin)) {
    effects.emplace_back(
        std::in_place_type<Alarm>,
        Alarm{"origin_ahead", fmt::format("region '{}' reports more of this leader's origin than it "
                                          "has written: another process writes as {}",
                                          region, to_string(config_.origin))});
  }
  if (report.quiet) {
    reached(Mark::quiet_report_heard);
  } else {
    stability_.report(region, report.origin, report.durable, vector_);
  }
  divergence_.receive(region, report, vector_, settled_);
  // What nobody had vouched for may be taken now.
  if (is_new(config_.region)) drain_pending(effects);
  pull_if_behind(effects);
}

Replica::Readiness Replica::readiness(const BatchHeader& header, const VersionVector& context) const {
  const bool own = header.origin == config_.origin && !planted(Planted::reuse_origin_after_restore);
  if (own || quarantined_.contains(header.origin)) {
    return header.last_seq() <= vector_.get(header.origin) ? Readiness::duplicate : Readiness::refused;
  }
  const Seq applied = vector_.get(header.origin);
  if (header.last_seq() <= applied) return Readiness::duplicate;
  if (closings_.is_retired(header.origin)) {
    return header.last_seq() <= closings_.retired().get(header.origin) ? Readiness::duplicate
                                                                       : Readiness::refused;
  }
  if (header.first_seq != applied + 1) return Readiness::early;
  if (header.last_seq() > may_take_up_to(header.origin)) {
    return closings_.complete(*closings_.find(header.origin)) ? Readiness::refused : Readiness::early;
  }
  if (planted(Planted::skip_dependencies)) return Readiness::ready;
  if (!vector_.covers(context)) return Readiness::early;
  if (is_new(config_.region)) {
    const std::string& author = header.first_seq == 1 ? header.region : region_of(header.origin);
    if (!is_vouched_for({header.origin, header.last_seq()}, author)) {
      reached(Mark::new_region_waited);
      return Readiness::early;
    }
  }
  VersionVector known = context;
  known.set(header.origin, header.first_seq - 1);
  if (known.covers(log_index_.floor())) return Readiness::ready;
  // What its author had not seen could not be told from what it had, if the cells list it
  // singly no more and it cannot be listed again, since it was cut. A mirrored leader's log
  // begins above what its cells have forgotten.
  VersionVector lost = log_index_.floor();
  lost.meet(forgotten_);
  return known.covers(lost) ? Readiness::ready : Readiness::below_floor;
}

VersionVector Replica::context_of(const BatchHeader& header) const {
  VersionVector context;
  if (const auto it = origins_.find(header.origin); it != origins_.end()) context = it->second.deps;
  for (const auto& [origin, seq] : header.deps_changes) context.set(origin, seq);
  closings_.normalize(context);
  return context;
}

bool Replica::receive_batch(const std::string& sender, std::string_view bytes, Effects& effects) {
  auto header = decode_batch_header(bytes);
  if (!header) {
    refuse_unreadable(sender, bytes, header.error(), effects);
    return false;
  }
  if (header->cluster != config_.cluster) {
    ++counters_.frames_malformed;
    effects.emplace_back(std::in_place_type<Alarm>, Alarm{"batch_refused", "a batch is of another cluster"});
    return false;
  }
  if (is_one_too_many(header->origin, effects)) return false;
  VersionVector context = context_of(*header);
  const Readiness state = readiness(*header, context);
  const bool wanted = state != Readiness::duplicate && state != Readiness::refused;
  if (wanted && !is_authentic(sender, *header, bytes, effects)) return false;
  switch (state) {
    case Readiness::duplicate:
      reached(Mark::duplicate_dropped);
      ++counters_.duplicates;
      if (planted(Planted::apply_twice))
        apply_deltas(*header, *decode_batch_deltas(*header, bytes), context, effects);
      return true;
    case Readiness::refused:
      return false;
    case Readiness::below_floor:
      refuse_below_floor(*header, effects);
      return false;
    case Readiness::early:
      reached(Mark::batch_held);
      // Its author had seen more of an origin that this leader has stopped taking.
      if (!closings_.open().empty()) {
        const std::string region = header->first_seq == 1 ? header->region : region_of(header->origin);
        note_needed(region, context, header->origin);
        context.set(header->origin, header->first_seq - 1);
        note_raised(region, context);
      }
      if (pending_.has_room_for(header->origin)) {
        counters_.pending_dropped += pending_.add(header->origin, header->first_seq, std::string(bytes));
      } else {
        ++counters_.pending_origins_refused;
      }
      return false;
    case Readiness::ready:
      break;
  }
  if (ingest_paused_ || is_log_behind()) {
    reached(Mark::batch_refused_while_log_is_behind);
    ++counters_.ingest_refused;
    return false;
  }
  if (auto applied = apply_batch(*header, std::move(context), bytes, effects); !applied) {
    quarantine(*header, bytes, applied.error(), effects);
    return false;
  }
  drain_pending(effects);
  return true;
}

void Replica::refuse_below_floor(const BatchHeader& header, Effects& effects) {
  reached(Mark::below_floor_refused);
  ++counters_.batches_below_floor;
  // The floor only rises: asking for them again would change nothing.
  const std::string region = header.first_seq == 1 ? header.region : region_of(header.origin);
  if (quarantined_.size() < config_.limits.quarantined_origins_max) {
    quarantined_[header.origin] = {region, header.first_seq, "below the floor of this leader's log"};
    below_floor_.emplace(header.origin, header.first_seq);
  } else {
    ++counters_.quarantine_overflows;
  }
  pending_.drop_origin(header.origin);
  effects.emplace_back(
      std::in_place_type<Alarm>,
      Alarm{"below_floor",
            fmt::format("writes of region '{}' cannot be taken: their leader (origin {}) was restored from a "
                        "copy that is older than what this leader's log still has",
                        region, to_string(header.origin))});
}

void Replica::drain_pending(Effects& effects) {
  bool progress = true;
  while (progress && !pending_.empty()) {
    progress = false;
    for (const Origin origin : pending_.origins()) {
      pending_.drop_applied(origin, vector_.get(origin));
      const std::string* next = pending_.find(origin, vector_.get(origin) + 1);
      if (next == nullptr) continue;
      const auto header = decode_batch_header(*next);
      VersionVector context = context_of(*header);
      const Readiness state = readiness(*header, context);
      if (state == Readiness::below_floor) refuse_below_floor(*header, effects);
      if (state != Readiness::ready) continue;
      reached(Mark::held_batch_applied);
      const std::string bytes = pending_.take(origin, header->first_seq);
      progress = true;
      if (auto applied = apply_batch(*header, std::move(context), bytes, effects); !applied)
        quarantine(*header, bytes, applied.error(), effects);
    }
  }
}

Result<Hlc> Replica::apply_batch(const BatchHeader& header, VersionVector context, std::string_view bytes,
                                 Effects& effects) {
  const auto known = origins_.find(header.origin);
  if (header.previous_chain != (known == origins_.end() ? 0 : known->second.chain)) {
    return fail(Errc::corrupt, fmt::format("batch {} does not continue the history that is known here",
                                           to_string({header.origin, header.first_seq})));
  }
  // All of it is read before any of it is applied.
  auto deltas = decode_batch_deltas(header, bytes);
  if (!deltas) return tl::make_unexpected(deltas.error());
  // What we wrote so far had not seen this batch; what we write next has.
  if (!planted(Planted::skip_seal)) seal(effects);
  OriginState& state = origins_[header.origin];
  if (header.first_seq == 1) state.region = header.region;
  relist_unstable(header, context);
  trail_.add(header.origin, header.first_seq, context, header.deps_changes);
  if (planted(Planted::drop_delta) && deltas->size() > 1) deltas->pop_back();
  const Hlc newest = apply_deltas(header, *deltas, context, effects);
  vector_.set(header.origin, header.last_seq());
  state.seq = header.last_seq();
  state.chain = header.chain;
  state.deps = std::move(context);
  ++counters_.batches_applied;
  counters_.deltas_applied += header.count;
  append(header, std::string(bytes), effects);
  return newest;
}

Hlc Replica::apply_deltas(const BatchHeader& header, const std::vector<BatchDelta>& deltas,
                          const VersionVector& context, Effects& effects) {
  Hlc newest = header.hlc_base;
  bool in_time = true;
  for (const BatchDelta& delta : deltas) {
    crdt::Author author{delta.stamp, delta.hlc, header.first_seq, &context, &closings_.retired()};
    if (const auto* again = std::get_if<crdt::Again>(&delta.effects.front())) {
      author.hlc = again->hlc;
      author.as_of = &again->as_of;
      author.earlier = &returned_;
      trail_.add_again(delta.stamp, again->as_of);
    }
    std::uint32_t index = 0;
    for (const crdt::Effect& effect : delta.effects) {
      if (crdt::is_system(effect)) apply_system(effect, author, region_of(header.origin));
      keyspace_.apply(effect, author, index++, *this);
    }
    in_time = clock_.observe(delta.hlc, now_ms_, config_.limits.clock_drift_max_ms) && in_time;
    newest = std::max(newest, delta.hlc);
  }
  if (!in_time) {
    reached(Mark::clock_ahead_not_followed);
    effects.push_back(
        Alarm{"clock_ahead", fmt::format("writes of region '{}' are stamped more than {} ms ahead of "
                                         "this leader's clock",
                                         region_of(header.origin), config_.limits.clock_drift_max_ms)});
  }
  return newest;
}

}  // namespace turnstone::sync
