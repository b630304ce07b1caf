#include "tests/sim/swarm.hpp"

#include <fmt/format.h>

namespace turnstone::sim {
namespace {

void draw_network(Random& random, Swarm& swarm) {
  if (random.chance(0.4)) swarm.delay_max_ms = random.between(5, 400);
  swarm.in_order = random.chance(0.5);
  if (random.chance(0.5)) swarm.publish_loss = static_cast<double>(random.between(1, 100)) / 100;
  if (random.chance(0.3)) swarm.request_loss = static_cast<double>(random.between(1, 60)) / 100;
  if (random.chance(0.3)) swarm.duplication = static_cast<double>(random.between(1, 50)) / 100;
  if (random.chance(0.6)) {
    swarm.partition_every_ms = random.between(300, 4000);
    swarm.partition_max_ms = random.between(100, 6000);
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
      swarm.restore = static_cast<double>(random.between(5, 60)) / 100;
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
  swarm.publish_loss = swarm.request_loss = 0;
  swarm.partition_every_ms = 0;
  swarm.delay_max_ms = 10;
  swarm.crash_every_ms = random.between(500, 1500);
  swarm.down_max_ms = 200;
  swarm.restore = 0.7;
  swarm.restore_alone = 0.8;
  swarm.backup_every_ms = random.between(100, 500);
  swarm.limits.forget_every_ms = 5;
  swarm.limits.beacon_idle_ms = 50;
}

}  // namespace

Swarm swarm_for(Random& random) {
  Swarm swarm;
  if (random.chance(0.3)) swarm.leaders = random.between(2, 5);
  swarm.run_ms = random.between(1000, 8000);
  swarm.tick_ms = random.between(5, 30);
  swarm.late_joiner = random.chance(0.15);
  swarm.writes_per_second = static_cast<double>(random.between(2, 40));
  swarm.keys = random.between(1, 6);
  swarm.fields = random.between(1, 4);
  swarm.burst = static_cast<double>(random.between(0, 40)) / 100;
  if (random.chance(0.3)) swarm.large_value = 0.1;
  if (random.chance(0.3)) swarm.clear_all = 0.03;
  swarm.counters = static_cast<double>(random.between(0, 80)) / 100;
  draw_network(random, swarm);
  draw_crashes(random, swarm);
  draw_limits(random, swarm.limits);
  if (random.chance(0.15)) draw_restored_counter(random, swarm);
  // A leader restored below the floor of a log, or one that joins behind it, needs a copy of
  // a state, which is not simulated.
  if (swarm.restore == 0 && !swarm.late_joiner && random.chance(0.5)) {
    swarm.limits.log_retain_bytes = random.between(0, 3000);
  }
  return swarm;
}

std::string describe(const Swarm& s) {
  return fmt::format(
      "{} leaders{}, {} ms, {} writes/s, {} keys, {} fields, counters {}, clear_all {}\n"
      "network: delay {}-{} ms, in order {}, loss {} / {}, duplication {}, partitions every {} up to {} ms\n"
      "disk: sync {}-{} ms, short reads {}, checkpoint every {} ms\n"
      "crash every {} ms, down up to {} ms, restore {} (alone {}), backup every {} ms, skew {} ms, jumps "
      "every {} of {} "
      "ms\n"
      "limits: page {}, pending {}, publish {}, uncommitted {}, batch {} bytes {} deltas, forget every {} "
      "ms, log keeps {}",
      s.leaders, s.late_joiner ? " (one joins late)" : "", s.run_ms, s.writes_per_second, s.keys, s.fields,
      s.counters, s.clear_all, s.delay_min_ms, s.delay_max_ms, s.in_order, s.publish_loss, s.request_loss,
      s.duplication, s.partition_every_ms, s.partition_max_ms, s.sync_min_ms, s.sync_max_ms, s.short_read,
      s.checkpoint_every_ms, s.crash_every_ms, s.down_max_ms, s.restore, s.restore_alone, s.backup_every_ms,
      s.clock_skew_max_ms, s.clock_jump_every_ms, s.clock_jump_max_ms, s.limits.page_bytes,
      s.limits.pending_bytes_max, s.limits.publish_bytes_max, s.limits.uncommitted_bytes_max,
      s.limits.batch_bytes, s.limits.batch_deltas, s.limits.forget_every_ms, s.limits.log_retain_bytes);
}

}  // namespace turnstone::sim
