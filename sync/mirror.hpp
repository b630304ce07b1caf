#pragma once
// Mirrors in one leader, both sides, without I/O: when it needs a copy of another one's state,
// what it holds back for it, and when it has caught up and takes writes again.
//
// One thread, the replica's.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/bound.hpp"
#include "sync/mirror_sink.hpp"
#include "sync/mirror_source.hpp"
#include "sync/replica.hpp"

namespace turnstone::sync {

// What earlier runs have noted in the data directory.
struct MirrorNotes {
  bool joining = false;
  bool quiet = false;
};

class Mirror {
 public:
  // `first_copy` is random.
  Mirror(Replica& replica, MirrorLimits limits, std::uint64_t first_copy)
      : replica_(replica), source_(first_copy, limits), sink_(limits) {}

  // What the data directory tells: the notes of earlier runs, and what they have staged.
  // `join`: this leader was added to a running cluster, or lost its disk.
  MirrorEffects start(MirrorNotes notes, bool join, std::optional<StagedCopy> staged);
  // `no_room`: why no copy can be made now, if so.
  MirrorEffects receive(const std::string& peer, const MirrorBody& body,
                        const std::optional<std::string>& no_room);
  MirrorEffects tick();

  // --- answers to effects

  MirrorEffects copy_made(const Result<MadeCopy>& made);
  void page_read() { source_.page_read(); }
  MirrorEffects staged(std::uint64_t copy, std::uint64_t bytes);
  MirrorEffects staging_failed(const std::string& why);
  MirrorEffects checked(std::uint64_t copy, const Result<void>& good);
  MirrorEffects not_installed(const std::string& why);

  // Why this leader takes no writes yet; nothing when it does.
  std::optional<std::string> loading() const;
  // Batches of other leaders are not to be taken now.
  bool holds_still() const { return holding_; }
  const MirrorSink& sink() const { return sink_; }
  std::uint64_t pages_granted() const { return source_.pages_granted(); }
  // What it holds beside its limits.
  Bounds bounds() const;

 private:
  void follow_need(MirrorEffects& effects);
  void note_joining(MirrorEffects& effects);
  void note_quiet(MirrorEffects& effects);
  void end_joining_if_caught_up(MirrorEffects& effects);
  void end_quiet_if_runs_ended(MirrorEffects& effects);
  void pause_stamping();
  // Those that have something for this leader and are there.
  std::vector<std::string> sources() const;
  std::uint64_t now_ms() const;
  // What the staged copy is checked with.
  MirrorEffects filled_in(MirrorEffects effects) const;
  // It was cut, or is older than this leader's log: it cannot be kept aside.
  VersionVector what_no_log_has() const;

  Replica& replica_;
  bool joining_ = false;
  bool quiet_ = false;
  bool holding_ = false;
  VersionVector begun_with_;  // all that this leader had when it began to take a copy
  MirrorSource source_;
  MirrorSink sink_;
  std::uint64_t next_look_ms_ = 0;
};

}  // namespace turnstone::sync
