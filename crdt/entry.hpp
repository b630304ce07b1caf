#pragma once
// What one key holds: the cells of each kind. More than one kind only while regions
// that had not seen each other gave the key different kinds.
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "crdt/cell.hpp"

namespace turnstone::crdt {

// Place of a key or field in scan order: 48 bits of its hash, so that a cursor fits the
// integers of every client's language and no insertion ever moves another element.
std::uint64_t scan_position(std::string_view name);

// The cells of a set or hash, by field. Ordered by (scan position, field): equal on
// every leader, and a scan cursor is a position.
class Fields {
 public:
  struct Name {
    std::uint64_t position;
    std::string field;
    friend bool operator==(const Name&, const Name&) = default;
  };
  struct Order {
    using is_transparent = void;
    template <class A, class B>
    bool operator()(const A& a, const B& b) const {
      return a.position != b.position ? a.position < b.position
                                      : std::string_view(a.field) < std::string_view(b.field);
    }
  };
  using Map = std::map<Name, Cell, Order>;

  const Cell* find(std::string_view field) const;
  bool contains(std::string_view field) const { return find(field) != nullptr; }
  std::size_t size() const { return map_.size(); }
  // for (const auto& [name, cell] : fields.map()) ... name.field
  const Map& map() const { return map_; }
  // The first field at or behind a position, for scans and random picks; end() if none.
  Map::const_iterator from(std::uint64_t position) const;

 private:
  friend class Keyspace;
  struct View {
    std::uint64_t position;
    std::string_view field;
  };
  Map map_;
};

class Entry {
 public:
  // True when a reader sees something here.
  bool exists() const { return !string_.empty() || visible_collections() > 0; }
  // The kind that a reader sees: of the newest row by (hlc, id), the same everywhere.
  Kind shown_kind() const;
  bool has_several_kinds() const;
  bool empty() const { return string_.empty() && collections_.empty(); }

  // Null when the key holds nothing of that kind.
  const Cell* string() const { return string_.empty() ? nullptr : &string_; }
  const Fields* fields(Kind kind) const;

  // The kinds present, in numeric order; also those that no reader sees.
  std::vector<Kind> kinds() const;

 private:
  friend class Keyspace;
  // They sort before the others.
  std::size_t visible_collections() const {
    return collections_.size() - (collections_.empty() || is_visible(collections_.back().first) ? 0 : 1);
  }
  Cell string_;
  std::vector<std::pair<Kind, std::unique_ptr<Fields>>> collections_;
};

}  // namespace turnstone::crdt
