#pragma once
// The names of things that replicate.
#include <compare>
#include <cstdint>
#include <string>

namespace turnstone {

// One run of a leader: a random 64-bit number drawn at every start, so that no
// restore, clone, lost log tail or split brain can use a sequence number twice.
enum class Origin : std::uint64_t {};

// Position in an origin's log: 1, 2, 3 ... without gaps; 0 is "nothing yet".
using Seq = std::uint64_t;

// Where a delta stands in its origin's log. Also the operation id of a write that a
// leader made itself: the leader is the author and the stamp happens once.
struct Stamp {
  Origin origin{};
  Seq seq = 0;
  friend auto operator<=>(const Stamp&, const Stamp&) = default;
};

// Names a row: the operation that made it, and which of its effects.
struct RowId {
  Stamp operation;
  std::uint32_t index = 0;
  friend auto operator<=>(const RowId&, const RowId&) = default;
};

// Sixteen hex digits, as people see an origin in logs and replies.
std::string to_string(Origin origin);
// "origin:seq"
std::string to_string(Stamp stamp);

}  // namespace turnstone
