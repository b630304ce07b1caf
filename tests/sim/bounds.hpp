#pragma once
// What a leader holds stays within its limits at every moment, and once everything has arrived
// everywhere nothing is left of what was held only until then. Each throws a Finding.
#include <cstddef>

#include "tests/sim/leader.hpp"
#include "tests/sim/swarm.hpp"

namespace turnstone::sim {

// What limits cannot be kept to exactly: one thing more of these sizes may be let in.
struct Slack {
  std::size_t batch_bytes = 0;      // of the largest batch so far
  std::size_t operation_bytes = 0;  // of the largest operation
};

void check_bounds(const Leader& leader, const Swarm& swarm, const Slack& slack);

// Vectors name no more than the leaders' present runs, and as many that ended as may stay for the
// sake of the log.
bool vectors_are_short(const Leader& leader, const Swarm& swarm);

// `writes_lost`: a leader's disk was lost or replaced. What depended on what nobody has any more
// waits for it, within its limit.
void check_nothing_left(const Leader& leader, const Swarm& swarm, const Slack& slack, bool writes_lost);

}  // namespace turnstone::sim
