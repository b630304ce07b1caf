#include "sync/mirror.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "core/marks.hpp"
#include "core/planted.hpp"

namespace turnstone::sync {
namespace {

constexpr std::uint64_t look_every_ms = 100;

void add(MirrorEffects& effects, MirrorEffects more) {
  std::move(more.begin(), more.end(), std::back_inserter(effects));
}

}  // namespace

MirrorEffects Mirror::start(MirrorNotes notes, bool join, std::optional<StagedCopy> staged) {
  MirrorEffects effects;
  joining_ = notes.joining;
  quiet_ = notes.quiet;
  if (join && replica_.last_lsn() == 0) note_joining(effects);
  if (joining_) note_quiet(effects);
  if (!joining_) {
    effects.emplace_back(DropStaging{});
  } else if (staged) {
    sink_.restore(std::move(*staged));
  }
  pause_stamping();
  replica_.set_quiet(quiet_);
  return effects;
}

MirrorEffects Mirror::receive(const std::string& peer, const MirrorBody& body,
                              const std::optional<std::string>& no_room) {
  if (const auto* wanted = std::get_if<CopyWanted>(&body)) {
    // A leader that has yet to take the data has none to give.
    if (loading()) return {};
    VersionVector durable = replica_.durable();
    durable.join(replica_.closings().retired());
    return source_.wanted(now_ms(), peer, *wanted, durable, replica_.log().floor(), no_room);
  }
  if (const auto* pages = std::get_if<PagesWanted>(&body))
    return source_.pages_wanted(now_ms(), peer, *pages);
  if (const auto* offer = std::get_if<CopyOffer>(&body)) return sink_.offered(now_ms(), peer, *offer);
  return sink_.page(now_ms(), peer, std::get<CopyPage>(body));
}

MirrorEffects Mirror::tick() {
  MirrorEffects effects = source_.tick(now_ms());
  if (now_ms() < next_look_ms_) return effects;
  next_look_ms_ = now_ms() + look_every_ms;
  follow_need(effects);
  if (sink_.state() != MirrorState::idle) {
    add(effects, filled_in(sink_.tick(now_ms(), sources())));
  } else if (joining_) {
    end_joining_if_caught_up(effects);
  } else if (quiet_) {
    end_quiet_if_runs_ended(effects);
  }
  pause_stamping();
  replica_.set_quiet(quiet_);
  return effects;
}

// A run that is to catch up first may know an earlier one of its own by then, from the state that
// it took, and would ask for its end.
void Mirror::pause_stamping() { replica_.set_stamping_paused(loading().has_value()); }

// --- when this leader needs a mirror

void Mirror::follow_need(MirrorEffects& effects) {
  const bool needed = replica_.needs_state_of().has_value();
  if (sink_.state() == MirrorState::asking && !needed) sink_.cancel();
  if (sink_.state() != MirrorState::idle) return;
  holding_ = needed;
  if (!needed) return;
  note_joining(effects);
  // What was taken before becomes durable first; nothing is added meanwhile.
  if (replica_.has_open_batch() || replica_.last_lsn() != replica_.durable_lsn()) return;
  begun_with_ = replica_.full_vector();
  const VersionVector least = what_no_log_has();
  // What is behind the end of an origin nobody takes.
  sink_.begin(now_ms(), replica_.has_void() ? least : begun_with_, least);
}

VersionVector Mirror::what_no_log_has() const {
  VersionVector least = replica_.log().floor();
  least.join(replica_.closings().retired());
  return least;
}

// Also the next start has to know it, however this run ends.
void Mirror::note_joining(MirrorEffects& effects) {
  note_quiet(effects);
  if (!std::exchange(joining_, true)) effects.emplace_back(NoteJoining{});
}

// Who begins without all that its region has stamped must be quiet for longer than it joins.
void Mirror::note_quiet(MirrorEffects& effects) {
  if (!std::exchange(quiet_, true)) effects.emplace_back(NoteQuiet{});
}

void Mirror::end_quiet_if_runs_ended(MirrorEffects& effects) {
  if (!replica_.earlier_runs_ended()) return;
  quiet_ = false;
  reached(Mark::quiet_ended);
  effects.emplace_back(EndQuiet{});
}

// Another region's durable writes, as its beacon names them, include all that is stable, so all
// that this region may ever have promised to have. Unless it has yet to catch up itself, that is:
// then only all of them together will do. Who does not answer may not know this region yet, and
// take nothing of what it would write.
void Mirror::end_joining_if_caught_up(MirrorEffects& effects) {
  const auto peers = replica_.peers();
  const auto covers = [this](const PeerView& peer) {
    return peer.has_answered && peer.origin != Origin{} && replica_.durable().covers(peer.durable);
  };
  // Who has no peers has nobody to wait for.
  const bool caught_up =
      std::any_of(peers.begin(), peers.end(),
                  [&](const PeerView& peer) { return !peer.is_joining && covers(peer); }) ||
      std::all_of(peers.begin(), peers.end(), covers);
  if (!planted(Planted::join_too_early) && (!caught_up || holding_ || replica_.exclusion())) return;
  joining_ = false;
  reached(Mark::mirror_ended);
  effects.emplace_back(EndJoining{});
}

Bounds Mirror::bounds() const {
  const MirrorLimits& limits = source_.limits();
  return {{"mirror_window_bytes", sink_.bytes_waiting(), limits.window_pages * mirror_page_bytes,
           sink_.windows_filled()},
          {"copy_reads_max", source_.reading(), limits.copy_reads_max, source_.reads_held_back()}};
}

std::optional<std::string> Mirror::loading() const {
  if (sink_.state() != MirrorState::idle) {
    return fmt::format("this leader takes a copy of another region's state first ({}{}{}: {} of {} bytes)",
                       name(sink_.state()), sink_.source().empty() ? "" : " from ", sink_.source(),
                       sink_.bytes(), sink_.total_bytes());
  }
  if (joining_) {
    if (auto reason = replica_.exclusion()) return reason;
  }
  if (joining_ || holding_) return "this leader has not caught up with another region yet";
  return std::nullopt;
}

// Time passed, so that a clock that is set back stops no timer.
std::uint64_t Mirror::now_ms() const { return replica_.timer_ms(); }

std::vector<std::string> Mirror::sources() const {
  std::vector<std::string> regions;
  for (const PeerView& peer : replica_.peers()) {
    if (peer.is_heard && (replica_.has_void() || !begun_with_.covers(peer.durable)))
      regions.push_back(peer.region);
  }
  return regions;
}

MirrorEffects Mirror::filled_in(MirrorEffects effects) const {
  for (MirrorEffect& effect : effects) {
    auto* check = std::get_if<CheckStaged>(&effect);
    if (check == nullptr) continue;
    check->own = replica_.own_origins();
    if (!planted(Planted::adopt_copied_clock)) check->hlc_max = replica_.hlc_max();
  }
  return effects;
}

// --- answers

MirrorEffects Mirror::copy_made(const Result<MadeCopy>& made) { return source_.copy_made(now_ms(), made); }

MirrorEffects Mirror::staged(std::uint64_t copy, std::uint64_t bytes) {
  return filled_in(sink_.staged(now_ms(), copy, bytes));
}

MirrorEffects Mirror::staging_failed(const std::string& why) { return sink_.staging_failed(now_ms(), why); }

MirrorEffects Mirror::checked(std::uint64_t copy, const Result<void>& good) {
  MirrorEffects effects = sink_.checked(now_ms(), copy, good);
  // Writes and batches were refused all the time; whatever came all the same must not be lost.
  const bool as_it_was = replica_.full_vector() == begun_with_ && !replica_.has_open_batch();
  if (sink_.state() != MirrorState::installing || as_it_was) return effects;
  return not_installed("this leader has writes that came meanwhile");
}

MirrorEffects Mirror::not_installed(const std::string& why) {
  begun_with_ = replica_.full_vector();
  sink_.not_installed(now_ms(), begun_with_, what_no_log_has());
  MirrorEffects effects;
  effects.emplace_back(Alarm{"mirror_not_installed", why});
  return effects;
}

}  // namespace turnstone::sync
