#pragma once
// A cell as stored in a state file: its name, and its bytes with a checksum over both.
#include <compare>
#include <string>
#include <string_view>

#include "core/error.hpp"
#include "core/hash.hpp"
#include "crdt/cell.hpp"

namespace turnstone::crdt {

struct CellName {
  std::string key;
  std::string field;
  Kind kind = Kind::string;
  friend auto operator<=>(const CellName&, const CellName&) = default;
};

struct CellImage {
  CellName name;
  // Empty: the cell is no more, and its stored row goes.
  std::string bytes;
  friend bool operator==(const CellImage&, const CellImage&) = default;
};

// Records [tag origin seq index hlc x]: tag 1 is a sibling (x its value); 2 the counter's
// newest increment (x the total), then 3 an unstable contribution (x its amount); 4 is what a
// sibling replaced, [4 origin seq index rows x], behind the siblings.
// Without tag 3 the bytes are the state: what f(D) says, equal on every leader
// that has applied the same deltas.
enum class CellPart : bool { state, state_and_unstable };
std::string encode_cell(const Cell& cell, CellPart part);
// Of a cell and its name, over the state: leaders that applied the same deltas have the same.
Hash128 digest_of(std::string_view key, Kind kind, std::string_view field, const Cell& cell);
// The records and 8 bytes of hash over the name and them.
CellImage image_of(const CellName& name, const Cell* cell, CellPart part = CellPart::state_and_unstable);
// Errors: corrupt, malformed.
Result<Cell> decode_image(const CellImage& image);

}  // namespace turnstone::crdt
