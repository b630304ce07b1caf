#pragma once
// A conflict: two writes neither of whose authors had seen the other. A question of
// contexts, never of clocks. The id is the same on every leader.
#include <optional>
#include <string>
#include <string_view>

#include "core/hash.hpp"
#include "crdt/effect.hpp"

namespace turnstone::crdt {

enum class ConflictType : std::uint8_t {
  concurrent_write = 1,  // two values for one cell
  update_vs_delete = 2,  // a write that the delete had not seen, and the reverse
  kind_conflict = 3,     // two kinds for one key, or increments on text
  overflow = 4,          // concurrent increments left the signed 64-bit range
  gave_way = 5,          // a reset that was stamped again (crdt::Again) left the counter as it was
  merge_failed = 6,      // the merge function of the key gave nothing for these two
};
std::string_view name(ConflictType type);

struct ConflictSide {
  RowId id;
  Hlc hlc = 0;
  Kind kind = Kind::string;
  bool is_delete = false;
  bool is_increment = false;
  std::string value;  // empty for a delete; the amount for an increment
  friend bool operator==(const ConflictSide&, const ConflictSide&) = default;
};

struct Conflict {
  Hash128 id;
  ConflictType type = ConflictType::concurrent_write;
  std::string key;
  std::string field;
  // Sorted by operation id.
  ConflictSide first;
  ConflictSide second;
  // Which side a reader sees when both are alone: true is the first.
  bool first_wins = false;
  friend bool operator==(const Conflict&, const Conflict&) = default;
};

// A person's choice, as the leaders learn of it.
struct Settlement {
  Hash128 conflict;
  Stamp operation;
  Hlc hlc = 0;
  std::string by;
  friend bool operator==(const Settlement&, const Settlement&) = default;
};

// Sorts the sides, decides the winner (a write beats a delete, else last-write-wins) and
// computes the id.
Conflict make_conflict(ConflictType type, std::string_view key, std::string_view field, ConflictSide a,
                       ConflictSide b);

std::string encode_conflict(const Conflict& conflict);
std::optional<Conflict> decode_conflict(std::string_view bytes);
// The next records of a reader.
std::optional<Conflict> decode_conflict(RecordReader& in);

}  // namespace turnstone::crdt
