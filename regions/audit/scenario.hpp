#pragma once
// One conflict on record as a scenario of two writes: what the simulator's own pieces replay, to
// the same conflict under the same id.
//
//   turnstone scenario 1
//   key HEX
//   field HEX
//   write REGION ORIGIN SEQ INDEX HLC KIND put|remove|increment HEX
//     seen ORIGIN SEQ            what the author had seen, a line for each origin
//   write ...
//   expect ID TYPE first|second
#include <array>
#include <string>
#include <string_view>

#include "core/error.hpp"
#include "core/version_vector.hpp"
#include "crdt/conflict.hpp"
#include "regions/audit/entry.hpp"

namespace turnstone::audit {

struct Scenario {
  struct Write {
    std::string region;
    crdt::ConflictSide side;
    VersionVector seen;
  };
  std::string key;
  std::string field;
  std::array<Write, 2> writes;
  Hash128 id;
  crdt::ConflictType type = crdt::ConflictType::concurrent_write;
  bool first_wins = false;
};

// Errors: config, with the reason, for a conflict that is more than two writes, and for one whose
// values or contexts are not on record.
Result<std::string> scenario_text(const Entry& entry);
// Errors: malformed.
Result<Scenario> parse_scenario(std::string_view text);
// Lets each region write, then hear the other, and returns what they find: the same in both, or
// nothing. Errors: config, with what is not as it was expected.
Result<crdt::Conflict> play(const Scenario& scenario);

}  // namespace turnstone::audit
