#include "crdt/dirty_cells.hpp"

#include <utility>

#include "core/error.hpp"
#include "core/marks.hpp"
#include "core/planted.hpp"

namespace turnstone::crdt {

void DirtyCells::freeze() {
  TURNSTONE_CHECK(!freezing());
  frozen_ = std::exchange(dirty_, {});
}

std::vector<CellImage> DirtyCells::take() {
  TURNSTONE_CHECK(frozen_.empty());
  return std::exchange(encoded_, {});
}

void DirtyCells::before_change(std::string_view key, Kind kind, std::string_view field, const Cell* cell) {
  const NameView view{key, field, kind};
  encode_if_frozen(view, cell);
  if (!dirty_.contains(view)) dirty_.emplace(CellName{std::string(key), std::string(field), kind}, Nothing{});
}

void DirtyCells::before_forgetting(const CellName& name, const Cell& cell) {
  encode_if_frozen({name.key, name.field, name.kind}, &cell);
}

void DirtyCells::encode_if_frozen(const NameView& name, const Cell* cell) {
  if (frozen_.empty() || planted(Planted::skip_copy_on_write)) return;
  const auto it = frozen_.find(name);
  if (it == frozen_.end()) return;
  reached(Mark::copied_before_write);
  encoded_.push_back(image_of(it->first, cell));
  frozen_.erase(it);
}

void DirtyCells::encode(std::size_t max, const std::function<const Cell*(const CellName&)>& find) {
  while (max-- > 0 && !frozen_.empty()) {
    auto node = frozen_.extract(frozen_.begin());
    encoded_.push_back(image_of(node.key(), find(node.key())));
  }
}

}  // namespace turnstone::crdt
