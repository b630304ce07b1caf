// What earlier runs of this region wrote and nobody takes from them any more, since their origins
// ended below it, is stamped again by the present run: nothing is lost, nothing doubled.
// tests/spec/returning.py is the executable form, with the reason for each rule.
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "core/marks.hpp"
#include "core/planted.hpp"
#include "sync/replica.hpp"

namespace turnstone::sync {

// One pass over what is set aside.
class Replica::BringingBack {
 public:
  BringingBack(Replica& replica, const EarlierScan& scan, Effects& effects)
      : replica_(replica), effects_(effects) {
    scan([this](std::string_view bytes, const VersionVector& seen) {
      note_resets(bytes, seen);
      return true;
    });
    position_ = 0;
    scan([this](std::string_view bytes, const VersionVector& seen) { return bring_back(bytes, seen); });
    replica_.seal(effects_);
  }

  std::optional<std::string> waits_for;

 private:
  // What an increment may be reset by later: the last of its kind, since each run had seen those before it.
  struct Reset {
    std::uint64_t position = 0;
    VersionVector seen;
  };
  using Scope = std::pair<std::string, std::string>;  // key, kind and field

  static std::string field_scope(crdt::Kind kind, std::string_view field) {
    return std::string(1, static_cast<char>(kind)) + std::string(field);
  }

  static VersionVector seen_by(Stamp stamp, const VersionVector& seen) {
    VersionVector all = seen;
    if (all.get(stamp.origin) < stamp.seq - 1) all.set(stamp.origin, stamp.seq - 1);
    return all;
  }

  void note_resets(std::string_view bytes, const VersionVector& seen) {
    const auto header = decode_batch_header(bytes);
    const auto deltas =
        header ? decode_batch_deltas(*header, bytes) : decltype(decode_batch_deltas({}, {})){};
    if (!header || !deltas) return;
    for (const BatchDelta& delta : *deltas) {
      ++position_;
      const auto note = [&](std::string key, std::string field) {
        resets_[{std::move(key), std::move(field)}] = {position_, seen_by(delta.stamp, seen)};
      };
      for (const crdt::Effect& effect : delta.effects) {
        if (const auto* put = std::get_if<crdt::Put>(&effect)) {
          note(std::string(put->key), field_scope(put->kind, put->field));
        } else if (const auto* remove = std::get_if<crdt::Remove>(&effect)) {
          note(std::string(remove->key), field_scope(remove->kind, remove->field));
        } else if (const auto* clear = std::get_if<crdt::Clear>(&effect)) {
          note(std::string(clear->key), {});
        } else if (std::holds_alternative<crdt::ClearAll>(effect)) {
          note({}, {});
        }
      }
    }
  }

  bool is_reset_later(const crdt::Increment& increment, Stamp stamp) const {
    const auto resets = [&](std::string key, std::string field) {
      const auto reset = resets_.find({std::move(key), std::move(field)});
      return reset != resets_.end() && reset->second.position > position_ && reset->second.seen.covers(stamp);
    };
    return resets(std::string(increment.key), field_scope(increment.kind, increment.field)) ||
           resets(std::string(increment.key), {}) || resets({}, {});
  }

  // False: no further now.
  bool bring_back(std::string_view bytes, const VersionVector& seen) {
    const auto header = decode_batch_header(bytes);
    const auto deltas =
        header ? decode_batch_deltas(*header, bytes) : decltype(decode_batch_deltas({}, {})){};
    // One that this program cannot read stays where it is, for a later version.
    if (!header || !deltas) return true;
    for (const BatchDelta& delta : *deltas) {
      ++position_;
      if (is_done(delta)) continue;
      const std::optional<Seq> end =
          replica_.closings_.final_end_of(header->origin, replica_.stability_.stable());
      if (!end) {
        waits_for = fmt::format("the end of the earlier run {}", to_string(header->origin));
        return false;
      }
      if (delta.stamp.seq <= *end) {
        waits_for = fmt::format("write {}, which others have", to_string(delta.stamp));
        return false;
      }
      if (!stamp_again(delta, seen)) return false;
    }
    return replica_.uncommitted_bytes_ < replica_.config_.limits.uncommitted_bytes_max / 2;
  }

