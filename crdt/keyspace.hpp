#pragma once
// Everything a leader holds, as a function of the set of applied deltas and of nothing
// else. One thread owns it; no I/O, no clock, no randomness of its own.
#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/hash.hpp"
#include "crdt/cell_image.hpp"
#include "crdt/conflict.hpp"
#include "crdt/dirty_cells.hpp"
#include "crdt/effect.hpp"
#include "crdt/entry.hpp"
#include "crdt/unstable_deletes.hpp"

namespace turnstone::crdt {

// Told about changes while an effect is applied; must not touch the keyspace.
class KeyspaceObserver {
 public:
  virtual ~KeyspaceObserver() = default;
  virtual void key_changed(std::string_view key) = 0;
  virtual void conflict_found(const Conflict& conflict) = 0;
  // A person has settled one.
  virtual void conflict_settled(const Settlement& settlement) = 0;
};

class Keyspace {
 public:
  // 2^shard_bits hash tables, so that no insertion ever rehashes everything at once.
  explicit Keyspace(unsigned shard_bits = 16);

  // --- reading

  // Null when the key does not exist. Valid until the next change.
  const Entry* find(std::string_view key) const;
  // Keys that exist.
  std::size_t size() const { return size_; }
  // Changes whenever the cluster's own data do.
  std::uint64_t cluster_revision() const { return cluster_revision_; }
  // Visits keys in scan order from a cursor (0 at first) until at least `count` were
  // visited; returns the cursor to go on from, 0 at the end. A key that is there
  // throughout is visited.
  std::uint64_t scan(std::uint64_t cursor, std::size_t count,
                     const std::function<void(std::string_view key, const Entry&)>& visit) const;
  // Some key; `random` chooses. Empty optional when there is none.
  std::optional<std::string> random_key(std::uint64_t random) const;
  // Null when there is no such cell.
  const Cell* find_cell(std::string_view key, Kind kind, std::string_view field) const;

  // The cluster's own data of a name; null when there are none.
  const Fields* cluster_fields(std::string_view name) const;

  // --- changing

  // Applies the index-th effect of an operation. Deltas come in causal order, once each.
  void apply(const Effect& effect, const Author& author, std::uint32_t index, KeyspaceObserver& observer);

  // Drops the indexes that only a delta unaware of `stable` could need.
  void forget_stable(const VersionVector& stable);
  // Lists increments of a counter singly again, which were forgotten too early.
  void relist(const CellName& name, const std::vector<Contribution>& contributions);
  // Increments listed singly, and deletes remembered, until they are stable.
  std::size_t unstable_increments() const { return unstable_increments_; }
  std::size_t unstable_deletes() const { return deletes_.size(); }
  std::uint64_t deletes_forgotten() const { return deletes_.forgotten(); }

  // Puts a cell in the place of ours, or removes ours if the image is empty, as no effect
  // would: what leaders do who find that they hold something else though they have applied
  // the same deltas. Counts as a change for the next checkpoint, and not as a touch.
  // Errors: corrupt, malformed.
  Result<void> replace(const CellImage& image, KeyspaceObserver& observer);

  // --- durability

  // Cells changed since they were last frozen; see DirtyCells for the protocol.
  DirtyCells& dirty() { return dirty_; }
  const DirtyCells& dirty() const { return dirty_; }
  // Encodes up to `max` of the frozen cells that wait for it.
  void encode_frozen(std::size_t max);
  // Puts back a cell that was stored. Only while recovering.
  Result<void> load(const CellImage& image);

  // --- proof

  // A bucket holds the keys whose scan positions begin with the same bits: a group that
  // every leader forms alike, of which BucketWalk computes the digest.
  std::size_t buckets() const { return shards_.size(); }
  std::size_t bucket_of(std::string_view key) const { return shard_index(key); }
  // The log position of the batch whose effects are applied from now on.
  void set_position(std::uint64_t position) { position_ = position; }
  // The keys of a bucket, in no order; also those that hold nothing that a reader sees.
  void each_key(std::size_t bucket,
                const std::function<void(std::string_view key, const Entry&)>& visit) const;
  // The position of the last effect that concerned the bucket, whether it found anything to
  // change or not. What the bucket holds has not changed since.
  std::uint64_t touched(std::size_t bucket) const { return std::max(touched_[bucket], all_touched_); }
  // Takes every bucket as touched at the present position.
  void touch_all() { all_touched_ = position_; }
  // Sum of the hashes of all cells: equal states have equal digests.
  Hash128 digest() const;
  // The whole state as sorted text, for tests and for people.
  std::string canonical() const;

 private:
  struct StringHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return hash64(text); }
  };
  friend class BucketWalk;
  using Shard = std::unordered_map<std::string, Entry, StringHash, std::equal_to<>>;

  // One cell that an effect is about to change, found or made.
  struct Target {
    std::string_view key;
    Kind kind;
    std::string_view field;
    Entry& entry;
    Cell& cell;
  };

  std::size_t shard_index(std::string_view key) const;
  // Also where no reader sees anything.
  const Entry* find_any(std::string_view key) const;
  // Makes the entry and the cell if need be, and saves the cell for a checkpoint under way.
  Target open(std::string_view key, Kind kind, std::string_view field);
  // Removes the cell, and the entry, if nothing is left in them.
  void close(const Target& target);
  static Cell& cell_for(Entry& entry, Kind kind, std::string_view field);
  static void drop_cell(Entry& entry, Kind kind, std::string_view field);
  // After something of it was dropped, which a reader had seen or not.
  void drop_key_if_empty(std::string_view key, bool existed);

  void note_unstable(const CellName& name, const std::vector<Contribution>& contributions);

  void put(const Put& effect, const Author& author, const RowId& id, KeyspaceObserver& observer);
  void resolve(const Resolve& effect, const Author& author, const RowId& id, KeyspaceObserver& observer);
  void remove(const Remove& effect, const Author& author, const RowId& id, KeyspaceObserver& observer);
  void increment(const Increment& effect, const Author& author, const RowId& id, KeyspaceObserver& observer);
  void clear_cells(std::string_view key, bool is_delete, const Author& author, const RowId& id,
                   KeyspaceObserver& observer);
  void clear_all(const Author& author, const RowId& id, KeyspaceObserver& observer);

  void find_conflicts_of_write(const Target& target, const ConflictSide& written, const Author& author,
                               KeyspaceObserver& observer) const;
  static void find_conflicts_of_delete(const Target& target, const ConflictSide& removal,
                                       const Author& author, KeyspaceObserver& observer);
  // A reset that is stamped again and meets a counter.
  static void report_gave_way(const Target& target, const ConflictSide& reset, const Author& author,
                              KeyspaceObserver& observer);

  unsigned shard_bits_;
  std::vector<Shard> shards_;
  std::size_t size_ = 0;
  std::uint64_t cluster_revision_ = 0;
  std::uint64_t position_ = 0;
  std::vector<std::uint64_t> touched_;  // by bucket
  std::uint64_t all_touched_ = 0;
  DirtyCells dirty_;
  UnstableDeletes deletes_;
  // Per origin, the cells that list increments of it singly, by sequence number.
  std::map<Origin, std::multimap<Seq, CellName>> unstable_;
  std::size_t unstable_increments_ = 0;
};

}  // namespace turnstone::crdt
