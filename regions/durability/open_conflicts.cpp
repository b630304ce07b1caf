#include "regions/durability/open_conflicts.hpp"

namespace turnstone::durability {
namespace {

void add_of_cell(std::string_view key, crdt::Kind kind, std::string_view field, const crdt::Cell& cell,
                 std::vector<crdt::Conflict>& found) {
  const auto& rows = cell.siblings();
  for (auto a = rows.begin(); a != rows.end(); ++a) {
    for (auto b = a + 1; b != rows.end(); ++b) {
      if (a->value == b->value) continue;
      found.push_back(make_conflict(crdt::ConflictType::concurrent_write, key, field,
                                    {a->id, a->hlc, kind, false, false, a->value},
                                    {b->id, b->hlc, kind, false, false, b->value}));
    }
  }
}

}  // namespace

std::vector<crdt::Conflict> open_conflicts(const crdt::Keyspace& keyspace) {
  std::vector<crdt::Conflict> found;
  for (std::size_t bucket = 0; bucket < keyspace.buckets(); ++bucket) {
    keyspace.each_key(bucket, [&](std::string_view key, const crdt::Entry& entry) {
      if (const crdt::Cell* text = entry.string()) add_of_cell(key, crdt::Kind::string, {}, *text, found);
      for (const crdt::Kind kind : {crdt::Kind::set, crdt::Kind::hash}) {
        const crdt::Fields* fields = entry.fields(kind);
        if (fields == nullptr) continue;
        for (const auto& [name, cell] : fields->map()) add_of_cell(key, kind, name.field, cell, found);
      }
    });
  }
  return found;
}

}  // namespace turnstone::durability
