#pragma once
// Which cells changed since the last checkpoint, and copy-on-write for the checkpoint
// that is under way: freeze() fixes a moment; the frozen cells are encoded in slices
// between other work, and one that changes before its turn is encoded just before the
// change. So what is taken is exactly the state at the freeze.
#include <functional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/hash.hpp"
#include "crdt/cell_image.hpp"

namespace turnstone::crdt {

class DirtyCells {
 public:
  // Cells changed since the last freeze.
  std::size_t size() const { return dirty_.size(); }

  // Begins a checkpoint of everything dirty now. The one before must have been taken.
  void freeze();
  // Frozen cells that are not encoded yet.
  std::size_t frozen() const { return frozen_.size(); }
  bool freezing() const { return !frozen_.empty() || !encoded_.empty(); }
  // Encodes up to `max` of them; `find` gives a cell's present state, null for none.
  void encode(std::size_t max, const std::function<const Cell*(const CellName&)>& find);
  // The images of the frozen cells, once all are encoded; the caller owns them from here.
  std::vector<CellImage> take();

  // Called before a cell changes; `cell` is its state before, null if there is none.
  void before_change(std::string_view key, Kind kind, std::string_view field, const Cell* cell);
  // Called before a cell forgets which of its increments were single ones: its state stays,
  // so it need not be stored again, but what is frozen is stored as it was.
  void before_forgetting(const CellName& name, const Cell& cell);

 private:
  struct NameView {
    std::string_view key;
    std::string_view field;
    Kind kind;
  };
  struct NameHash {
    using is_transparent = void;
    std::size_t operator()(const CellName& name) const {
      return (*this)(NameView{name.key, name.field, name.kind});
    }
    std::size_t operator()(const NameView& name) const {
      return hash64(name.key, hash64(name.field, static_cast<std::uint64_t>(name.kind)));
    }
  };
  struct NameEqual {
    using is_transparent = void;
    template <class A, class B>
    bool operator()(const A& a, const B& b) const {
      return std::string_view(a.key) == std::string_view(b.key) &&
             std::string_view(a.field) == std::string_view(b.field) && a.kind == b.kind;
    }
  };
  struct Nothing {};
  using Names = std::unordered_map<CellName, Nothing, NameHash, NameEqual>;

  void encode_if_frozen(const NameView& name, const Cell* cell);

  Names dirty_;
  Names frozen_;
  std::vector<CellImage> encoded_;
};

}  // namespace turnstone::crdt
