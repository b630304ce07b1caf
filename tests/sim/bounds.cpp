#include "tests/sim/bounds.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <string_view>

#include "tests/sim/finding.hpp"

namespace turnstone::sim {
namespace {

// Runs are closed within a run of the simulator, and the log is cut for their sake.
bool runs_are_retired(const Swarm& swarm) {
  return swarm.limits.close_after_ms != 0 && swarm.limits.close_after_ms <= 1000 &&
         swarm.limits.ended_origins_max != std::numeric_limits<std::size_t>::max();
}

std::size_t slack_of(std::string_view name, const sync::Limits& limits, const Slack& slack) {
  if (name == "batch_bytes") return slack.operation_bytes;
  if (name == "batch_deltas") return 1;
  // What waited for the last batch that was let in is let in with it.
  if (name == "uncommitted_bytes_max")
    return 2 * slack.batch_bytes + slack.operation_bytes + limits.pending_bytes_max;
  return 0;
}

}  // namespace

void check_bounds(const Leader& leader, const Swarm& swarm, const Slack& slack) {
  for (const Bound& bound : leader.replica().bounds()) {
    // What is in the log stays until everybody has it.
    if (bound.name == "log_retain_bytes") continue;
    if (bound.now <= bound.max) continue;
    const std::size_t more = slack_of(bound.name, leader.replica().config().limits, slack);
    if (bound.now - bound.max <= more) continue;
    throw Finding(fmt::format("{} holds {} of {} that are allowed by {}, and {} more", leader.region(),
                              bound.now, bound.max, bound.name, more));
  }
  const std::size_t closing = leader.replica().closings().open().size();
  const std::size_t entries = leader.replica().vector().entries().size();
  if (closing > entries + swarm.leaders) {
    throw Finding(
        fmt::format("{} keeps {} closings for a vector of {} entries", leader.region(), closing, entries));
  }
}

bool vectors_are_short(const Leader& leader, const Swarm& swarm) {
  if (!runs_are_retired(swarm)) return true;
  const std::size_t most = swarm.leaders + swarm.limits.ended_origins_max;
  const sync::Replica& replica = leader.replica();
  const auto is_short = [most](const VersionVector& vector) { return vector.entries().size() <= most; };
  const auto peers = replica.peers();
  return is_short(replica.vector()) && is_short(replica.durable()) && is_short(replica.stable()) &&
         is_short(replica.log().floor()) && is_short(replica.settled().vector()) &&
         replica.origins().size() <= most && replica.closings().open().size() <= most &&
         std::all_of(peers.begin(), peers.end(),
                     [&](const sync::PeerView& peer) { return is_short(peer.durable); });
}

void check_nothing_left(const Leader& leader, const Swarm& swarm, const Slack& slack, bool writes_lost) {
  const sync::Replica& replica = leader.replica();
  require(vectors_are_short(leader, swarm),
          fmt::format("{} names {} origins at rest, of {} leaders: {}", leader.region(),
                      replica.vector().entries().size(), swarm.leaders, to_string(replica.vector())));
  require(leader.unanswered() == 0,
          fmt::format("{} has not answered {} writes", leader.region(), leader.unanswered()));
  require(leader.copies_given() == 0, leader.region() + " keeps a copy of its state for nobody");
  require(!leader.disk().staging, leader.region() + " keeps a copy that it does not need");
  require(replica.gaps() == 0, leader.region() + " misses something of what it has all of");
  const std::size_t retained = swarm.limits.log_retain_bytes;
  for (const Bound& bound : replica.bounds()) {
    const bool of_writes = bound.name == "batch_bytes" || bound.name == "uncommitted_bytes_max";
    const bool of_waiting = bound.name == "pending_bytes_max" || bound.name == "pending_origins_max";
    if (of_writes || (of_waiting && !writes_lost)) {
      require(bound.now == 0, fmt::format("{} still holds {} of {}", leader.region(), bound.now, bound.name));
    }
    if (bound.name == "log_retain_bytes") {
      require(bound.now <= retained || bound.now - retained <= slack.batch_bytes,
              fmt::format("{} has a log of {} bytes at rest, and was to keep {}", leader.region(), bound.now,
                          retained));
    }
  }
}

}  // namespace turnstone::sim
