#pragma once
// Signatures for the simulator, which nobody has to be able to break, and a leader that
// writes in another's name.
#include <memory>
#include <string>

#include "sync/replica.hpp"
#include "tests/sim/random.hpp"

namespace turnstone::sim {

std::shared_ptr<const sync::Signatures> signatures_of(const std::string& region);

// A lie of the replica's region, signed as well as a liar can: the next batch of an origin of
// somebody else; the first one of an origin that a peer has announced and not used yet; or a
// beacon that calls a peer's origin its own. Empty when it knows of none.
std::string forged_frame(const sync::Replica& forger, Random& random);

// A frame with a batch of a new origin of the replica's own region that nobody can read, though
// it is signed and its hash is right.
std::string poisoned_frame(const sync::Replica& author, Random& random);

}  // namespace turnstone::sim
