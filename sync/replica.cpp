#include "sync/replica.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/marks.hpp"
#include "core/planted.hpp"

namespace turnstone::sync {
namespace {

// A clock that goes further in one step was set, or the process stood still: what it did not hear
// meanwhile says nothing.
constexpr std::uint64_t step_ms_max = 60'000;

Regions configured(const ReplicaConfig& config) {
  Regions regions(config.peers.begin(), config.peers.end());
  regions.insert(config.region);
  return regions;
}

}  // namespace

Replica::Replica(ReplicaConfig config, unsigned shard_bits)
    : config_(std::move(config)),
      keyspace_(shard_bits),
      members_(configured(config_)),
      trail_(config_.limits.trail_batches_max),
      pending_(config_.limits.pending_bytes_max, config_.limits.pending_origins_max),
      settled_(config_.limits.log_prefix_groups_max),
      divergence_(keyspace_, config_.limits) {
  keyspace_.set_position(next_lsn_);
  follow_members();
}

// --- recovery

void Replica::restore_floor(Lsn lsn, VersionVector vector) {
  vector.remove(closings_.retired());
  log_index_.restore_floor(lsn, std::move(vector));
}

void Replica::restore_origin(Origin origin, OriginState state) {
  vector_.set(origin, state.seq);
  durable_.set(origin, state.seq);
  if (state.region == config_.region) ready_ = true;
  origins_[origin] = std::move(state);
}

void Replica::restore_position(Lsn lsn, Hlc hlc) {
  next_lsn_ = lsn + 1;
  durable_lsn_ = lsn;
  follow_members();
  keyspace_.set_position(lsn);
  keyspace_.touch_all();
  keyspace_.set_position(next_lsn_);
  settled_.restore(lsn, vector_);
  stored_lsn_ = lsn;
  forgotten_ = vector_;
  // A millisecond of drift, since the counter behind the milliseconds counts, too.
  clock_.observe(hlc, hlc_ms(hlc), 1);
}

void Replica::restore_index(Lsn lsn, Origin origin, Seq first_seq, Seq last_seq, std::size_t bytes) {
  // It was cut before its origin was retired. The file follows behind the stored state, and did
  // not come so far.
  if (closings_.is_retired(origin) && !planted(Planted::keep_retired_in_log)) {
    reached(Mark::cut_was_behind);
    return log_index_.restore_cut(lsn);
  }
  log_index_.add(lsn, origin, first_seq, last_seq, bytes);
}

Result<void> Replica::replay(Lsn lsn, std::string_view bytes) {
  auto header = decode_batch_header(bytes);
  if (!header) return tl::make_unexpected(header.error());
  // What was taken when it came stays taken, whatever was cut or closed since.
  VersionVector context = context_of(*header);
  if (header->first_seq != vector_.get(header->origin) + 1 || !vector_.covers(context)) {
    return fail(Errc::corrupt, fmt::format("the log's batch {} does not follow the batches before it", lsn));
  }
  Effects appended;
  next_lsn_ = lsn;
  keyspace_.set_position(lsn);
  const auto newest = apply_batch(*header, std::move(context), bytes, appended);
  if (!newest) return tl::make_unexpected(newest.error());
  if (region_of(header->origin) == config_.region) {
    // Our own region's earlier stamps stay below our next one, however far ahead they are.
    clock_.observe(*newest, hlc_ms(*newest), 1);
    if (!std::exchange(ready_, true)) look_whether_excluded();
  }
  Effects none;
  committed(lsn, none);
  member_alarm_.reset();  // it was raised when this came
  return {};
}

// --- local operations

void Replica::begin(std::uint64_t now_ms) {
  TURNSTONE_CHECK(!operation_);
  set_clock(now_ms);
  operation_effects_ = 0;
  operation_.emplace();
}

void Replica::apply(const crdt::Effect& effect) {
  TURNSTONE_CHECK(operation_.has_value());
  if (operation_effects_ == 0) {
    const Seq seq = vector_.get(config_.origin) + 1;
    *operation_ = {{config_.origin, seq}, clock_.tick(now_ms_), seq - builder_.count()};
    vector_.set(config_.origin, seq);
    builder_.begin_operation(operation_->hlc);
  }
  builder_.add(effect);
  if (const auto* again = std::get_if<crdt::Again>(&effect)) {
    as_of_ = again->as_of;
    operation_->hlc = again->hlc;
    operation_->as_of = &as_of_;
    trail_.add_again(operation_->stamp, as_of_);
    operation_->earlier = &returned_;
  }
  if (crdt::is_system(effect)) apply_system(effect, *operation_, config_.region);
  keyspace_.apply(effect, *operation_, operation_effects_++, *this);
}

std::optional<Lsn> Replica::commit() {
  TURNSTONE_CHECK(operation_.has_value());
  operation_.reset();
  if (operation_effects_ == 0) return std::nullopt;
  return next_lsn_;
}

bool Replica::open_batch_is_full() const {
  return builder_.bytes() >= config_.limits.batch_bytes || builder_.count() >= config_.limits.batch_deltas;
}

void Replica::seal(Effects& effects) {
  if (builder_.empty()) return;
  note_full_batch();
  OriginState& own = origins_[config_.origin];
  VersionVector deps = vector_;
  deps.set(config_.origin, 0);
  BatchHeader header;
  header.cluster = config_.cluster;
  header.origin = config_.origin;
  header.first_seq = own.seq + 1;
  header.previous_chain = own.chain;
  header.region = config_.region;
  header.deps_changes = deps.since(own.deps);
  header.is_signed = config_.signatures != nullptr;
  std::string bytes = builder_.finish(header);
  if (header.is_signed) bytes += config_.signatures->sign(bytes);
  own.region = config_.region;
  own.seq = header.last_seq();
  own.chain = header.chain;
  own.deps = std::move(deps);
  trail_.add(config_.origin, header.first_seq, own.deps, header.deps_changes);
  append(header, std::move(bytes), effects);
}

void Replica::append(const BatchHeader& header, std::string bytes, Effects& effects) {
  const auto shared = std::make_shared<const std::string>(std::move(bytes));
  uncommitted_bytes_ += shared->size();
  uncommitted_.push_back({next_lsn_, header.origin, header.first_seq, header.last_seq(), shared});
  effects.emplace_back(std::in_place_type<Append>,
                       Append{next_lsn_, header.origin, header.first_seq, header.last_seq(), shared});
  if (planted(Planted::acknowledge_before_sync)) effects.push_back(Acknowledge{next_lsn_});
  if (planted(Planted::publish_before_durable) && header.origin == config_.origin) {
    effects.push_back(Publish{encode(config_.cluster, config_.region, Publication{*shared})});
  }
  settled_.add(next_lsn_, header.origin, header.last_seq());
  keyspace_.set_position(++next_lsn_);
}

Checkpoint Replica::freeze(Effects& effects) {
  seal(effects);
  keyspace_.dirty().freeze();
  return {last_lsn(), clock_.last(), origins_, forgotten_, closings_, members_, returned_};
}

// --- the protocol

void Replica::set_clock(std::uint64_t now_ms) {
  if (now_ms_ == 0) {
    started_ms_ = timer_ms_ = now_ms;
  } else if (now_ms > now_ms_) {
    timer_ms_ +=
        planted(Planted::trust_clock_jumps) ? now_ms - now_ms_ : std::min(now_ms - now_ms_, step_ms_max);
  }
  now_ms_ = now_ms;
}

Effects Replica::step(std::uint64_t now_ms, Event event) {
  TURNSTONE_CHECK(!operation_);
  set_clock(now_ms);
  Effects effects;
  if (const auto* frame = std::get_if<FrameReceived>(&event)) {
    receive(frame->peer, frame->bytes, effects);
  } else if (const auto* durable = std::get_if<Committed>(&event)) {
    committed(durable->lsn, effects);
  } else if (const auto* read = std::get_if<LogRead>(&event)) {
    Page page{read->request, read->more, {}};
    for (const std::string& batch : read->batches) page.batches.push_back(batch);
    ++counters_.pages_served;
    effects.emplace_back(std::in_place_type<Send>,
                         Send{read->peer, Channel::reply, encode(config_.cluster, config_.region, page)});
  } else if (const auto* stored = std::get_if<Stored>(&event)) {
    stored_lsn_ = stored->lsn;
  } else if (const auto* again = std::get_if<Reconsider>(&event)) {
    reconsider(again->bytes, effects);
  } else if (std::holds_alternative<Tick>(event)) {
    tick(effects);
  } else {
    seal(effects);
  }
  if (member_alarm_) effects.emplace_back(*std::exchange(member_alarm_, std::nullopt));
  return effects;
}

void Replica::committed(Lsn lsn, Effects& effects) {
  durable_lsn_ = lsn;
  effects.emplace_back(std::in_place_type<Acknowledge>, Acknowledge{lsn});
  while (!uncommitted_.empty() && uncommitted_.front().lsn <= lsn) {
    const Uncommitted batch = std::move(uncommitted_.front());
    uncommitted_.pop_front();
    uncommitted_bytes_ -= batch.bytes->size();
    durable_.set(batch.origin, batch.last_seq);
    log_index_.add(batch.lsn, batch.origin, batch.first_seq, batch.last_seq, batch.bytes->size());
    if (batch.origin != config_.origin) continue;
    if (batch.bytes->size() <= config_.limits.publish_bytes_max) {
      published_bytes_ = batch.bytes->size();
      effects.emplace_back(std::in_place_type<Publish>,
                           Publish{encode(config_.cluster, config_.region, Publication{*batch.bytes})});
    } else {
      reached(Mark::batch_left_to_pulls);
      ++counters_.batches_left_to_pulls;
      next_beacon_ms_ = 0;
    }
  }
}

void Replica::tick(Effects& effects) {
  const bool active = announced_ != durable_;
  if (!peers_.empty()) settled_.advance(held_by_all());
  divergence_.tick(timer_ms_, settled_, effects);
  if (timer_ms_ >= next_beacon_ms_ || (active && timer_ms_ + config_.limits.beacon_idle_ms >=
                                                     next_beacon_ms_ + config_.limits.beacon_active_ms)) {
    beacon(effects);
  }
  if (timer_ms_ >= next_forget_ms_) {
    next_forget_ms_ = timer_ms_ + config_.limits.forget_every_ms;
    if (!is_quiet()) stability_.advance(durable_, vector_);
    forget_stable();
    note_backlog();
    cut_log(effects);
    retire_ended();
    look_whether_ready();
    close_ended(effects);
    probe_peers(effects);
  }
  pull_if_behind(effects);
}

void Replica::forget_stable() {
  VersionVector past = stability_.stable();
  past.join(closings_.retired());
  if (past == past_) return;
  past_ = std::move(past);
  keyspace_.forget_stable(past_);
  trail_.forget(past_);
  forgotten_.join(stability_.stable());
}

void Replica::cut_log(Effects& effects) {
  // A replay would list again what was listed again since, and needs the same log for it.
  if (stored_lsn_ < relisted_lsn_) return;
  // What is stable follows from what is applied, and a cut outlives a crash that takes the
  // newest of that back: deltas that have not seen what is cut would then come once more.
  if (!stable_then_) stable_then_ = {last_lsn(), stability_.stable()};
  if (durable_lsn_ < stable_then_->lsn) return;
  VersionVector stable = std::exchange(stable_then_, std::nullopt)->vector;
  stable.meet(stability_.stable());  // it may have been lowered since
  const VersionVector ends = closings_.ends_to_cut(stable, config_.limits.ended_origins_max);
  if (log_index_.cut(stable, stored_lsn_, config_.limits.log_retain_bytes, ends)) {
    effects.push_back(Truncate{log_index_.floor_lsn()});
  }
}

void Replica::beacon(Effects& effects) {
  next_beacon_ms_ = timer_ms_ + config_.limits.beacon_idle_ms;
  announced_ = durable_;
  Beacon report{config_.origin,   now_ms_,   durable_, settled_.vector(), divergence_.announce(settled_),
                stamping_paused_, is_quiet()};
  effects.emplace_back(std::in_place_type<Publish>, Publish{encode(config_.cluster, config_.region, report)});
}

VersionVector Replica::held_by_all() const {
  VersionVector held = durable_;
  for (const auto& [region, peer] : peers_) {
    if (is_heard(peer)) held.meet(peer.durable);
  }
  return held;
}

void Replica::key_changed(std::string_view key) {
  if (key_change_sink_) key_change_sink_(key);
}

void Replica::conflict_found(const crdt::Conflict& conflict) {
  if (conflict_sink_) conflict_sink_(conflict);
}

void Replica::conflict_settled(const crdt::Settlement& settlement) {
  if (settlement_sink_) settlement_sink_(settlement);
}

std::string Replica::region_of(Origin origin) const {
  const auto it = origins_.find(origin);
  if (it != origins_.end()) return it->second.region;
  return origin == config_.origin ? config_.region : closings_.region_of_retired(origin);
}

std::optional<VersionVector> Replica::seen_by_author_of(Stamp stamp) const {
  if (stamp.origin != config_.origin || stamp.seq <= vector_.get(config_.origin) - builder_.count())
    return trail_.at(stamp);
  // Not sealed yet: nothing was applied since that its author had not seen.
  if (operation_ && operation_->as_of != nullptr) return *operation_->as_of;
  VersionVector seen = vector_;
  seen.set(stamp.origin, stamp.seq - 1);
  return seen;
}

std::set<Origin> Replica::own_origins() const {
  std::set<Origin> own = {config_.origin};
  for (const auto& [origin, state] : origins_)
    if (state.region == config_.region) own.insert(origin);
  return own;
}

std::vector<PeerView> Replica::peers() const {
  std::vector<PeerView> views;
  for (const auto& [region, peer] : peers_) {
    PeerView view{region,
                  peer.origin,
                  peer.durable,
                  0,
                  peer.clock_skew_ms,
                  0,
                  0,
                  is_heard(peer) && !peer.refused,
                  peer.joining,
                  peer.has_answered};
    if (peer.heard_ms != 0) view.heard_ms = now_ms_ - std::min(now_ms_, timer_ms_ - peer.heard_ms);
    for (const auto& [origin, seq] : vector_.entries()) {
      view.behind_us += seq - std::min(seq, peer.durable.get(origin));
    }
    for (const auto& [origin, seq] : peer.durable.entries()) {
      view.ahead_of_us += seq - std::min(seq, vector_.get(origin));
    }
    views.push_back(std::move(view));
  }
  return views;
}

}  // namespace turnstone::sync
