#pragma once
// What clients ask of a leader: few keys and fields, so that things collide.
#include <vector>

#include "crdt/keyspace.hpp"
#include "tests/sim/ledger.hpp"
#include "tests/sim/operation.hpp"
#include "tests/sim/random.hpp"
#include "tests/sim/swarm.hpp"

namespace turnstone::sim {

// The effects of one operation: one to three.
std::vector<OwnedEffect> some_operation(const Swarm& swarm, Ledger& ledger, Random& random);
// Some writes take along what they replace, or choose between the siblings that are there.
void look_at(const crdt::Keyspace& keyspace, const Swarm& swarm, Random& random,
             std::vector<OwnedEffect>& effects);

}  // namespace turnstone::sim
