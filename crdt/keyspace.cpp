#include "crdt/keyspace.hpp"

#include <algorithm>
#include <iterator>
#include <range/v3/algorithm/sort.hpp>

#include "core/planted.hpp"

namespace turnstone::crdt {
namespace {

ConflictSide side_of(const Row& row, Kind kind) { return {row.id, row.hlc, kind, false, false, row.value}; }

ConflictSide side_of(const Contribution& c, Kind kind) {
  return {c.id, c.hlc, kind, false, true, c.amount.to_string()};
}

// Of the increments that an author had not seen, the newest stands for all. Where it had seen some
// (it is stamped again), their sum does.
Contribution newest_of(const Counter& counter) {
  const auto newest = [&](const Contribution& c) { return c.id == counter.newest; };
  const auto found = std::find_if(counter.unstable.rbegin(), counter.unstable.rend(), newest);
  return found != counter.unstable.rend() ? *found
                                          : Contribution{counter.newest, counter.newest_hlc, counter.total};
}

ConflictSide side_of_delete(const RowId& id, Hlc hlc, Kind kind) { return {id, hlc, kind, true, false, {}}; }

template <class Map, class Make>
auto& find_or_insert(Map& map, const auto& view, Make make) {
  auto it = map.find(view);
  if (it == map.end()) it = map.emplace(make(), typename Map::mapped_type{}).first;
  return it->second;
}

}  // namespace

Keyspace::Keyspace(unsigned shard_bits)
    : shard_bits_(shard_bits), shards_(std::size_t{1} << shard_bits), touched_(shards_.size()) {}

// The topmost bits of the scan position, so that the shards follow each other in scan order.
std::size_t Keyspace::shard_index(std::string_view key) const {
  return static_cast<std::size_t>(scan_position(key) >> (48 - shard_bits_));
}

const Entry* Keyspace::find(std::string_view key) const {
  const Entry* entry = find_any(key);
  return entry == nullptr || !entry->exists() ? nullptr : entry;
}

const Entry* Keyspace::find_any(std::string_view key) const {
  const Shard& shard = shards_[shard_index(key)];
  const auto it = shard.find(key);
  return it == shard.end() ? nullptr : &it->second;
}

const Cell* Keyspace::find_cell(std::string_view key, Kind kind, std::string_view field) const {
  const Entry* entry = find_any(key);
  if (entry == nullptr) return nullptr;
  if (kind == Kind::string) return entry->string();
  const Fields* fields = entry->fields(kind);
  return fields == nullptr ? nullptr : fields->find(field);
}

const Fields* Keyspace::cluster_fields(std::string_view name) const {
  const Entry* entry = find_any(name);
  return entry == nullptr ? nullptr : entry->fields(Kind::cluster);
}

Keyspace::Target Keyspace::open(std::string_view key, Kind kind, std::string_view field) {
  const std::size_t bucket = shard_index(key);
  touched_[bucket] = position_;
  Entry& entry = find_or_insert(shards_[bucket], key, [&] { return std::string(key); });
  if (!is_visible(kind)) {
    ++cluster_revision_;
  } else if (!entry.exists()) {
    ++size_;
  }
  Cell& cell = cell_for(entry, kind, field);
  dirty_.before_change(key, kind, field, &cell);
  return {key, kind, field, entry, cell};
}

Cell& Keyspace::cell_for(Entry& entry, Kind kind, std::string_view field) {
  if (kind == Kind::string) return entry.string_;
  auto at = std::find_if(entry.collections_.begin(), entry.collections_.end(),
                         [&](const auto& collection) { return collection.first >= kind; });
  if (at == entry.collections_.end() || at->first != kind) {
    at = entry.collections_.emplace(at, kind, std::make_unique<Fields>());
  }
  const Fields::View view{scan_position(field), field};
  return find_or_insert(at->second->map_, view, [&] {
    return Fields::Name{view.position, std::string(field)};
  });
}

void Keyspace::close(const Target& target) {
  if (!target.cell.empty()) return;
  drop_cell(target.entry, target.kind, target.field);
  drop_key_if_empty(target.key, is_visible(target.kind));
}

void Keyspace::drop_cell(Entry& entry, Kind kind, std::string_view field) {
  if (kind == Kind::string) return;
  const auto at = std::find_if(entry.collections_.begin(), entry.collections_.end(),
                               [&](const auto& collection) { return collection.first == kind; });
  auto& map = at->second->map_;
  map.erase(map.find(Fields::View{scan_position(field), field}));
  if (map.empty()) entry.collections_.erase(at);
}

void Keyspace::drop_key_if_empty(std::string_view key, bool existed) {
  Shard& shard = shards_[shard_index(key)];
  const auto it = shard.find(key);
  if (existed && !it->second.exists()) --size_;
  if (it->second.empty()) shard.erase(it);
}

std::uint64_t Keyspace::scan(std::uint64_t cursor, std::size_t count,
                             const std::function<void(std::string_view, const Entry&)>& visit) const {
  struct Found {
    std::uint64_t position;
    std::string_view key;
    const Entry* entry;
  };
  std::vector<Found> found;
  std::size_t visited = 0;
  for (std::size_t s = static_cast<std::size_t>(cursor >> (48 - shard_bits_)); s < shards_.size(); ++s) {
    found.clear();
    for (const auto& [key, entry] : shards_[s]) {
      if (const auto position = scan_position(key); position >= cursor && entry.exists())
        found.push_back({position, key, &entry});
    }
    ranges::sort(found, {}, &Found::position);
    for (std::size_t i = 0; i < found.size(); ++i) {
      // Keys of one position go together: a cursor cannot stand between them.
      if (visited >= count && (i == 0 || found[i].position != found[i - 1].position))
        return found[i].position;
      visit(found[i].key, *found[i].entry);
      ++visited;
    }
  }
  return 0;
}

std::optional<std::string> Keyspace::random_key(std::uint64_t random) const {
  if (size_ == 0) return std::nullopt;
  std::size_t s = static_cast<std::size_t>(random % shards_.size());
  while (true) {
    while (shards_[s].empty()) s = (s + 1) % shards_.size();
    const std::uint64_t pick = (random / shards_.size()) % shards_[s].size();
    auto found = std::next(shards_[s].begin(), static_cast<std::ptrdiff_t>(pick));
    while (found != shards_[s].end() && !found->second.exists()) ++found;
    if (found != shards_[s].end()) return found->first;
    random = 0;
    s = (s + 1) % shards_.size();
  }
}

void Keyspace::apply(const Effect& effect, const Author& author, std::uint32_t index,
                     KeyspaceObserver& observer) {
  const RowId id{author.stamp, index};
  if (const auto* put_effect = std::get_if<Put>(&effect)) {
    put(*put_effect, author, id, observer);
  } else if (const auto* increment_effect = std::get_if<Increment>(&effect)) {
    increment(*increment_effect, author, id, observer);
  } else if (const auto* remove_effect = std::get_if<Remove>(&effect)) {
    remove(*remove_effect, author, id, observer);
  } else if (const auto* clear_effect = std::get_if<Clear>(&effect)) {
    if (!clear_effect->replaces) deletes_.note_key(clear_effect->key, {id, author.hlc});
    clear_cells(clear_effect->key, !clear_effect->replaces, author, id, observer);
  } else if (std::holds_alternative<ClearAll>(effect)) {
    clear_all(author, id, observer);
  } else if (const auto* resolve_effect = std::get_if<Resolve>(&effect)) {
    resolve(*resolve_effect, author, id, observer);
  } else if (const auto* settle = std::get_if<Settle>(&effect)) {
    observer.conflict_settled({settle->conflict, author.stamp, author.hlc, std::string(settle->by)});
  }
}

void Keyspace::put(const Put& effect, const Author& author, const RowId& id, KeyspaceObserver& observer) {
  const Target target = open(effect.key, effect.kind, effect.field);
  target.cell.remove_seen(author);
  Row row{id, author.hlc, std::string(effect.value)};
  if (planted(Planted::corrupt_row) && !author.saw_all_that_is_here()) row.value += '?';
  find_conflicts_of_write(target, side_of(row, effect.kind), author, observer);
  report_gave_way(target, side_of(row, effect.kind), author, observer);
  const bool keeps_base = author.saw_all_that_is_here() || !planted(Planted::forget_base);
  target.cell.add(std::move(row), keeps_base ? effect.base : std::nullopt);
  if (is_visible(effect.kind)) observer.key_changed(effect.key);
}

void Keyspace::resolve(const Resolve& effect, const Author& author, const RowId& id,
                       KeyspaceObserver& observer) {
  touched_[shard_index(effect.key)] = position_;
  if (!effect.value && find_cell(effect.key, effect.kind, effect.field) == nullptr) return;
  const Target target = open(effect.key, effect.kind, effect.field);
  if (planted(Planted::resolve_all)) target.cell.remove_seen(author);
  target.cell.remove_named(effect.rows);
  if (effect.value) {
    Row row{id, author.hlc, std::string(*effect.value)};
    // Whoever chose had seen those that it names, and no other one.
    for (const Row& other : target.cell.siblings()) {
      if (other.value == row.value) continue;
      observer.conflict_found(make_conflict(ConflictType::concurrent_write, effect.key, effect.field,
                                            side_of(row, effect.kind), side_of(other, effect.kind)));
    }
    target.cell.add(std::move(row));
  }
  close(target);
  if (is_visible(effect.kind)) observer.key_changed(effect.key);
}

void Keyspace::increment(const Increment& effect, const Author& author, const RowId& id,
                         KeyspaceObserver& observer) {
  const Target target = open(effect.key, effect.kind, effect.field);
  const ConflictSide written = side_of(Contribution{id, author.hlc, effect.amount}, effect.kind);
  find_conflicts_of_write(target, written, author, observer);
  const Counter* counter = target.cell.counter();
  const ConflictSide before =
      side_of(counter ? Contribution{counter->newest, counter->newest_hlc, counter->total} : Contribution{},
              effect.kind);
  if (target.cell.increment(id, author, effect.amount)) {
    unstable_[id.operation.origin].emplace(
        id.operation.seq, CellName{std::string(effect.key), std::string(effect.field), effect.kind});
    ++unstable_increments_;
  }
  // A leader refuses its own increments beyond the range: only concurrent ones get here.
  if (!author.saw_all_that_is_here()) {
    const auto sum = target.cell.number();
    if (sum && sum->is_integer() && !sum->to_int64()) {
      observer.conflict_found(
          make_conflict(ConflictType::overflow, effect.key, effect.field, written, before));
    }
  }
  if (is_visible(effect.kind)) observer.key_changed(effect.key);
}

void Keyspace::remove(const Remove& effect, const Author& author, const RowId& id,
                      KeyspaceObserver& observer) {
  deletes_.note_cell(effect.key, effect.kind, effect.field, {id, author.hlc});
  touched_[shard_index(effect.key)] = position_;
  if (find_cell(effect.key, effect.kind, effect.field) == nullptr) return;
  const Target target = open(effect.key, effect.kind, effect.field);
  target.cell.remove_seen(author);
  find_conflicts_of_delete(target, side_of_delete(id, author.hlc, effect.kind), author, observer);
  close(target);
  if (is_visible(effect.kind)) observer.key_changed(effect.key);
}

void Keyspace::clear_cells(std::string_view key, bool is_delete, const Author& author, const RowId& id,
                           KeyspaceObserver& observer) {
  touched_[shard_index(key)] = position_;
  auto* entry = const_cast<Entry*>(find(key));
  if (entry == nullptr) return;
  const auto clear_cell = [&](Kind kind, std::string_view field, Cell& cell) {
    dirty_.before_change(key, kind, field, &cell);
    cell.remove_seen(author);
    if (is_delete) {
      find_conflicts_of_delete({key, kind, field, *entry, cell}, side_of_delete(id, author.hlc, kind), author,
                               observer);
    }
    return cell.empty();
  };
  if (!entry->string_.empty()) clear_cell(Kind::string, {}, entry->string_);
  for (auto& [kind, fields] : entry->collections_) {
    if (!is_visible(kind) && !planted(Planted::clear_cluster_data)) continue;
    for (auto it = fields->map_.begin(); it != fields->map_.end();) {
      it = clear_cell(kind, it->first.field, it->second) ? fields->map_.erase(it) : std::next(it);
    }
  }
  std::erase_if(entry->collections_, [](const auto& collection) { return collection.second->size() == 0; });
  drop_key_if_empty(key, true);
  observer.key_changed(key);
}

void Keyspace::clear_all(const Author& author, const RowId& id, KeyspaceObserver& observer) {
  deletes_.note_all({id, author.hlc});
  touch_all();
  std::vector<std::string> keys;
  for (const Shard& shard : shards_) {
    keys.clear();
    for (const auto& [key, entry] : shard) keys.push_back(key);
    for (const std::string& key : keys) clear_cells(key, true, author, id, observer);
  }
}

void Keyspace::find_conflicts_of_write(const Target& target, const ConflictSide& written,
                                       const Author& author, KeyspaceObserver& observer) const {
  // A leader's own write has seen everything that is here.
  if (author.saw_all_that_is_here()) return;
  const auto report = [&](ConflictType type, ConflictSide other) {
    observer.conflict_found(make_conflict(type, target.key, target.field, written, std::move(other)));
  };
  for (const Row& row : target.cell.siblings()) {
    if (author.saw(row.id.operation)) continue;
    if (written.is_increment) {
      if (!FixedDecimal::parse(row.value)) report(ConflictType::kind_conflict, side_of(row, target.kind));
    } else if (row.value != written.value) {
      // Equal values, and members of a set, have nothing to lose.
      report(ConflictType::concurrent_write, side_of(row, target.kind));
      if (planted(Planted::record_one_sibling)) break;
    }
  }
  if (const Counter* counter = target.cell.counter(); counter != nullptr && author.as_of == nullptr &&
                                                      !written.is_increment &&
                                                      !FixedDecimal::parse(written.value)) {
    report(ConflictType::kind_conflict, side_of(newest_of(*counter), target.kind));
  }
  for (const auto& removal : deletes_.unseen_by(author, target.key, target.kind, target.field)) {
    report(ConflictType::update_vs_delete, side_of_delete(removal.id, removal.hlc, target.kind));
  }
  for (const Kind kind : target.entry.kinds()) {
    if (kind == target.kind || !is_visible(kind) || !is_visible(target.kind)) continue;
    ConflictSide newest;
    const auto consider = [&](const Cell& cell) {
      for (const Row& row : cell.siblings()) {
        if (!author.saw(row.id.operation) && wins_over(row.hlc, row.id, newest.hlc, newest.id))
          newest = side_of(row, kind);
      }
    };
    if (const Cell* text = target.entry.string(); kind == Kind::string && text != nullptr) consider(*text);
    if (const Fields* fields = target.entry.fields(kind)) {
      for (const auto& [name, cell] : fields->map()) consider(cell);
    }
    if (newest.hlc == 0) continue;
    // The key is in conflict, not one of its fields, and each operation with the other once.
    ConflictSide mine = written;
    mine.id.index = newest.id.index = 0;
    observer.conflict_found(make_conflict(ConflictType::kind_conflict, target.key, {}, mine, newest));
  }
}

void Keyspace::find_conflicts_of_delete(const Target& target, const ConflictSide& removal,
                                        const Author& author, KeyspaceObserver& observer) {
  const auto report = [&](ConflictSide survivor) {
    observer.conflict_found(make_conflict(ConflictType::update_vs_delete, target.key, target.field,
                                          std::move(survivor), removal));
  };
  for (const Row& row : target.cell.siblings()) report(side_of(row, target.kind));
  report_gave_way(target, removal, author, observer);
  if (const Counter* counter = target.cell.counter(); counter != nullptr && author.as_of == nullptr) {
    report(side_of(newest_of(*counter), target.kind));
  }
}

void Keyspace::report_gave_way(const Target& target, const ConflictSide& reset, const Author& author,
                               KeyspaceObserver& observer) {
  const Counter* counter = target.cell.counter();
  if (counter == nullptr || author.as_of == nullptr) return;
  // Which of its increments the author had seen is not known, so none of them is named.
  const ConflictSide sum = side_of(Contribution{{}, 0, counter->total}, target.kind);
  Conflict conflict = make_conflict(ConflictType::gave_way, target.key, target.field, reset, sum);
  conflict.first_wins = true;  // the sum, which sorts first
  observer.conflict_found(conflict);
}

void Keyspace::forget_stable(const VersionVector& stable) {
  deletes_.forget_stable(stable);
  for (auto& [origin, cells] : unstable_) {
    const Seq upto = stable.get(origin);
    while (!cells.empty() && cells.begin()->first <= upto) {
      const CellName& name = cells.begin()->second;
      const Cell* cell = find_cell(name.key, name.kind, name.field);
      if (cell != nullptr) {
        dirty_.before_forgetting(name, *cell);
        const_cast<Cell*>(cell)->forget_stable(stable);
      }
      cells.erase(cells.begin());
      --unstable_increments_;
    }
  }
}

void Keyspace::relist(const CellName& name, const std::vector<Contribution>& contributions) {
  const Cell* cell = find_cell(name.key, name.kind, name.field);
  if (cell == nullptr || cell->counter() == nullptr) return;
  dirty_.before_change(name.key, name.kind, name.field, cell);
  const_cast<Cell*>(cell)->relist(contributions);
  note_unstable(name, contributions);
}

void Keyspace::note_unstable(const CellName& name, const std::vector<Contribution>& contributions) {
  for (const Contribution& c : contributions) {
    unstable_[c.id.operation.origin].emplace(c.id.operation.seq, name);
    ++unstable_increments_;
  }
}

Result<void> Keyspace::replace(const CellImage& image, KeyspaceObserver& observer) {
  const CellName& name = image.name;
  if (image.bytes.empty()) {
    const Cell* ours = find_cell(name.key, name.kind, name.field);
    if (ours == nullptr) return {};
    dirty_.before_change(name.key, name.kind, name.field, ours);
    Entry& entry = const_cast<Entry&>(*find_any(name.key));
    if (!is_visible(name.kind)) ++cluster_revision_;
    if (name.kind == Kind::string) entry.string_ = {};
    drop_cell(entry, name.kind, name.field);
    drop_key_if_empty(name.key, is_visible(name.kind));
  } else {
    // Read before anything is changed.
    if (auto cell = decode_image(image); !cell) return tl::make_unexpected(cell.error());
    dirty_.before_change(name.key, name.kind, name.field, find_cell(name.key, name.kind, name.field));
    if (auto loaded = load(image); !loaded) return loaded;
  }
  if (is_visible(name.kind)) observer.key_changed(name.key);
  return {};
}

void Keyspace::each_key(std::size_t bucket,
                        const std::function<void(std::string_view, const Entry&)>& visit) const {
  for (const auto& [key, entry] : shards_[bucket]) visit(key, entry);
}

void Keyspace::encode_frozen(std::size_t max) {
  dirty_.encode(max, [this](const CellName& name) { return find_cell(name.key, name.kind, name.field); });
}

Result<void> Keyspace::load(const CellImage& image) {
  auto cell = decode_image(image);
  if (!cell) return tl::make_unexpected(cell.error());
  const CellName& name = image.name;
  if (const Counter* counter = cell->counter()) note_unstable(name, counter->unstable);
  const std::string_view key = name.key;
  Entry& entry = find_or_insert(shards_[shard_index(key)], key, [&] { return name.key; });
  if (!is_visible(name.kind)) {
    ++cluster_revision_;
  } else if (!entry.exists()) {
    ++size_;
  }
  cell_for(entry, name.kind, name.field) = std::move(*cell);
  return {};
}

}  // namespace turnstone::crdt
