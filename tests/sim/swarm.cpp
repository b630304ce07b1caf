#include "tests/sim/swarm.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "core/planted.hpp"

namespace turnstone::sim {
namespace {

double percent(Random& random, std::uint64_t low, std::uint64_t high) {
  return static_cast<double>(random.between(low, high)) / 100;
}

LinkFaults some_link_faults(Random& random) {
  LinkFaults faults;
  if (random.chance(0.4)) faults.delay_max_ms = random.between(5, 400);
  if (random.chance(0.5)) faults.publish_loss = percent(random, 1, 100);
  if (random.chance(0.3)) faults.request_loss = percent(random, 1, 60);
  if (random.chance(0.3)) faults.duplication = percent(random, 1, 50);
  return faults;
}

void draw_network(Random& random, Swarm& swarm) {
  swarm.links = some_link_faults(random);
  swarm.in_order = random.chance(0.5);
  if (random.chance(0.3)) {
    const double share = percent(random, 10, 60);
    for (std::size_t from = 0; from < swarm.leaders; ++from) {
      for (std::size_t to = 0; to < swarm.leaders; ++to) {
        if (from == to || !random.chance(share)) continue;
        LinkFaults& faults = swarm.odd_links[{from, to}];
        faults = some_link_faults(random);
        faults.severed = random.chance(0.3);
      }
    }
  }
  if (random.chance(0.6)) {
    const bool flapping = random.chance(0.1);
    swarm.partition_every_ms = flapping ? random.between(30, 100) : random.between(300, 4000);
    swarm.partition_max_ms = flapping ? random.between(10, 100) : random.between(100, 6000);
  }
}

void draw_crashes(Random& random, Swarm& swarm) {
  if (random.chance(0.3)) swarm.sync_max_ms = random.between(5, 200);
  if (random.chance(0.2)) swarm.short_read = 0.3;
  if (random.chance(0.7)) swarm.checkpoint_every_ms = random.between(50, 3000);
  swarm.checkpoint_slice = random.between(1, 8);
  if (random.chance(0.6)) {
    swarm.crash_every_ms = random.between(300, 5000);
    swarm.down_max_ms = random.between(10, 4000);
    if (random.chance(0.5)) {
      swarm.restore = percent(random, 5, 60);
      swarm.restore_alone = random.chance(0.5) ? 0.8 : 0;
      swarm.backup_every_ms = random.between(100, 3000);
    }
  }
  if (random.chance(0.4)) {
    swarm.clock_skew_max_ms = random.chance(0.5) ? 1000 : 600'000;
    if (random.chance(0.5)) {
      swarm.clock_jump_every_ms = random.between(500, 4000);
      swarm.clock_jump_max_ms = random.chance(0.5) ? 2000 : 3'600'000;
    }
  }
}

void draw_limits(Random& random, sync::Limits& limits) {
  if (random.chance(0.4)) limits.page_bytes = random.between(1, 2000);
  if (random.chance(0.3)) limits.pending_bytes_max = random.between(0, 3000);
  if (random.chance(0.3)) limits.publish_bytes_max = random.between(0, 600);
  if (random.chance(0.3)) limits.uncommitted_bytes_max = random.between(0, 1500);
  if (random.chance(0.3)) limits.batch_bytes = random.between(1, 500);
  if (random.chance(0.3)) limits.batch_deltas = random.between(1, 5);
  if (random.chance(0.5)) limits.forget_every_ms = random.between(5, 200);
  if (random.chance(0.3)) limits.gap_grace_ms = random.between(0, 200);
  if (random.chance(0.5)) limits.close_after_ms = random.between(20, 800);
  if (random.chance(0.3)) limits.beacon_idle_ms = random.between(50, 1000);
  limits.sweep_ms = random.between(20, 1500);
  limits.compare_within_ms = 6000;
  if (random.chance(0.3)) limits.digest_cells_per_tick = random.between(1, 20);
  if (random.chance(0.3)) limits.digest_runs_per_beacon = random.between(2, 5);
  if (random.chance(0.2)) limits.log_prefix_groups_max = random.between(1, 4);
}

// What rarely meets by chance: one hot counter, quick to be stable, and leaders that come
// back with an old copy and write before they have caught up.
void draw_restored_counter(Random& random, Swarm& swarm) {
  swarm.keys = 1;
  swarm.counters = 0.6;
  swarm.clear_all = 0;
  swarm.links = {};
  swarm.links.delay_max_ms = 10;
  swarm.odd_links.clear();
  swarm.partition_every_ms = 0;
  swarm.crash_every_ms = random.between(500, 1500);
  swarm.down_max_ms = 200;
  swarm.restore = 0.7;
  swarm.restore_alone = 0.8;
  swarm.backup_every_ms = random.between(100, 500);
  swarm.limits.forget_every_ms = 5;
  swarm.limits.beacon_idle_ms = 50;
}

std::string to_string(const LinkFaults& f) {
  if (f.severed) return "severed";
  return fmt::format("delay up to {} ms, loss {} / {}, duplication {}", f.delay_max_ms, f.publish_loss,
                     f.request_loss, f.duplication);
}

// Leaders that start again and again, and logs that are cut at once: origins end, and the
// origins by which their end was acknowledged end, too.
void draw_restarts(Random& random, Swarm& swarm) {
  swarm.run_ms = random.between(3000, 8000);
  swarm.partition_every_ms = 0;
  swarm.late_joiner = false;
  swarm.restore = swarm.lose_disk = 0;
  swarm.links = {};
  swarm.links.delay_max_ms = 10;
  swarm.odd_links.clear();
  swarm.crash_every_ms = random.between(50, 300);
  swarm.down_max_ms = random.between(5, 100);
  swarm.checkpoint_every_ms = random.between(20, 200);
  swarm.limits.forget_every_ms = random.between(5, 50);
  swarm.limits.beacon_idle_ms = random.between(20, 100);
  swarm.limits.close_after_ms = random.between(20, 100);
  swarm.limits.log_retain_bytes = 0;
  swarm.limits.ended_origins_max = 0;
}

// Every limit so low that what happens rarely happens all the time.
void draw_tiny_limits(Random& random, sync::Limits& limits) {
  limits.page_bytes = random.between(1, 200);
  limits.pending_bytes_max = random.between(0, 300);
  limits.pending_origins_max = random.between(1, 3);
  limits.quarantined_origins_max = random.between(1, 3);
  limits.digest_parts_max = random.between(16, 40);
  limits.publish_bytes_max = random.between(0, 200);
  limits.uncommitted_bytes_max = random.between(0, 300);
  limits.batch_bytes = random.between(1, 60);
  limits.batch_deltas = random.between(1, 3);
  limits.gap_grace_ms = random.between(0, 10);
  limits.pull_timeout_ms = random.between(5, 100);
  limits.pull_timeout_ms_max = random.between(100, 300);
  limits.beacon_active_ms = random.between(5, 50);
  limits.beacon_idle_ms = random.between(20, 200);
  limits.peer_silence_ms = random.between(250, 800);
  limits.forget_every_ms = random.between(5, 50);
  limits.digest_cells_per_tick = random.between(1, 4);
  limits.digest_runs_per_tick = random.between(1, 4);
  limits.digest_runs_per_beacon = random.between(2, 3);
  limits.digest_comparisons_max = random.between(8, 20);
  limits.compare_within_ms = 20'000;
  limits.log_prefix_groups_max = 1;
}

// Much data, and nothing or little that goes wrong.
void draw_large(Random& random, Swarm& swarm) {
  const std::size_t leaders = swarm.leaders;
  swarm = {};
  swarm.leaders = leaders;
  swarm.run_ms = 3000;
  swarm.writes_per_second = static_cast<double>(random.between(200, 600)) / static_cast<double>(leaders);
  swarm.keys = random.between(50, 400);
  swarm.fields = random.between(1, 40);
  swarm.large_value = 0.2;
  swarm.large_value_max = 6000;
  swarm.counters = percent(random, 0, 80);
  swarm.checkpoint_slice = random.between(8, 64);
  if (random.chance(0.7)) swarm.checkpoint_every_ms = random.between(300, 1500);
  if (random.chance(0.3)) swarm.crash_every_ms = 1500, swarm.down_max_ms = 500;
  if (random.chance(0.3)) swarm.links.publish_loss = percent(random, 1, 20);
  swarm.limits.sweep_ms = 1000;
  swarm.limits.compare_within_ms = 6000;
}

// A log that is cut, and leaders that lose their disks: what they lack is in no log any more.
void draw_mirrors(Random& random, Swarm& swarm) {
  sync::MirrorLimits& limits = swarm.mirror;
  limits.window_pages = random.between(1, 3);
  limits.keep_copy_ms = random.between(1500, 5000);
  limits.in_use_ms = random.between(20, 1000);
  limits.ask_again_ms = random.between(20, 300);
  limits.page_timeout_ms = random.between(300, 1000);
  limits.leave_source_ms = random.between(2000, 6000);
  limits.source_rest_ms = random.between(100, 3000);
  limits.behind_patience_ms = random.between(500, 3000);
  if (random.chance(0.3)) limits.bytes_per_second = random.between(6, 20) * sync::mirror_page_bytes;
  // A leader restored below the floor of a log has writes of its own at times that nobody can take.
  swarm.limits.ended_origins_max = std::numeric_limits<std::size_t>::max();
  if (swarm.restore != 0 || !random.chance(0.6)) return;
  swarm.limits.ended_origins_max = random.between(0, 2);
  swarm.limits.log_retain_bytes = random.chance(0.4) ? 0 : random.between(0, 3000);
  if (!random.chance(0.6)) return;
  swarm.crash_every_ms = random.between(400, 3000);
  swarm.down_max_ms = random.between(10, 2000);
  swarm.two_lost_disks = random.chance(0.5);
  swarm.limits.close_after_ms = std::min<std::uint64_t>(swarm.limits.close_after_ms, 1500);
  swarm.lose_disk = percent(random, 20, 100);
  swarm.checkpoint_every_ms = random.between(50, 500);
  swarm.partition_max_ms = std::max<std::uint64_t>(swarm.partition_max_ms, 3000);
  if (random.chance(0.7)) swarm.limits.forget_every_ms = random.between(5, 100);
}

// Copies of states over and over, slow enough that much can happen to them.
void draw_many_copies(Random& random, Swarm& swarm) {
  swarm.run_ms = 6000;
  swarm.links = {};
  swarm.odd_links.clear();
  swarm.restore = 0;
  swarm.partition_every_ms = 0;
  swarm.partition_max_ms = 2500;
  swarm.crash_every_ms = random.between(400, 1000);
  swarm.down_max_ms = random.between(10, 500);
  swarm.lose_disk = 0.8;
  swarm.two_lost_disks = random.chance(0.5);
  swarm.checkpoint_every_ms = random.between(50, 200);
  swarm.limits = {};
  swarm.limits.sweep_ms = 1000;
  swarm.limits.compare_within_ms = 6000;
  swarm.limits.forget_every_ms = random.between(5, 50);
  swarm.limits.beacon_idle_ms = random.between(20, 100);
  swarm.limits.log_retain_bytes = 0;
  swarm.limits.close_after_ms = random.between(20, 800);
  swarm.mirror.leave_source_ms = random.between(100, 600);
  swarm.mirror.page_timeout_ms = 200;
  swarm.mirror.bytes_per_second = random.between(10, 40) * sync::mirror_page_bytes;
}

// Copies that are old when they are given, and a leader that is alone with one for long.
void draw_old_copies(Random& random, Swarm& swarm) {
  draw_many_copies(random, swarm);
  swarm.leaders = 3;
  swarm.checkpoint_every_ms = random.between(400, 2000);
  swarm.limits.close_after_ms = random.between(20, 100);
  swarm.mirror.leave_source_ms = 2000;
  swarm.mirror.bytes_per_second = 100 * sync::mirror_page_bytes;
}

// These bugs are looked for where they can show.
bool needs_two_leaders() {
  return planted(Planted::greatest_of_two_leaders) || planted(Planted::complete_is_final) ||
         planted(Planted::raise_when_overtaken);
}

// Two leaders of one region, from one directory. Nothing is cut from the logs: who is behind what
// was cut has writes at times that nobody takes.
void draw_clone(Random& random, Swarm& swarm) {
  swarm.run_ms = random.between(3000, 8000);
  swarm.clone_at_ms = random.between(300, swarm.run_ms / 2);
  swarm.clone_for_ms = random.between(300, 2 * swarm.run_ms);
  swarm.restore = swarm.lose_disk = 0;
  swarm.partition_max_ms = std::max<std::uint64_t>(swarm.partition_max_ms, 3000);
  swarm.limits.log_retain_bytes = sync::Limits().log_retain_bytes;
  swarm.limits.ended_origins_max = std::numeric_limits<std::size_t>::max();
  swarm.limits.close_after_ms = sync::Limits().close_after_ms;
  swarm.clone_heard = random.chance(0.3) && !needs_two_leaders();
  if (!swarm.clone_heard) {
    swarm.clone_alone = random.chance(0.6) && !needs_two_leaders();
    if (!swarm.clone_alone) {
      // Some hear the one, some the other, for longer than it takes to end a run.
      swarm.limits.close_after_ms = random.between(500, 4000);
      return;
    }
    // Nobody hears it until it ends; then its directory is found.
    swarm.limits.close_after_ms = random.between(300, 3000);
    swarm.clone_for_ms = random.between(100, swarm.run_ms - swarm.clone_at_ms);
    return;
  }
  swarm.links = {};
  swarm.odd_links.clear();
  swarm.partition_every_ms = swarm.crash_every_ms = 0;
  swarm.late_joiner = false;
  swarm.limits.beacon_idle_ms = 50;
  swarm.clock_jump_every_ms = random.chance(0.5) ? random.between(500, 1000) : 0;
  swarm.clock_jump_max_ms = 3'600'000;
  if (swarm.clock_jump_every_ms == 0) swarm.limits.close_after_ms = random.between(300, 800);
}

std::size_t some_leaders(Random& random) {
  if (random.chance(0.7)) return 3;
  return random.chance(0.6) ? random.between(2, 5) : random.between(6, 7);
}

}  // namespace

void draw_restores_behind(Random& random, Swarm& swarm) {
  swarm.restore_behind = true;
  swarm.mirror.behind_patience_ms = random.between(200, 3000);
  swarm.clone_at_ms = 0;
  swarm.late_joiner = false;
  swarm.run_ms = std::max<std::uint64_t>(swarm.run_ms, 3000);
  swarm.crash_every_ms = random.between(400, 2000);
  swarm.down_max_ms = random.between(10, 1000);
  swarm.restore = percent(random, 20, 70);
  swarm.restore_alone = random.chance(0.5) ? 0.8 : 0;
  swarm.lose_disk = random.chance(0.3) ? percent(random, 5, 30) : 0;
  swarm.backup_every_ms = random.between(200, 2000);
  swarm.checkpoint_every_ms = random.between(50, 500);
  swarm.partition_max_ms = std::max<std::uint64_t>(swarm.partition_max_ms, 2000);
  swarm.limits.forget_every_ms = random.between(5, 100);
  swarm.limits.ended_origins_max = random.between(0, 2);
  swarm.limits.log_retain_bytes = random.chance(0.5) ? 0 : random.between(0, 3000);
  swarm.limits.close_after_ms = std::min<std::uint64_t>(swarm.limits.close_after_ms, 1500);
}

// Directories stay whole: what a lost disk and a removal take together nobody promises to keep.
void draw_members(Random& random, Swarm& swarm) {
  swarm.leaders = random.between(4, 6);
  swarm.run_ms = random.between(3000, 9000);
  swarm.late_joiner = false;
  swarm.restore = swarm.lose_disk = 0;
  swarm.clone_at_ms = 0;
  std::erase_if(swarm.odd_links, [&](const auto& item) {
    return item.first.first >= swarm.leaders || item.first.second >= swarm.leaders;
  });
  swarm.partition_max_ms = std::max<std::uint64_t>(swarm.partition_max_ms, 2000);
  swarm.down_max_ms = std::max<std::uint64_t>(swarm.down_max_ms, 500);
  swarm.limits.peer_silence_ms = random.between(300, 3500);
  swarm.limits.close_after_ms = std::min<std::uint64_t>(swarm.limits.close_after_ms, 1500);
  swarm.limits.log_retain_bytes = random.chance(0.5) ? 0 : random.between(0, 5000);
  if (random.chance(0.85)) {
    swarm.join_at_ms = random.between(200, swarm.run_ms / 2);
    swarm.joiner_starts_ms = random.between(1, swarm.join_at_ms + 1500);
  }
  if (swarm.join_at_ms == 0 || random.chance(0.6))
    swarm.leave_at_ms = random.between(300, swarm.run_ms - 500);
}

Swarm swarm_for(Random& random) {
  Swarm swarm;
  swarm.leaders = some_leaders(random);
  swarm.run_ms = random.between(1000, 8000);
  swarm.tick_ms = random.between(5, 30);
  swarm.late_joiner = random.chance(0.15);
  // Many leaders write no more than a few, all together.
  swarm.writes_per_second = static_cast<double>(random.between(6, 120)) /
                            static_cast<double>(std::max<std::size_t>(3, swarm.leaders));
  swarm.keys = random.between(1, 6);
  swarm.fields = random.between(1, 4);
  swarm.burst = percent(random, 0, 40);
  if (random.chance(0.3)) swarm.large_value = 0.1;
  if (random.chance(0.3)) swarm.clear_all = 0.03;
  swarm.counters = percent(random, 0, 80);
  draw_network(random, swarm);
  draw_crashes(random, swarm);
  draw_limits(random, swarm.limits);
  if (random.chance(0.15)) draw_restored_counter(random, swarm);
  if (random.chance(0.1)) draw_tiny_limits(random, swarm.limits);
  if (random.chance(0.03)) draw_large(random, swarm);
  draw_mirrors(random, swarm);
  if (random.chance(0.09)) draw_many_copies(random, swarm);
  if (random.chance(0.03)) draw_old_copies(random, swarm);
  if (random.chance(0.05)) draw_restarts(random, swarm);
  if (random.chance(0.06) || needs_two_leaders()) draw_clone(random, swarm);
  return swarm;
}

std::string describe(const Swarm& s) {
  std::string odd;
  for (const auto& [link, faults] : s.odd_links)
    odd += fmt::format("\n  link {} -> {}: {}", link.first, link.second, to_string(faults));
  return fmt::format(
      "{} leaders{}, {} ms, {} writes/s, {} keys, {} fields, counters {}, clear_all {}\n"
      "network: in order {}, {}, partitions every {} up to {} ms{}\n"
      "disk: sync {}-{} ms, short reads {}, checkpoint every {} ms\n"
      "crash every {} ms, down up to {} ms, restore {} (alone {}), backup every {} ms, lost disks {}, skew "
      "{} ms, jumps "
      "every {} of {} "
      "ms\n"
      "a clone after {} ms for {} ms{}, a region joins after {} ms (starts after {}), one leaves after {} "
      "ms\n"
      "limits: page {}, pending {}, publish {}, uncommitted {}, batch {} bytes {} deltas, forget every {} "
      "ms, log keeps {}, runs are closed after {} ms",
      s.leaders, s.late_joiner ? " (one joins late)" : "", s.run_ms, s.writes_per_second, s.keys, s.fields,
      s.counters, s.clear_all, s.in_order, to_string(s.links), s.partition_every_ms, s.partition_max_ms, odd,
      s.sync_min_ms, s.sync_max_ms, s.short_read, s.checkpoint_every_ms, s.crash_every_ms, s.down_max_ms,
      s.restore, s.restore_alone, s.backup_every_ms, s.lose_disk, s.clock_skew_max_ms, s.clock_jump_every_ms,
      s.clock_jump_max_ms, s.clone_at_ms, s.clone_for_ms, s.clone_heard ? ", heard by all" : "", s.join_at_ms,
      s.joiner_starts_ms, s.leave_at_ms, s.limits.page_bytes, s.limits.pending_bytes_max,
      s.limits.publish_bytes_max, s.limits.uncommitted_bytes_max, s.limits.batch_bytes, s.limits.batch_deltas,
      s.limits.forget_every_ms, s.limits.log_retain_bytes, s.limits.close_after_ms);
}

}  // namespace turnstone::sim
