// Two views of the whole state by which replicas are compared.
#include <algorithm>
#include <vector>

#include "crdt/bucket_walk.hpp"
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
  for (const ReplacedValue& replaced : cell.replaced()) {
    line += " " + to_string(replaced.row.operation) + "." + std::to_string(replaced.row.index) + " over " +
            std::to_string(replaced.rows) + "=" + replaced.value;
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
  for (std::size_t bucket = 0; bucket < buckets(); ++bucket) sum += digest_of_bucket(*this, bucket);
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
