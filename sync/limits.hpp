#pragma once
// Every limit of the protocol: its number and its name.
#include <cstddef>
#include <cstdint>

namespace turnstone::sync {

struct Limits {
  // An open batch is sealed at this size. Larger single writes make larger batches.
  std::size_t batch_bytes = 128 * 1024;
  std::uint64_t batch_deltas = 60'000;
  // Larger batches are not published: peers see the beacon and pull them. Together with
  // the socket's high-water mark this bounds what a slow subscriber can hold in memory.
  std::size_t publish_bytes_max = 160 * 1024;
  // Batches received out of order; beyond it the newest are dropped and pulled later.
  std::size_t pending_bytes_max = 64u * 1024 * 1024;
  // Origins of such batches.
  std::size_t pending_origins_max = 1024;
  // Origins that are not closed: a new one is refused beyond it. So this bounds every vector.
  std::size_t origins_max = 4096;
  // Entries of the vector that a peer reports: some more, since it may hold others than we do.
  std::size_t vector_entries_max = 8192;
  // Increments listed singly until every region has them. Local writes are refused above it.
  std::size_t unstable_increments_max = 5'000'000;
  // Batches handed to the log and not yet durable; beyond it remote ones are not taken.
  std::size_t uncommitted_bytes_max = 64u * 1024 * 1024;
  // The log keeps at least this much of its newest end, whatever is stable: peers that come
  // back within it, or were restored from a copy of that age, need no copy of the state.
  std::size_t log_retain_bytes = 256u * 1024 * 1024;
  // Batches of which it is remembered what their authors had seen, for the audit, while they are
  // not stable; of each origin 64 may be remembered beyond it.
  std::size_t trail_batches_max = 500'000;
  // Origins whose next batch cannot be applied. More are refused each time they come.
  std::size_t quarantined_origins_max = 1024;
  // One page of a pull.
  std::size_t page_bytes = 1024 * 1024;

  std::uint64_t beacon_active_ms = 50;
  std::uint64_t beacon_idle_ms = 1000;
  // How long a gap may wait for the live stream before it is pulled.
  std::uint64_t gap_grace_ms = 30;
  std::uint64_t pull_timeout_ms = 1000;
  std::uint64_t pull_timeout_ms_max = 10'000;
  // A peer that was not heard for this long is not asked.
  std::uint64_t peer_silence_ms = 3500;
  // A stamp further ahead than this is applied, but does not move our clock.
  std::uint64_t clock_drift_max_ms = 5'000;
  std::uint64_t forget_every_ms = 500;
  // A run of a leader counts as ended when its successor has been up for this long, and it
  // was not heard for this long. Long, because a run that was only cut off, while a copy of
  // its directory was started, cannot go on after that. 0: never.
  std::uint64_t close_after_ms = 600'000;

  // So many ended origins may stay in the vectors for the sake of a longer log.
  std::size_t ended_origins_max = 16;

  // The proof of convergence: every bucket's digest is announced once in this time, more
  // seldom when its rows, its bytes or its cells would be too many.
  std::uint64_t sweep_ms = 40'000;
  // A bucket that was not compared with a peer's for this long, three sweeps, is overdue.
  std::uint64_t compare_within_ms = 120'000;
  // Runs of buckets in one beacon: 23 bytes each.
  std::size_t digest_runs_per_beacon = 40;
  // Cells digested in one tick for the sweep, and as many for comparing: half a millisecond.
  std::size_t digest_cells_per_tick = 1000;
  std::size_t digest_runs_per_tick = 200;
  // Runs that wait to be compared, and parts of runs that wait to be announced.
  std::size_t digest_comparisons_max = 4096;
  std::size_t digest_parts_max = 4096;
  // Differing buckets of one peer that get an alarm of their own.
  std::size_t divergences_named_max = 16;
  // Groups of batches by which it is known what other leaders have.
  std::size_t log_prefix_groups_max = 4096;
};

}  // namespace turnstone::sync
