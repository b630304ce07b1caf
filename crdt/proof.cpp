// Two views of the whole state by which replicas are compared.
#include <algorithm>
#include <vector>

#include "crdt/keyspace.hpp"

namespace turnstone::crdt {
namespace {

template <class Visit>
void visit_cells(std::string_view key, const Entry& entry, Visit visit) {
  for (const Kind kind : entry.kinds()) {
    if (kind == Kind::string) {
      visit(CellName{std::string(key), {}, kind}, *entry.string());
    } else {
      for (const auto& [name, cell] : entry.fields(kind)->map()) {
        visit(CellName{std::string(key), name.field, kind}, cell);
      }
    }
  }
}

std::string text_of(const CellName& name, const Cell& cell) {
  std::string line = name.key + ' ' + std::string(turnstone::crdt::name(name.kind)) + " [" + name.field + "]";
  for (const Row& row : cell.siblings()) {
    line += " " + to_string(row.id.operation) + "." + std::to_string(row.id.index) + "@" +
            std::to_string(row.hlc) + "=" + row.value;
  }
  if (const Counter* counter = cell.counter()) {
    line += " total " + counter->total.to_string() + " newest " + to_string(counter->newest.operation) + "." +
            std::to_string(counter->newest.index) + "@" + std::to_string(counter->newest_hlc);
  }
  return line;
}

}  // namespace

Hash128 Keyspace::digest() const {
  Hash128 sum;
  for (const Shard& shard : shards_) {
    for (const auto& [key, entry] : shard) {
      visit_cells(key, entry, [&sum](const CellName& name, const Cell& cell) {
        std::string bytes;
        RecordWriter out(bytes);
        out.record(3).bytes(name.key).uint(static_cast<std::uint64_t>(name.kind)).bytes(name.field);
        bytes += encode_cell(cell, CellPart::state);
        const Hash128 hash = hash128(bytes);
        sum.low += hash.low;
        sum.high += hash.high + (sum.low < hash.low ? 1 : 0);
      });
    }
  }
  return sum;
}

std::string Keyspace::canonical() const {
  std::vector<std::string> lines;
  for (const Shard& shard : shards_) {
    for (const auto& [key, entry] : shard) {
      visit_cells(key, entry,
                  [&lines](const CellName& name, const Cell& cell) { lines.push_back(text_of(name, cell)); });
    }
  }
  std::sort(lines.begin(), lines.end());
  std::string text;
  for (const std::string& line : lines) text += line + '\n';
  return text;
}

}  // namespace turnstone::crdt