  bool stamp_again(const BatchDelta& delta, const VersionVector& seen) {
    const auto* before = std::get_if<crdt::Again>(&delta.effects.front());
    crdt::Again again;
    if (before != nullptr) again = *before;
    if (before == nullptr) again.hlc = delta.hlc;
    if (before == nullptr) again.as_of = seen_by(delta.stamp, seen);
    again.was.push_back(delta.stamp);
    for (const auto& [origin, seq] : again.as_of.entries()) {
      // Nothing beyond an end is waited for.
      const Stamp last{origin, std::min(seq, replica_.closings_.end_of(origin).value_or(seq))};
      if (is_here(last)) continue;
      waits_for = fmt::format("write {} of region '{}', which its author had seen", to_string(last),
                              replica_.region_of(origin));
      return false;
    }
    if (planted(Planted::return_as_of_now)) again.as_of = replica_.full_vector();
    if (planted(Planted::return_with_new_clock)) again.hlc = replica_.clock_.tick(replica_.now_ms_);
    reached(Mark::delta_brought_back);
    ++replica_.counters_.deltas_returned;
    replica_.begin(replica_.now_ms_);
    replica_.apply(again);
    for (const crdt::Effect& effect : delta.effects) {
      // Who belonged to the cluster, and what had ended, was for those to say who were in it.
      if (crdt::is_system(effect)) continue;
      const auto* increment = std::get_if<crdt::Increment>(&effect);
      if (increment != nullptr && is_reset_later(*increment, delta.stamp)) continue;
      const auto* resolve = std::get_if<crdt::Resolve>(&effect);
      replica_.apply(resolve == nullptr ? effect : under_new_stamps(*resolve));
    }
    replica_.commit();
    if (replica_.open_batch_is_full()) replica_.seal(effects_);
    return true;
  }

  // Rows that were brought back have another name here than its author knew.
  crdt::Resolve under_new_stamps(crdt::Resolve resolve) const {
    const crdt::Cell* cell = replica_.keyspace_.find_cell(resolve.key, resolve.kind, resolve.field);
    for (RowId& row : resolve.rows) {
      const auto now = replica_.returned_.now(row.operation);
      if (!now || cell == nullptr) continue;
      for (const crdt::Row& sibling : cell->siblings()) {
        if (sibling.id.operation == *now) row = sibling.id;
      }
    }
    return resolve;
  }

  bool is_here(Stamp stamp) const {
    return replica_.vector_.covers(stamp) || replica_.closings_.retired().covers(stamp);
  }

  // Under this stamp, or under another one that it has or had.
  bool is_done(const BatchDelta& delta) const {
    const auto done = [this](Stamp stamp) { return is_here(stamp) || replica_.returned_.now(stamp); };
    if (is_here(delta.stamp)) return true;
    const auto* again = std::get_if<crdt::Again>(&delta.effects.front());
    return done(delta.stamp) || (again != nullptr && std::any_of(again->was.begin(), again->was.end(), done));
  }

