#include "crdt/conflict.hpp"

#include <utility>

#include "crdt/cell.hpp"

namespace turnstone::crdt {
namespace {

constexpr std::string_view unknown_type = "unknown";

void write_side(RecordWriter& out, const ConflictSide& side) {
  out.record(7)
      .uint(static_cast<std::uint64_t>(side.id.operation.origin))
      .uint(side.id.operation.seq)
      .uint(side.id.index)
      .uint(side.hlc)
      .uint(static_cast<std::uint64_t>(side.kind))
      .uint((side.is_delete ? 1u : 0u) | (side.is_increment ? 2u : 0u))
      .bytes(side.value);
}

ConflictSide read_side(RecordReader& in) {
  in.next();
  ConflictSide side;
  side.id = {{Origin{in.uint(0)}, in.uint(1)}, static_cast<std::uint32_t>(in.uint(2))};
  side.hlc = in.uint(3);
  side.kind = static_cast<Kind>(in.uint(4));
  side.is_delete = (in.uint(5) & 1) != 0;
  side.is_increment = (in.uint(5) & 2) != 0;
  side.value = in.bytes(6);
  return side;
}

Hash128 conflict_id(const Conflict& conflict) {
  std::string bytes;
  RecordWriter out(bytes);
  out.record(3).uint(static_cast<std::uint64_t>(conflict.type)).bytes(conflict.key).bytes(conflict.field);
  for (const ConflictSide* side : {&conflict.first, &conflict.second}) {
    out.record(2).uint(static_cast<std::uint64_t>(side->id.operation.origin)).uint(side->id.operation.seq);
    out.record(2).uint(side->id.index).uint(static_cast<std::uint64_t>(side->kind));
  }
  return hash128(bytes);
}

}  // namespace

std::string_view name(ConflictType type) {
  switch (type) {
    case ConflictType::concurrent_write:
      return "concurrent_write";
    case ConflictType::update_vs_delete:
      return "update_vs_delete";
    case ConflictType::kind_conflict:
      return "kind_conflict";
    case ConflictType::overflow:
      return "overflow";
    case ConflictType::gave_way:
      return "gave_way";
    case ConflictType::merge_failed:
      return "merge_failed";
  }
  return unknown_type;
}

Conflict make_conflict(ConflictType type, std::string_view key, std::string_view field, ConflictSide a,
                       ConflictSide b) {
  Conflict conflict;
  conflict.type = type;
  conflict.key = key;
  conflict.field = field;
  if (b.id < a.id) std::swap(a, b);
  conflict.first_wins = a.is_delete != b.is_delete ? b.is_delete : wins_over(a.hlc, a.id, b.hlc, b.id);
  conflict.first = std::move(a);
  conflict.second = std::move(b);
  conflict.id = conflict_id(conflict);
  return conflict;
}

std::string encode_conflict(const Conflict& conflict) {
  std::string bytes;
  RecordWriter out(bytes);
  out.record(4)
      .uint(static_cast<std::uint64_t>(conflict.type))
      .bytes(conflict.key)
      .bytes(conflict.field)
      .uint(conflict.first_wins ? 1 : 0);
  write_side(out, conflict.first);
  write_side(out, conflict.second);
  return bytes;
}

std::optional<Conflict> decode_conflict(std::string_view bytes) {
  RecordReader in(bytes);
  return decode_conflict(in);
}

std::optional<Conflict> decode_conflict(RecordReader& in) {
  in.next();
  Conflict conflict;
  conflict.type = static_cast<ConflictType>(in.uint(0));
  conflict.key = in.bytes(1);
  conflict.field = in.bytes(2);
  conflict.first_wins = in.uint(3) != 0;
  conflict.first = read_side(in);
  conflict.second = read_side(in);
  const bool known = name(conflict.type) != unknown_type;
  if (in.malformed() || !known) return std::nullopt;
  conflict.id = conflict_id(conflict);
  return conflict;
}

}  // namespace turnstone::crdt
