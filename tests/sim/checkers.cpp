#include "tests/sim/checkers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "core/planted.hpp"
#include "sync/message.hpp"
#include "tests/sim/finding.hpp"

namespace turnstone::sim {
namespace {

constexpr std::uint64_t cluster = 7;
constexpr std::size_t cells_per_check = 40;

// The leaders themselves are to find the one, and the ledger the other.
bool oracle_is_off() { return planted(Planted::corrupt_row) || planted(Planted::count_joined_twice); }

std::string difference(const std::string& got, const std::string& expected) {
  return fmt::format("\n--- has\n{}--- should have\n{}", got, expected);
}

}  // namespace

Checkers::Checkers(const std::vector<Leader>& leaders, const Swarm& swarm)
    : leaders_(leaders), swarm_(swarm) {}

Checkers::Watch& Checkers::watch(const Leader& leader) {
  while (watches_.size() <= leader.index()) watches_.emplace_back(history_);
  return watches_[leader.index()];
}

void Checkers::started(const Leader& leader) {
  Watch& watch = this->watch(leader);
  watch.vector = {};
  watch.duplicates = 0;
  watch.changed = true;
  after_step(leader);
  require(leader.replica().full_vector() == leader.disk().holds(),
          leader.region() + " has not recovered what its log holds");
  watch.own_hlc = 0;
  for (const Origin run : watch.runs) {
    const Operation* last = history_.find({run, watch.vector.get(run)});
    if (last != nullptr) watch.own_hlc = std::max(watch.own_hlc, last->hlc);
  }
  watch.runs.insert(leader.replica().config().origin);
}

void Checkers::restored(const Leader& leader, const Disk& before) {
  watch(leader).owed = leader.disk().holds();
  watch(leader).runs.clear();
  note_lost(leader, before, nullptr);
}

void Checkers::removed(const Leader& leader) { note_lost(leader, leader.disk(), &leader); }

void Checkers::note_lost(const Leader& leader, const Disk& before, const Leader* except) {
  writes_lost_ = true;
  for (const Stamp& stamp : acknowledged_) {
    if (!before.has(stamp)) continue;
    const auto held = [&](bool by_its_region) {
      return std::any_of(leaders_.begin(), leaders_.end(), [&](const Leader& other) {
        return &other != except && other.disk().has(stamp) &&
               (!by_its_region || other.region() == leader.region());
      });
    };
    if (!held(false)) lost_.insert(stamp);
    if (authors_[stamp.origin] == leader.region() && !held(true)) orphans_.insert(stamp);
  }
}

void Checkers::cloned(const Leader& original, const Leader& clone) {
  watch(clone) = Watch(history_);
  Watch& of_clone = watch(clone);
  const Watch& of_original = watch(original);
  of_clone.owed = clone.disk().holds();
  // What its runs stamp behind the copy is not of this leader.
  of_clone.runs.clear();
  of_clone.conflicts = of_original.conflicts;
}

void Checkers::disk_lost(const Leader& leader, const Disk& before) {
  disk_was_lost_ = true;
  restored(leader, before);
}

void Checkers::installed(const Leader& leader) {
  Watch& watch = this->watch(leader);
  watch.conflicts = leader.disk().state().conflicts;
  // What was acknowledged here and the copy lacks is kept beside the log.
  const VersionVector owed = std::exchange(watch.owed, leader.disk().holds());
  for (const Stamp& stamp : acknowledged_) {
    require(!owed.covers(stamp) || leader.disk().has(stamp) || authors_[stamp.origin] != leader.region() ||
                leader.disk().holds().covers(history_.now(stamp)),
            fmt::format("{} takes another state and loses {}", leader.region(), to_string(stamp)));
  }
}

void Checkers::stamped(const Leader& leader, Operation operation) {
  Watch& watch = this->watch(leader);
  require(operation.hlc > watch.own_hlc, fmt::format("{} stamps {} with a clock below its own earlier stamp",
                                                     leader.region(), to_string(operation.stamp)));
  // A start follows all stamps of its region, another leader's of it, too.
  std::uint64_t latest_ms = 0;
  for (const Leader& other : leaders_) {
    if (other.region() == leader.region()) latest_ms = std::max(latest_ms, other.latest_clock_ms());
  }
  require(hlc_ms(operation.hlc) <= latest_ms + swarm_.limits.clock_drift_max_ms + 1,
          leader.region() + " stamps further ahead of its clock than the drift allowed");
  watch.own_hlc = operation.hlc;
  note_operation(leader, std::move(operation));
}

void Checkers::note_operation(const Leader& leader, Operation operation) {
  watch(leader).changed = true;
  authors_[operation.stamp.origin] = leader.region();
  std::size_t bytes = 0;
  for (const OwnedEffect& effect : operation.effects) {
    bytes += 100 + effect.key.size() + effect.value.size() + effect.base.size() + 30 * effect.rows.size();
  }
  slack_.operation_bytes = std::max(slack_.operation_bytes, bytes);
  ledger_.stamped(operation);
  history_.add(std::move(operation));
}

void Checkers::appended(const Leader& leader, const sync::Append& batch) {
  slack_.batch_bytes = std::max(slack_.batch_bytes, batch.bytes->size() + sync::Pending::overhead_bytes);
  if (batch.origin != leader.replica().config().origin) return;
  batch_ends_[batch.origin].insert(batch.last_seq);
  const auto header = sync::decode_batch_header(*batch.bytes);
  const auto deltas = sync::decode_batch_deltas(*header, *batch.bytes);
  for (const sync::BatchDelta& delta : *deltas) {
    // What no client asked for, a leader stamps by itself.
    if (!crdt::is_system(delta.effects.front()) || history_.find(delta.stamp) != nullptr) continue;
    Operation operation{delta.stamp, delta.hlc, {}, {}};
    if (const auto* again = std::get_if<crdt::Again>(&delta.effects.front())) {
      operation.hlc = again->hlc;
      operation.was = again->was;
      operation.as_of = again->as_of;
      operation.context = leader.replica().full_vector();
      operation.context.set(delta.stamp.origin, delta.stamp.seq - 1);
      check_again(leader, operation);
      std::transform(std::next(delta.effects.begin()), delta.effects.end(),
                     std::back_inserter(operation.effects), owned);
    }
    note_operation(leader, std::move(operation));
  }
}

// What was stamped again is as it was first: its clock, and no more than its author had seen.
void Checkers::check_again(const Leader& leader, const Operation& operation) const {
  const Operation* first = history_.find(operation.was.front());
  require(first != nullptr, leader.region() + " stamps again what nobody wrote");
  require(operation.hlc == first->hlc,
          leader.region() + " stamps again " + to_string(first->stamp) + " with another clock");
  // The protocol's own have no context here.
  if (first->effects.empty()) return;
  require(operation.as_of == first->context,
          fmt::format("{} stamps again {} as of {}, and not of {}", leader.region(), to_string(first->stamp),
                      to_string(operation.as_of), to_string(first->context)));
}

void Checkers::sent(const Leader& leader, const std::string& frame) {
  const VersionVector& durable = leader.disk().holds();
  const auto message = sync::decode_message(cluster, frame);
  require(message.has_value(), leader.region() + " sends a frame that cannot be read");
  if (const auto* publication = std::get_if<sync::Publication>(&message->body)) {
    const auto header = sync::decode_batch_header(publication->batch);
    require(header && durable.covers({header->origin, header->last_seq()}),
            leader.region() + " publishes a batch that is not durable");
  } else if (const auto* beacon = std::get_if<sync::Beacon>(&message->body)) {
    require(durable.covers(beacon->durable), leader.region() + " reports as durable what is not");
  }
}

void Checkers::acknowledged(const Leader& leader, Stamp stamp) {
  require(leader.disk().holds().covers(stamp),
          fmt::format("{} acknowledges {} before it is durable", leader.region(), to_string(stamp)));
  acknowledged_.insert(stamp);
  VersionVector with_it;
  with_it.set(stamp.origin, stamp.seq);
  watch(leader).owed.join(with_it);
}

void Checkers::conflict(const Leader& leader, const crdt::Conflict& conflict) {
  watch(leader).conflicts.insert(conflict.id);
  // An overflow is nobody's in particular: it names the newest increment, seen or not.
  if (conflict.type == crdt::ConflictType::overflow || conflict.type == crdt::ConflictType::gave_way) return;
  // What is stamped again is known when it is appended.
  found_.push_back(conflict);
}

void Checkers::check_conflicts_found(const Leader& leader) {
  for (const crdt::Conflict& conflict : std::exchange(found_, {})) {
    const Stamp first = conflict.first.id.operation;
    const Stamp second = conflict.second.id.operation;
    const bool is_left_out = conflict.type == crdt::ConflictType::concurrent_write &&
                             (history_.left_out(conflict.first.id, conflict.second.id) ||
                              history_.left_out(conflict.second.id, conflict.first.id));
    require(is_left_out || history_.concurrent(first, second),
            fmt::format("{} records a {} of {} and {}, one of which had seen the other", leader.region(),
                        name(conflict.type), to_string(first), to_string(second)));
    if (is_left_out) continue;
    for (const auto& [author, other] : {std::pair{first, second}, std::pair{second, first}}) {
      const auto seen = leader.replica().seen_by_author_of(author);
      if (!seen || !seen->covers(other)) continue;
      throw Finding(fmt::format("{} says that {}, in conflict with {}, had seen {}", leader.region(),
                                to_string(author), to_string(other), to_string(*seen)));
    }
  }
}

void Checkers::alarm(const Leader& leader, const sync::Alarm& alarm) {
  const bool forgeries = leader.replica().config().signatures != nullptr;
  // Clocks jump here, and links let beacons through and nothing else.
  if (alarm.name == "clock_ahead" || alarm.name == "pull_unanswered") return;
  const bool mirrors = alarm.name == "too_far_behind" || alarm.name == "mirror_no_copy" ||
                       alarm.name == "mirror_not_staged" || alarm.name == "mirror_damaged" ||
                       alarm.name == "below_floor" || alarm.name == "mirror_refused";
  const bool joins = swarm_.join_at_ms != 0;
  // The others' runs end without a removed one, as far as it hears of them.
  const bool is_out = swarm_.leave_at_ms != 0 && leader.replica().exclusion();
  // One of two that ran at once comes back with what nobody takes.
  const bool returns = swarm_.clone_at_ms != 0 && !swarm_.clone_heard;
  if (mirrors && (disk_was_lost_ || returns || swarm_.restore_behind || joins || is_out)) return;
  const bool strangers = alarm.name == "unknown_region" || alarm.name == "region_unknown";
  if ((strangers && joins) || (alarm.name == "region_removed" && swarm_.leave_at_ms != 0)) return;
  const bool of_liars = forgeries && (alarm.name == "batch_forged" || alarm.name == "beacon_refused");
  // Whoever publishes it claims to have seen nothing.
  const bool poisoned =
      (alarm.name == "origin_quarantined" || alarm.name == "below_floor") && swarm_.poison_every_ms != 0;
  require(of_liars || poisoned,
          fmt::format("{} raises {} among honest leaders: {}", leader.region(), alarm.name, alarm.text));
}

void Checkers::stored(const Leader& leader) {
  if (oracle_is_off()) return;
  crdt::Keyspace keyspace(2);
  leader.disk().load_cells(keyspace);
  Expectation expected(history_);
  expected.advance(leader.disk().state_vector());
  if (keyspace.canonical() != expected.canonical()) {
    throw Finding(leader.region() + "'s state store is not the state at its recorded vector" +
                  difference(keyspace.canonical(), expected.canonical()));
  }
}

void Checkers::after_step(const Leader& leader) {
  Watch& watch = this->watch(leader);
  check_conflicts_found(leader);
  check_vectors(leader, watch);
  check_bounds(leader, swarm_, slack_);
  const sync::Replica& replica = leader.replica();
  if (replica.full_vector() != watch.vector || replica.counters().duplicates != watch.duplicates) {
    watch.changed = true;
  }
  if (!watch.changed) return;
  check_new_operations(leader, watch);
  watch.vector = replica.full_vector();
  watch.duplicates = replica.counters().duplicates;
  watch.changed = false;
  ledger_.check(leader.region(), replica.keyspace(), watch.vector);
  check_state(leader, watch);
}

void Checkers::check_vectors(const Leader& leader, Watch& watch) {
  const sync::Replica& replica = leader.replica();
  require(replica.full_vector().covers(watch.vector), leader.region() + "'s vector shrinks");
  require(replica.full_vector().covers(replica.durable()),
          leader.region() + " has durably what it has not applied");
  require(leader.disk().holds().covers(replica.durable()),
          leader.region() + " takes for durable what is not");
  require(replica.full_vector().covers(watch.owed), leader.region() + " has lost an acknowledged operation");
}

void Checkers::check_new_operations(const Leader& leader, const Watch& watch) const {
  const VersionVector& vector = leader.replica().full_vector();
  for (const auto& [origin, seq] : vector.entries()) {
    if (seq == watch.vector.get(origin)) continue;
    if (origin != leader.replica().config().origin) {
      const auto ends = batch_ends_.find(origin);
      require(ends != batch_ends_.end() && ends->second.contains(seq),
              leader.region() + " holds a part of a batch, or what nobody wrote");
    }
    for (Seq s = watch.vector.get(origin) + 1; s <= seq; ++s) {
      const Operation* operation = history_.find({origin, s});
      require(operation != nullptr && vector.covers(operation->context),
              fmt::format("{} has applied {} without what its author had seen", leader.region(),
                          to_string(Stamp{origin, s})));
    }
  }
}

void Checkers::check_state(const Leader& leader, Watch& watch) {
  if (oracle_is_off()) return;
  watch.expected.advance(watch.vector);
  // A large state is not rendered after every step.
  if (++watch.unchecked_changes * cells_per_check < watch.expected.cells() && !resting_) return;
  watch.unchecked_changes = 0;
  const crdt::Keyspace& keyspace = leader.replica().keyspace();
  const std::string canonical = keyspace.canonical();
  const std::string expected = watch.expected.canonical();
  if (canonical != expected) {
    throw Finding(fmt::format("{}'s state is not what the operations in {} give{}", leader.region(),
                              to_string(watch.vector), difference(canonical, expected)));
  }
  check_conflicts_on_record(leader, watch);
  for (const Leader& other : leaders_) {
    if (!other.up() || &other == &leader || other.replica().full_vector() != watch.vector) continue;
    require(
        other.replica().keyspace().digest() == keyspace.digest(),
        fmt::format("{} and {} have equal vectors and different digests", leader.region(), other.region()));
  }
}

void Checkers::at_rest() {
  resting_ = true;
  for (const Leader& leader : leaders_) {
    if (leader.ended()) continue;
    watch(leader).changed = true;
    watch(leader).expected = Expectation(history_);
    after_step(leader);
    require(leader.replica().full_vector() == leaders_[0].replica().full_vector(),
            "the vectors differ at rest");
    require(leader.replica().stable() == leader.replica().vector(),
            fmt::format("{} at rest: stable is {} of {}", leader.region(),
                        to_string(leader.replica().stable()), to_string(leader.replica().vector())));
    require(leader.replica().keyspace().unstable_increments() == 0 &&
                leader.replica().keyspace().unstable_deletes() == 0,
            leader.region() + " keeps indexes for what is stable");
    check_compared(leader);
    check_nothing_left(leader, swarm_, slack_, writes_lost_);
    require(!leader.disk().has_own_earlier(),
            leader.region() + " has yet to bring back what it wrote earlier");
  }
  check_acknowledged_everywhere();
}

bool Checkers::all_short() const {
  return std::all_of(leaders_.begin(), leaders_.end(), [this](const Leader& leader) {
    return leader.ended() || vectors_are_short(leader, swarm_);
  });
}

bool Checkers::all_compared() const {
  for (const Leader& leader : leaders_) {
    for (const Leader& other : leaders_) {
      if (&other == &leader || leader.ended() || other.ended()) continue;
      if (leader.replica().divergence().about(other.region()).buckets_overdue != 0) return false;
    }
  }
  return true;
}

// Each leader has compared every bucket with every other since the last fault.
void Checkers::check_compared(const Leader& leader) const {
  for (const Leader& other : leaders_) {
    if (&other == &leader || other.ended()) continue;
    const auto view = leader.replica().divergence().about(other.region());
    require(view.buckets_overdue == 0,
            fmt::format(
                "{} has not compared {} buckets with those of {}\n{} has {} settled of {}\n{} has {} of {}",
                leader.region(), view.buckets_overdue, other.region(), leader.region(),
                to_string(leader.replica().settled().vector()), to_string(leader.replica().vector()),
                other.region(), to_string(other.replica().settled().vector()),
                to_string(other.replica().vector())));
  }
}

void Checkers::check_acknowledged_everywhere() const {
  const VersionVector& vector = leaders_[0].replica().full_vector();
  std::set<Stamp> promised;
  for (const Stamp& stamp : acknowledged_) {
    const auto end = leaders_[0].replica().closings().end_of(stamp.origin);
    if (lost_.contains(stamp) || (orphans_.contains(stamp) && end && stamp.seq > *end)) continue;
    require(vector.covers(stamp) || vector.covers(history_.now(stamp)),
            "the acknowledged operation " + to_string(stamp) + " is lost");
    promised.insert(stamp);
  }
  for (const Leader& leader : leaders_) {
    if (!leader.ended()) ledger_.check_all_there(leader.region(), leader.replica().keyspace(), promised);
  }
}

// Every pair of siblings with different values is on record where they met, and at rest everywhere.
void Checkers::check_conflicts_on_record(const Leader& leader, const Watch& watch) const {
  for (const auto& [name, products] : history_.cells()) {
    const crdt::Cell* cell = leader.replica().keyspace().find_cell(name.key, name.kind, name.field);
    if (cell == nullptr) continue;
    const auto& rows = cell->siblings();
    for (auto a = rows.begin(); a != rows.end(); ++a) {
      for (auto b = std::next(a); b != rows.end(); ++b) {
        if (a->value == b->value) continue;
        const crdt::ConflictSide first{a->id, a->hlc, name.kind, false, false, a->value};
        const crdt::ConflictSide second{b->id, b->hlc, name.kind, false, false, b->value};
        const Hash128 id =
            make_conflict(crdt::ConflictType::concurrent_write, name.key, name.field, first, second).id;
        require(watch.conflicts.contains(id),
                fmt::format("{} has no record of the conflict of {} and {}", leader.region(),
                            to_string(a->id.operation), to_string(b->id.operation)));
      }
    }
  }
}

std::size_t Checkers::conflicts() const {
  std::set<Hash128> all;
  for (const Watch& watch : watches_) all.insert(watch.conflicts.begin(), watch.conflicts.end());
  return all.size();
}

}  // namespace turnstone::sim