  Replica& replica_;
  Effects& effects_;
  std::map<Scope, Reset> resets_;
  std::uint64_t position_ = 0;
};

// One that had seen what is void, or is below the floor, will never be taken: the end of its origin
// is asked for, whosever it is. Its region may have lost it, and what had seen it would wait for ever.
void Replica::reconsider(std::string_view bytes, Effects& effects) {
  if (receive_batch(config_.region, bytes, effects)) return;
  const auto header = decode_batch_header(bytes);
  if (!header || header->first_seq != vector_.get(header->origin) + 1 || header->origin == config_.origin)
    return;
  if (closings_.find(header->origin) != nullptr || closings_.is_retired(header->origin)) return;
  if (why_nothing_is_stamped()) return;
  const VersionVector context = context_of(*header);
  const bool saw_void =
      std::any_of(context.entries().begin(), context.entries().end(), [this](const auto& entry) {
        const auto end = closings_.end_of(entry.first);
        return end && entry.second > *end;
      });
  if (saw_void || below_floor_.contains(header->origin))
    stamp_system(crdt::CloseOrigin{header->origin, join_regions(members_.everyone())}, effects);
}

Effects Replica::bring_back(std::uint64_t now_ms, const std::vector<EarlierBatch>& places,
                            const EarlierScan& scan) {
  set_clock(now_ms);
  Effects effects;
  return_waits_for_.reset();
  if (std::all_of(places.begin(), places.end(),
                  [this](const auto& place) { return has_brought_back(place); }))
    return effects;
  return_waits_for_ = why_return_waits();
  if (return_waits_for_) return effects;
  close_earlier_runs(places, effects);
  // Two runs of the region that return at once would do so twice. Each makes itself known first,
  // and ends the others that it knows.
  const bool is_known = std::all_of(peers_.begin(), peers_.end(), [this](const auto& peer) {
    return members_.is_removed(peer.first) || peer.second.durable.get(config_.origin) != 0;
  });
  if (vector_.get(config_.origin) == 0 || !is_known) {
    return_waits_for_ = "every other region to have heard of this run";
    return effects;
  }
  return_waits_for_ = std::move(BringingBack(*this, scan, effects).waits_for);
  return effects;
}

std::optional<std::string> Replica::why_nothing_is_stamped() const {
  if (exclusion_) return exclusion_;
  if (stamping_paused_ || ingest_paused_ || needs_state_of()) return "this leader to have caught up";
  if (history_ended() || being_ended()) return "another start of this leader, whose own run has ended";
  return std::nullopt;
}

std::optional<std::string> Replica::why_return_waits() const {
  if (auto reason = why_nothing_is_stamped()) return reason;
  if (!has_what_members_have({}, members_.everyone()))
    return "what other regions have of this region's earlier runs";
  for (const auto& [origin, state] : origins_) {
    if (state.region != config_.region || origin == config_.origin || closings_.end_of(origin)) continue;
    return fmt::format("the end of the earlier run {}", to_string(origin));
  }
  return std::nullopt;
}

// Nobody may know them: then they end at 0.
void Replica::close_earlier_runs(const std::vector<EarlierBatch>& places, Effects& effects) {
  const bool is_time =
      config_.limits.close_after_ms != 0 && timer_ms_ >= started_ms_ + config_.limits.close_after_ms;
  const std::string regions = join_regions(members_.everyone());
  std::set<Origin> asked;
  for (const EarlierBatch& place : places) {
    const bool is_asked = closings_.find(place.origin) != nullptr || closings_.is_retired(place.origin);
    // By asking once more a run that has stamped nothing yet makes itself known.
    if (is_asked ? vector_.get(config_.origin) != 0 : !is_time) continue;
    if (asked.insert(place.origin).second) stamp_system(crdt::CloseOrigin{place.origin, regions}, effects);
  }
}

bool Replica::has_brought_back(const EarlierBatch& place) const {
  const Seq end =
      closings_.is_retired(place.origin) ? closings_.retired().get(place.origin) : durable_.get(place.origin);
  for (Seq seq = std::max(place.first_seq, end + 1); seq <= place.last_seq; ++seq) {
    const auto now = returned_.now({place.origin, seq});
    const bool is_safe = now && (durable_.covers(*now) || closings_.retired().covers(*now));
    if (!is_safe) return false;
  }
  return true;
}

// A region cannot say that it has brought back what another one, which is there, has yet to.
void Replica::note_returned(const crdt::Again& again, Stamp stamp, const std::string& region) {
  for (const Stamp was : again.was) {
    const std::string owner = region_of(was.origin);
    if (owner.empty() || owner == region || members_.is_removed(owner)) returned_.add(was, stamp);
  }
}

}  // namespace turnstone::sync
