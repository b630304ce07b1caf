#pragma once
// Marks at rare paths, by which the simulator tells whether its runs have been there. In
// every build but the simulator's own a mark is nothing.
//
// A path that is never reached is a path that no seed has tested: the run fails.
#include <array>
#include <cstddef>
#include <cstdint>

namespace turnstone {

// clang-format off
#define TURNSTONE_MARKS(X) \
  X(batch_full) \
  X(batch_left_to_pulls) \
  X(batch_held) \
  X(held_batch_dropped) \
  X(held_batch_applied) \
  X(batch_refused_while_log_is_behind) \
  X(duplicate_dropped) \
  X(forgery_refused) \
  X(origin_quarantined) \
  X(clock_ahead_not_followed) \
  X(pull_from_third_region) \
  X(pull_unanswered) \
  X(pull_continued) \
  X(pull_gave_nothing) \
  X(too_old_answered) \
  X(too_old_heard) \
  X(below_floor_refused) \
  X(state_needed_below_floor) \
  X(log_cut) \
  X(cut_was_behind) \
  X(report_waits) \
  X(quiet_report_heard) \
  X(quiet_ended) \
  X(stability_lowered) \
  X(increments_relisted) \
  X(prefix_groups_merged) \
  X(counter_partly_cancelled) \
  X(increments_joined) \
  X(copied_before_write) \
  X(digest_cells_used_up) \
  X(copy_making_failed) \
  X(copy_behind) \
  X(copy_dropped) \
  X(copy_gone) \
  X(copy_given_slowly) \
  X(mirror_resumed) \
  X(mirror_source_left) \
  X(mirror_pages_asked_again) \
  X(mirror_damaged) \
  X(mirror_installed) \
  X(mirror_ended) \
  X(new_region_waited) \
  X(removed_region_let_go) \
  X(refusal_heard) \
  X(mirror_sets_writes_aside) \
  X(delta_brought_back)
// clang-format on

#define TURNSTONE_MARK(name) name,
enum class Mark : std::uint8_t { TURNSTONE_MARKS(TURNSTONE_MARK) count };
#undef TURNSTONE_MARK

constexpr std::size_t mark_count = static_cast<std::size_t>(Mark::count);

#ifdef TURNSTONE_PLANTED_BUGS
inline std::array<std::uint64_t, mark_count> marks_reached{};
inline void reached(Mark mark) { ++marks_reached[static_cast<std::size_t>(mark)]; }
#else
constexpr void reached(Mark) {}
#endif

}  // namespace turnstone
