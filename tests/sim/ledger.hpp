#pragma once
// Counters that nothing but increments by distinct powers of four changes, each of them plus or
// minus: the digits to base 4 of what a leader shows say how often it has counted each one. So
// exactly once is checked from what clients asked for and what leaders answer, without the oracle.
#include <cstddef>
#include <set>
#include <string>
#include <vector>

#include "crdt/keyspace.hpp"
#include "tests/sim/operation.hpp"
#include "tests/sim/random.hpp"

namespace turnstone::sim {

class Ledger {
 public:
  // An increment unlike all others; to be stamped.
  OwnedEffect next(Random& random);
  void stamped(const Operation& operation);

  // What a leader shows counts each increment once when `applied` covers it, and otherwise not
  // at all. Throws a Finding.
  void check(const std::string& region, const crdt::Keyspace& keyspace, const VersionVector& applied) const;
  // It counts all of these that are in the ledger. Throws a Finding.
  void check_all_there(const std::string& region, const crdt::Keyspace& keyspace,
                       const std::set<Stamp>& promised) const;

 private:
  struct Entry {
    bool negative = false;
    std::vector<Stamp> stamps;  // the first one, and those that took its place
  };
  struct Counter {
    crdt::CellName cell;
    std::vector<Entry> entries;  // by exponent
  };

  // How often each increment is in what the counter shows.
  static std::vector<bool> read(const std::string& region, const crdt::Keyspace& keyspace,
                                const Counter& counter);

  std::vector<Counter> counters_;
  // After a ClearAll what was counted may be gone.
  bool cleared_ = false;
};

}  // namespace turnstone::sim
