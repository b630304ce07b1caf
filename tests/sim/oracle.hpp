#pragma once
// What the state must be, computed from the operations alone: a row or increment is live
// when it is in the set and nothing in the set that had seen it replaced, removed or
// cleared it. Shares no code with the engine but the names of things.
#include <map>
#include <set>
#include <string>
#include <vector>

#include "crdt/cell_image.hpp"
#include "tests/sim/operation.hpp"

namespace turnstone::sim {

// A row or an increment that some operation made.
struct Product {
  RowId id;
  Hlc hlc = 0;
  bool increment = false;
  std::string value;
  FixedDecimal amount;
  std::string over;  // what it replaced, as its line shows it
  // The operations that end it.
  std::vector<Stamp> ended_by;

  bool live(const VersionVector& applied) const;
};

// Every operation that was ever stamped.
class History {
 public:
  // Throws a Finding when the stamp names another operation already.
  void add(Operation operation);
  // Null when nothing has this stamp.
  const Operation* find(Stamp stamp) const;
  // Neither author had seen the other operation.
  bool concurrent(Stamp a, Stamp b) const;
  // The operation chose between siblings and left this one out, which it had seen or not.
  bool left_out(const RowId& chosen, const RowId& other) const;
  // The stamp that took the place of this one, if any.
  Stamp now(Stamp stamp) const;
  std::size_t size() const { return operations_.size(); }

  const std::map<crdt::CellName, std::vector<Product>>& cells() const { return cells_; }
  // The cells that an effect may change.
  std::vector<crdt::CellName> scope(const OwnedEffect& effect) const;
  // One line of Keyspace::canonical(); empty when the cell does not exist.
  std::string line(const crdt::CellName& cell, const VersionVector& applied) const;

 private:
  // What one that is stamped again had seen when it was made it has seen, under whatever name, if
  // it is there.
  bool saw(const Operation& operation, Stamp other) const;

  std::map<Stamp, Operation> operations_;
  std::map<Stamp, Stamp> now_;
  std::map<crdt::CellName, std::vector<Product>> cells_;
};

// The expected state at a growing vector. A vector that shrank (a restart) starts anew.
class Expectation {
 public:
  explicit Expectation(const History& history) : history_(&history) {}
  // Throws a Finding when the vector names operations that nobody made.
  void advance(const VersionVector& applied);
  // In the form of Keyspace::canonical().
  std::string canonical() const;
  std::size_t cells() const { return lines_.size(); }

 private:
  void touch(Stamp stamp, std::set<crdt::CellName>& touched) const;

  const History* history_;
  VersionVector at_;
  std::map<crdt::CellName, std::string> lines_;
};

}  // namespace turnstone::sim
