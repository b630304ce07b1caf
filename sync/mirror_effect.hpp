#pragma once
// What the two sides of a mirror ask of their host.
#include <cstdint>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "core/hybrid_clock.hpp"
#include "core/version_vector.hpp"
#include "sync/event.hpp"
#include "sync/mirror_message.hpp"

namespace turnstone::sync {

struct MirrorLimits {
  // Of all copies given out together, so that the source's clients do not suffer.
  std::uint64_t bytes_per_second = 64u * 1024 * 1024;
  // Pages asked for at once: what may be under way or in memory.
  std::uint64_t window_pages = 32;
  // Pages that are read for all askers together; the rest waits. So a slow disk holds up no more.
  std::uint64_t copy_reads_max = 64;
  // A copy that nobody asked for this long is deleted.
  std::uint64_t keep_copy_ms = 300'000;
  // A copy that was made or asked for within this time is in use: no other takes its place,
  // even if it does not serve the asker. The state file follows the log meanwhile.
  std::uint64_t in_use_ms = 10'000;

  std::uint64_t ask_again_ms = 500;
  // No page for this long: they are asked for again.
  std::uint64_t page_timeout_ms = 2'000;
  // A source that was not heard or gave nothing for this long is left for another, if there
  // is one.
  std::uint64_t leave_source_ms = 15'000;
  // A source that failed is not asked for this long if there is another.
  std::uint64_t source_rest_ms = 30'000;
  // For this long the sources may lack what the asker has, before that is an alarm.
  std::uint64_t behind_patience_ms = 30'000;
  // That alarm is raised when it is news, and then so often.
  std::uint64_t behind_alarm_ms = 600'000;
};

// A copy as far as it lies in the staging file.
struct StagedCopy {
  std::string source;
  std::uint64_t copy = 0;
  std::uint64_t bytes = 0;
  std::uint64_t hash = 0;
  std::uint64_t staged = 0;  // bytes, whole pages
  std::uint64_t chain = 0;   // hash so far
  friend bool operator==(const StagedCopy&, const StagedCopy&) = default;
};

struct MirrorSend {
  std::string peer;
  Channel channel = Channel::request;
  MirrorBody body;
};

// --- of the source

// Make a copy of the state file under this name; answer with copy_made().
struct MakeCopy {
  std::uint64_t copy = 0;
};
// Read a page and send it.
struct ReadCopyPage {
  std::string peer;
  std::uint64_t copy = 0;
  std::uint64_t offset = 0;
};
struct DeleteCopy {
  std::uint64_t copy = 0;
};

// --- of the sink

// Begin an empty staging file for this copy; what was there is dropped.
struct BeginStaging {
  StagedCopy copy;
};
// Append to the staging file; answer with staged().
struct StagePage {
  std::uint64_t copy = 0;
  std::uint64_t offset = 0;
  std::string bytes;
};
// All of it is there: verify that it is a state which covers `have`, and prepare it; answer
// with checked(). The clock that is stored in it is the source's: this leader's own must not be
// set beyond `hlc_max` by it. What the log has and the copy lacks is to be kept beside the new
// log (EarlierBatch); `own` are the origins of this region.
struct CheckStaged {
  StagedCopy copy;
  VersionVector have;
  Hlc hlc_max = 0;
  std::set<Origin> own = {};
};
// It is good: put it in the place of the leader's own.
struct InstallStaged {};

// What is staged is of no use any more.
struct DropStaging {};
// Durably: the next start has to know that this leader takes writes only once it has caught up
// with another region.
struct NoteJoining {};
// It has: the note goes, and with it what is staged.
struct EndJoining {};
// Durably, likewise: this leader's reports count for no stability, since it began without what an
// earlier run of its region had.
struct NoteQuiet {};
// All of these runs have ended: this note goes.
struct EndQuiet {};

using MirrorEffect =
    std::variant<MirrorSend, MakeCopy, ReadCopyPage, DeleteCopy, BeginStaging, StagePage, CheckStaged,
                 InstallStaged, DropStaging, NoteJoining, EndJoining, NoteQuiet, EndQuiet, Alarm>;
using MirrorEffects = std::vector<MirrorEffect>;

}  // namespace turnstone::sync
