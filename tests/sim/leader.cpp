#include "tests/sim/leader.hpp"

#include <algorithm>
#include <utility>

#include "core/planted.hpp"
#include "tests/sim/forger.hpp"
#include "tests/sim/world.hpp"

namespace turnstone::sim {
namespace {

constexpr std::uint64_t epoch_ms = 1'700'000'000'000;
constexpr std::uint64_t cluster = 7;
constexpr unsigned shard_bits = 3;

}  // namespace

Leader::Leader(World& world, std::size_t index, std::string region)
    : world_(world), index_(index), region_(std::move(region)) {}

std::uint64_t Leader::clock_ms() const {
  const std::uint64_t now =
      static_cast<std::uint64_t>(static_cast<std::int64_t>(epoch_ms + world_.now_ms()) + clock_offset_ms_);
  latest_clock_ms_ = std::max(latest_clock_ms_, now);
  return now;
}

void Leader::later(std::uint64_t delay_ms, std::function<void()> work) {
  world_.at(world_.now_ms() + delay_ms, [this, process = process_, work = std::move(work)] {
    if (up() && process == process_) work();
  });
}

void Leader::start() {
  sync::ReplicaConfig config;
  config.cluster = cluster;
  config.region = region_;
  config.origin = sync::origin_of(region_, world_.random().next() | 1);
  if (planted(Planted::reuse_origin_after_restore) && restored_) {
    config.origin = disk_.newest_origin_of(region_);
  }
  config.peers = world_.peers_of(region_);
  config.limits = world_.swarm().limits;
  if (world_.swarm().forgery_every_ms != 0) config.signatures = signatures_of(region_);
  ++process_;
  syncing_ = false;
  restored_ = false;
  needs_help_ = false;
  next_committed_ms_ = 0;
  tickets_.clear();
  checkpoint_.reset();
  replica_ = std::make_unique<sync::Replica>(config, shard_bits);
  replica_->on_conflict(
      [this](const crdt::Conflict& conflict) { world_.checkers().conflict(*this, conflict); });
  replica_->on_log_scan([this](const std::function<void(std::string_view)>& visit) { disk_.scan(visit); });
  if (disk_.finish_install(region_)) {
    world_.checkers().installed(*this);
    world_.copy_installed(*this);
  }
  disk_.recover(*replica_, disk_.floor_lsn() != 0 || world_.random().chance(0.8));
  world_.trace("{} starts as {} with {} of {} batches in its state", region_, to_string(config.origin),
               disk_.state_lsn(), disk_.last_lsn());
  world_.checkers().started(*this);
  mirror_ = std::make_unique<MirrorHost>(world_, *this, disk_, *replica_);
  mirror_->start(std::exchange(join_, false));
  later(0, [this] { tick(); });
}

void Leader::crash() {
  world_.trace("{} crashes at {}", region_, to_string(replica_->full_vector()));
  disk_.crash(world_.random());
  end_process();
}

void Leader::end_process() {
  mirror_.reset();
  replica_.reset();
  ++process_;
}

void Leader::reopen() {
  world_.trace("{} starts anew on the copy", region_);
  require(!disk_.has_unsynced(), region_ + " gives up writes for a copy of another state");
  // The caller is a part of what ends.
  world_.at(world_.now_ms(), [this, process = process_] {
    if (!up() || process != process_) return;
    end_process();
    world_.at(world_.now_ms() + world_.random().below(200), [this] {
      if (!up()) start();
    });
  });
}

void Leader::lose_disk() {
  world_.trace("{} has lost its disk with {}", region_, to_string(disk_.holds()));
  const Disk before = std::exchange(disk_, {});
  join_ = true;
  world_.checkers().disk_lost(*this, before);
}

void Leader::find_disk(const Disk& found) {
  world_.trace("{} finds a disk with {}", region_, to_string(found.holds()));
  std::set<Origin> own;
  for (const auto& [origin, state] : found.state().checkpoint.origins)
    if (state.region == region_) own.insert(origin);
  disk_.keep_earlier(found, region_, own, disk_.holds());
  disk_.earlier.insert(disk_.earlier.end(), found.earlier.begin(), found.earlier.end());
}

void Leader::restore(Disk copy) {
  world_.trace("{} is restored to {} from {}", region_, to_string(copy.holds()), to_string(disk_.holds()));
  const Disk before = std::exchange(disk_, std::move(copy));
  restored_ = true;
  world_.checkers().restored(*this, before);
}

void Leader::clone(const Leader& original, Disk copy) {
  world_.trace("a second leader of {} has a copy of its directory at {}", region_, to_string(copy.holds()));
  disk_ = std::move(copy);
  clock_offset_ms_ = original.clock_offset_ms_;
  latest_clock_ms_ = std::max(latest_clock_ms_, original.latest_clock_ms_);
  world_.checkers().cloned(original, *this);
}

void Leader::end() {
  world_.trace("a leader of {} ends for good with {}", region_, to_string(disk_.holds()));
  end_process();
  const Disk before = std::exchange(disk_, {});
  tickets_.clear();
  ended_ = true;
  world_.checkers().restored(*this, before);
}

void Leader::receive(const std::string& peer, const std::string& frame) {
  if (sync::is_mirror_frame(frame) && !replica_->is_peer(peer)) return;
  if (!mirror_->receive(peer, frame)) step(sync::FrameReceived{peer, frame});
}

void Leader::write(std::vector<OwnedEffect> effects) {
  Operation operation;
  operation.context = replica_->full_vector();
  replica_->begin(clock_ms());
  for (const OwnedEffect& effect : effects) replica_->apply(effect.view());
  const auto ticket = replica_->commit();
  operation.effects = std::move(effects);
  const Origin origin = replica_->config().origin;
  operation.stamp = {origin, replica_->full_vector().get(origin)};
  operation.hlc = replica_->last_hlc();
  tickets_.push_back({*ticket, operation.stamp});
  world_.checkers().stamped(*this, std::move(operation));
  world_.checkers().after_step(*this);
  if (replica_->open_batch_is_full()) step(sync::Flush{});
  keep_log_busy();
}

void Leader::stamp(const std::vector<crdt::Effect>& effects) {
  replica_->begin(clock_ms());
  for (const crdt::Effect& effect : effects) replica_->apply(effect);
  replica_->commit();
  step(sync::Flush{});
}

void Leader::tick() {
  step(sync::Tick{});
  mirror_->tick();
  replica_->set_ingest_paused(mirror_->holds_still());
  if (world_.now_ms() >= next_return_ms_) {
    next_return_ms_ = world_.now_ms() + 100;
    bring_back();
  }
  later(world_.swarm().tick_ms, [this] { tick(); });
}

// As the server does with what is kept beside its log.
void Leader::bring_back() {
  const auto place = [](const EarlierWrites& each) {
    return sync::EarlierBatch{each.batch.origin, each.batch.first_seq, each.batch.last_seq};
  };
  std::erase_if(disk_.earlier, [&](const EarlierWrites& each) {
    if (each.own) return replica_->has_brought_back(place(each));
    const auto end = replica_->closings().end_of(each.batch.origin);
    return replica_->durable().covers({each.batch.origin, each.batch.last_seq}) ||
           (end && each.batch.first_seq > *end);
  });
  if (disk_.earlier.empty()) return;
  const std::vector<EarlierWrites> kept = disk_.earlier;
  for (const EarlierWrites& each : kept) {
    if (replica_->should_reconsider(each.batch.origin, each.batch.first_seq))
      step(sync::Reconsider{*each.batch.bytes});
  }
  std::vector<sync::EarlierBatch> places;
  for (const EarlierWrites& each : kept)
    if (each.own) places.push_back(place(each));
  if (places.empty()) return;
  carry_out(replica_->bring_back(clock_ms(), places, [&](const auto& visit) {
    for (const EarlierWrites& each : kept)
      if (each.own && !visit(*each.batch.bytes, each.seen)) return;
  }));
  if (replica_->return_waits_for())
    world_.trace("{} waits with {} batches for {}", region_, places.size(), *replica_->return_waits_for());
  world_.checkers().after_step(*this);
  keep_log_busy();
}

void Leader::step(sync::Event event) {
  carry_out(replica_->step(clock_ms(), std::move(event)));
  world_.checkers().after_step(*this);
  keep_log_busy();
}

void Leader::carry_out(sync::Effects effects) {
  for (sync::Effect& effect : effects) {
    if (const auto* append = std::get_if<sync::Append>(&effect)) {
      disk_.append(*append);
      world_.checkers().appended(*this, *append);
    } else if (const auto* publish = std::get_if<sync::Publish>(&effect)) {
      world_.checkers().sent(*this, publish->frame);
      world_.publish(*this, publish->frame);
    } else if (const auto* send = std::get_if<sync::Send>(&effect)) {
      world_.checkers().sent(*this, send->frame);
      world_.send(*this, send->peer, send->frame);
    } else if (const auto* read = std::get_if<sync::ReadLog>(&effect)) {
      read_log(*read);
    } else if (const auto* truncate = std::get_if<sync::Truncate>(&effect)) {
      disk_.truncate(truncate->up_to);
    } else if (const auto* acknowledged = std::get_if<sync::Acknowledge>(&effect)) {
      acknowledge(acknowledged->up_to);
    } else if (const auto* aside = std::get_if<sync::SetAside>(&effect)) {
      world_.trace("{} sets a batch of {} aside: {}", region_, to_string(aside->origin), aside->reason);
    } else {
      raise(std::get<sync::Alarm>(effect));
    }
  }
}

void Leader::raise(const sync::Alarm& alarm) {
  world_.trace("{} alarm {}: {}", region_, alarm.name, alarm.text);
  needs_help_ = needs_help_ || alarm.name == "mirror_refused";
  world_.checkers().alarm(*this, alarm);
}

void Leader::acknowledge(sync::Lsn up_to) {
  while (!tickets_.empty() && tickets_.front().lsn <= up_to) {
    world_.checkers().acknowledged(*this, tickets_.front().stamp);
    tickets_.pop_front();
  }
}

// One sync at a time, of everything appended by then; the next batch gathers meanwhile.
void Leader::keep_log_busy() {
  if (syncing_) return;
  if (replica_->has_open_batch()) carry_out(replica_->step(clock_ms(), sync::Flush{}));
  if (!disk_.has_unsynced()) return;
  syncing_ = true;
  const Swarm& swarm = world_.swarm();
  const std::uint64_t slowest = world_.faulty() ? swarm.sync_max_ms : swarm.sync_min_ms + 3;
  later(world_.random().between(swarm.sync_min_ms, slowest), [this, upto = disk_.last_lsn()] {
    disk_.sync(upto);
    syncing_ = false;
    // The news takes a moment, and the log has more than the replica knows meanwhile.
    next_committed_ms_ = std::max(next_committed_ms_, world_.now_ms() + world_.random().below(3));
    later(next_committed_ms_ - world_.now_ms(), [this, upto] { step(sync::Committed{upto}); });
    keep_log_busy();
  });
}

void Leader::read_log(const sync::ReadLog& wish) {
  sync::LogRead answer{wish.peer, wish.request, {}, wish.more};
  for (const sync::Lsn lsn : wish.lsns) {
    const sync::Append* batch = disk_.find(lsn);
    require(batch != nullptr, region_ + " wants to answer a pull with a batch that is not durable");
    answer.batches.push_back(*batch->bytes);
  }
  if (world_.faulty() && world_.random().chance(world_.swarm().short_read)) {
    answer.batches.resize(world_.random().below(answer.batches.size() + 1));
  }
  later(world_.random().below(4), [this, answer] { step(answer); });
}

void Leader::begin_checkpoint() {
  if (checkpoint_) return;
  sync::Effects effects;
  checkpoint_ = CheckpointUnderWay{replica_->freeze(effects), {}, world_.checkers().conflicts_of(*this)};
  carry_out(std::move(effects));
  keep_log_busy();
  go_on_with_checkpoint();
}

void Leader::go_on_with_checkpoint() {
  if (replica_->keyspace().dirty().freezing()) {
    replica_->keyspace().encode_frozen(world_.swarm().checkpoint_slice);
    if (replica_->keyspace().dirty().frozen() == 0) checkpoint_->images = replica_->keyspace().dirty().take();
  } else if (disk_.synced_lsn() >= checkpoint_->checkpoint.lsn) {
    disk_.store(checkpoint_->checkpoint, checkpoint_->images, std::move(checkpoint_->conflicts));
    checkpoint_.reset();
    world_.trace("{} has stored its state at {}", region_, disk_.state_lsn());
    world_.checkers().stored(*this);
    return step(sync::Stored{disk_.state_lsn()});
  }
  later(world_.random().between(1, 5), [this] { go_on_with_checkpoint(); });
}

}  // namespace turnstone::sim
