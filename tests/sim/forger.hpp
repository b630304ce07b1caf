#pragma once
// Signatures for the simulator, which nobody has to be able to break, and a leader that
// writes in another's name.
#include <memory>
#include <string>

#include "sync/replica.hpp"
#include "tests/sim/random.hpp"

namespace turnstone::sim {

std::shared_ptr<const sync::Signatures> signatures_of(const std::string& region);

// A frame of the replica's region with the next batch of an origin of somebody else, signed as
// well as a forger can; empty when it knows of no other origin.
std::string forged_frame(const sync::Replica& forger, Random& random);

}  // namespace turnstone::sim
