#pragma once
// Deletes that some region may not have seen yet: evidence for the audit, so that a write
// that arrives after a delete it had not seen is found to be in conflict with it. Not
// part of the state: a delete needs no memory to stay deleted.
//
// Of one scope and origin the newest is kept: who has seen it has seen the older ones, and
// a key that is made and deleted over and over costs one entry.
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "crdt/effect.hpp"

namespace turnstone::crdt {

class UnstableDeletes {
 public:
  // The oldest is forgotten beyond this many.
  static constexpr std::size_t deletes_max = 1'000'000;

  struct Delete {
    RowId id;
    Hlc hlc;
  };

  void note_cell(std::string_view key, Kind kind, std::string_view field, Delete what);
  void note_key(std::string_view key, Delete what);
  void note_all(Delete what);

  // The deletes in whose scope the cell lies and that `author` had not seen.
  std::vector<Delete> unseen_by(const Author& author, std::string_view key, Kind kind,
                                std::string_view field) const;
  void forget_stable(const VersionVector& stable);
  std::size_t size() const { return order_.size(); }
  // Those that were forgotten before they were stable, for want of room: a write that had not
  // seen one of them is no conflict on record.
  std::uint64_t forgotten() const { return forgotten_; }

 private:
  enum class Reach : std::uint8_t { cell, key, everything };
  struct Scope {
    Reach reach;
    Kind kind;
    std::string key;
    std::string field;
    friend auto operator<=>(const Scope&, const Scope&) = default;
  };
  void note(Scope scope, Delete what);
  void collect(const Scope& scope, const Author& author, std::vector<Delete>& out) const;
  void drop_oldest();

  std::map<Scope, std::vector<Delete>> by_scope_;
  // In the order applied. One that is not stable yet keeps those behind it a little longer.
  std::deque<std::pair<RowId, Scope>> order_;
  std::uint64_t forgotten_ = 0;
};

}  // namespace turnstone::crdt
