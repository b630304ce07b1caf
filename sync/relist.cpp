// When a leader was restored from an old copy and writes before it has caught up, its
// removals may not have seen increments that everybody took for stable and no longer lists
// singly. They are listed again from the log before the removal is applied. The same holds
// for what was lost with the old copy's successor and arrives from another leader.
//
// A log that was cut is enough: a batch is taken only if its author had seen all that was
// cut, so an increment that it had not seen is in the log. What a context names of the part
// that was cut does not matter, since the increments listed are beyond it.
#include <iterator>
#include <map>
#include <utility>
#include <vector>

#include "core/marks.hpp"
#include "core/planted.hpp"
#include "sync/replica.hpp"

namespace turnstone::sync {
namespace {

// The increments beyond a vector that nothing in the log has cancelled, by cell.
class LiveIncrements {
 public:
  explicit LiveIncrements(const VersionVector& retired) : retired_(retired) {}

  void visit(std::string_view bytes, const VersionVector& beyond, const VersionVector& context,
             const BatchHeader& header) {
    auto deltas = decode_batch_deltas(header, bytes);
    if (!deltas) return;
    for (const BatchDelta& delta : *deltas) {
      const crdt::Author author{delta.stamp, delta.hlc, header.first_seq, &context, &retired_};
      // Stamped again: what it resets are no counters.
      const bool again = std::holds_alternative<crdt::Again>(delta.effects.front());
      std::uint32_t index = 0;
      for (const crdt::Effect& effect : delta.effects) {
        if (again && !std::holds_alternative<crdt::Increment>(effect)) {
          ++index;
          continue;
        }
        apply(effect, author, RowId{delta.stamp, index++}, !beyond.covers(delta.stamp));
      }
    }
  }

  std::map<crdt::CellName, crdt::Cell>& cells() { return cells_; }

 private:
  void apply(const crdt::Effect& effect, const crdt::Author& author, const RowId& id, bool listed) {
    const auto cancel = [&](const auto& concerns) {
      for (auto it = cells_.begin(); it != cells_.end();) {
        if (concerns(it->first)) it->second.remove_seen(author);
        it = it->second.empty() ? cells_.erase(it) : std::next(it);
      }
    };
    const auto cancel_cell = [&](std::string_view key, crdt::Kind kind, std::string_view field) {
      const auto it = cells_.find(crdt::CellName{std::string(key), std::string(field), kind});
      if (it == cells_.end()) return;
      it->second.remove_seen(author);
      if (it->second.empty()) cells_.erase(it);
    };
    if (const auto* increment = std::get_if<crdt::Increment>(&effect)) {
      if (!listed) return;
      cells_[{std::string(increment->key), std::string(increment->field), increment->kind}].increment(
          id, author, increment->amount);
    } else if (const auto* put = std::get_if<crdt::Put>(&effect)) {
      cancel_cell(put->key, put->kind, put->field);
    } else if (const auto* remove = std::get_if<crdt::Remove>(&effect)) {
      cancel_cell(remove->key, remove->kind, remove->field);
    } else if (const auto* clear = std::get_if<crdt::Clear>(&effect)) {
      cancel([&](const crdt::CellName& name) { return name.key == clear->key; });
    } else if (std::holds_alternative<crdt::ClearAll>(effect)) {
      cancel([](const crdt::CellName&) { return true; });
    }
  }

  const VersionVector& retired_;
  std::map<crdt::CellName, crdt::Cell> cells_;
};

}  // namespace

void Replica::relist_unstable(const BatchHeader& header, const VersionVector& context) {
  // Wrong stability would be mended here, so that bug needs both.
  if (planted(Planted::skip_relist) || planted(Planted::receipt_stability)) return;
  VersionVector known = context;
  known.set(header.origin, header.first_seq - 1);
  if (!known.covers(stability_.stable())) stability_.lower(region_of(header.origin), known);
  if (known.covers(forgotten_)) return;
  reached(Mark::increments_relisted);
  relisted_lsn_ = next_lsn_;
  forgotten_.meet(known);
  if (!log_scan_) return;
  LiveIncrements live(closings_.retired());
  std::map<Origin, VersionVector> contexts;
  VersionVector visited;
  const auto visit = [&](std::string_view bytes) {
    auto found = decode_batch_header(bytes);
    // The log may be ahead of what is applied (while it is replayed), and it has batches
    // already that are not known to be durable.
    if (!found || !vector_.covers({found->origin, found->last_seq()})) return;
    if (visited.get(found->origin) >= found->first_seq) return;
    visited.set(found->origin, found->last_seq());
    VersionVector& deps = contexts[found->origin];
    for (const auto& [origin, seq] : found->deps_changes) deps.set(origin, seq);
    live.visit(bytes, forgotten_, deps, *found);
  };
  log_scan_(visit);
  for (const Uncommitted& batch : uncommitted_) visit(*batch.bytes);
  for (auto& [name, cell] : live.cells()) keyspace_.relist(name, cell.counter()->unstable);
}

}  // namespace turnstone::sync
