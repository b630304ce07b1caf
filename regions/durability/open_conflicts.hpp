#pragma once
// The conflicts that a state shows of itself: values that did not see each other and that no
// write has seen yet. A state that was copied from another leader, or whose audit was lost,
// has such that this leader never met.
#include <vector>

#include "crdt/conflict.hpp"
#include "crdt/keyspace.hpp"

namespace turnstone::durability {

// Every pair of differing values of one cell, under the id that it has everywhere. O(cells).
// Kinds in conflict are left out: which rows had seen which cannot be told from the state.
std::vector<crdt::Conflict> open_conflicts(const crdt::Keyspace& keyspace);

}  // namespace turnstone::durability
