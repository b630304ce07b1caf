#include "crdt/entry.hpp"

#include "core/hash.hpp"

namespace turnstone::crdt {

std::uint64_t scan_position(std::string_view name) { return hash64(name) >> 16; }

const Cell* Fields::find(std::string_view field) const {
  const auto it = map_.find(View{scan_position(field), field});
  return it == map_.end() ? nullptr : &it->second;
}

Fields::Map::const_iterator Fields::from(std::uint64_t position) const {
  return map_.lower_bound(View{position, {}});
}

Kind Entry::shown_kind() const {
  if (visible_collections() == 0) return Kind::string;
  if (!has_several_kinds()) return collections_.front().first;
  std::pair<std::pair<Hlc, RowId>, Kind> best{string_.newest(), Kind::string};
  for (const auto& [kind, fields] : collections_) {
    if (!is_visible(kind)) continue;
    for (const auto& [name, cell] : fields->map()) best = std::max(best, {cell.newest(), kind});
  }
  return best.second;
}

bool Entry::has_several_kinds() const { return visible_collections() + (string_.empty() ? 0 : 1) > 1; }

const Fields* Entry::fields(Kind kind) const {
  for (const auto& [present, fields] : collections_) {
    if (present == kind) return fields.get();
  }
  return nullptr;
}

std::vector<Kind> Entry::kinds() const {
  std::vector<Kind> kinds;
  if (!string_.empty()) kinds.push_back(Kind::string);
  for (const auto& [kind, fields] : collections_) kinds.push_back(kind);
  return kinds;
}

}  // namespace turnstone::crdt
