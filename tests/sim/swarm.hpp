#pragma once
// The settings of one run, drawn from its seed. Each run has its own mixture of faults,
// some of them none at all: bugs hide behind faults that mask each other.
#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "sync/limits.hpp"
#include "sync/mirror_effect.hpp"
#include "tests/sim/random.hpp"

namespace turnstone::sim {

// From one leader to another.
using Link = std::pair<std::size_t, std::size_t>;

// How a link treats frames.
struct LinkFaults {
  std::uint64_t delay_max_ms = 5;
  double publish_loss = 0;
  double request_loss = 0;
  double duplication = 0;
  bool severed = false;  // until everything heals
};

struct Swarm {
  std::size_t leaders = 3;
  std::uint64_t run_ms = 10'000;
  std::uint64_t tick_ms = 10;
  bool late_joiner = false;

  // What clients do.
  double writes_per_second = 10;  // per leader
  std::uint64_t keys = 4;
  std::uint64_t fields = 3;
  double burst = 0.1;
  double large_value = 0;
  std::uint64_t large_value_max = 1200;
  double clear_all = 0;
  double counters = 0.3;
  double ledger = 0.15;
  double choices = 0;  // of the writes: how many take along what they replace, or resolve

  // Network.
  std::uint64_t delay_min_ms = 1;
  bool in_order = true;
  LinkFaults links;
  std::map<Link, LinkFaults> odd_links;  // those unlike the others
  std::uint64_t partition_every_ms = 0;  // 0: never, here and below
  std::uint64_t partition_max_ms = 0;

  // Disk.
  std::uint64_t sync_min_ms = 1;
  std::uint64_t sync_max_ms = 4;
  double short_read = 0;
  std::uint64_t checkpoint_every_ms = 0;
  std::uint64_t checkpoint_slice = 3;

  // Leaders.
  std::uint64_t crash_every_ms = 0;
  std::uint64_t down_max_ms = 0;
  double restore = 0;        // of the crashes: how many come back with an old copy
  double restore_alone = 0;  // of those: how many meet no peer for a while
  std::uint64_t backup_every_ms = 0;
  // Old copies come back behind what the logs still have. Who cannot come home by itself is given
  // an empty directory by its administrator.
  bool restore_behind = false;
  double lose_disk = 0;         // of the crashes: how many come back with an empty disk
  bool two_lost_disks = false;  // at once, where there are four leaders or more
  // A leader's directory is copied while it runs, and a second leader started from the copy; 0: never.
  std::uint64_t clone_at_ms = 0;
  std::uint64_t clone_for_ms = 0;  // until one of the two ends; at most until all is well again
  bool clone_heard = false;        // both are, by everybody and all the time
  bool clone_alone = false;        // the second one is not heard by anybody, ever
  // The last leader's region is no member at first, and is added then, perhaps while it runs
  // already; another one is removed. 0: never.
  std::uint64_t join_at_ms = 0;
  std::uint64_t joiner_starts_ms = 0;
  std::uint64_t leave_at_ms = 0;
  std::uint64_t clock_skew_max_ms = 0;
  std::uint64_t clock_jump_every_ms = 0;
  std::uint64_t clock_jump_max_ms = 0;
  // Batches are signed, and a leader writes in another's name.
  std::uint64_t forgery_every_ms = 0;
  // A leader publishes what nobody can apply.
  std::uint64_t poison_every_ms = 0;

  sync::Limits limits;
  sync::MirrorLimits mirror;
};

Swarm swarm_for(Random& random);
// Old copies of directories, and logs that are cut.
void draw_restores_behind(Random& random, Swarm& swarm);
// Regions join and leave.
void draw_members(Random& random, Swarm& swarm);
std::string describe(const Swarm& swarm);

}  // namespace turnstone::sim
