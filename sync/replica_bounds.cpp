// What a replica holds beside its limits, and what it refuses to hold.
#include <fmt/format.h>

#include <algorithm>

#include "core/marks.hpp"
#include "sync/replica.hpp"

namespace turnstone::sync {

Bounds Replica::bounds() const {
  const Limits& limits = config_.limits;
  std::size_t reported = 0;
  for (const auto& [region, peer] : peers_)
    reported = std::max({reported, peer.durable.entries().size(), peer.floor.entries().size()});
  return {
      {"batch_bytes", builder_.bytes(), limits.batch_bytes, counters_.batches_filled},
      {"batch_deltas", builder_.count(), limits.batch_deltas, counters_.batches_filled_by_deltas},
      {"publish_bytes_max", published_bytes_, limits.publish_bytes_max, counters_.batches_left_to_pulls},
      {"pending_bytes_max", pending_.bytes(), limits.pending_bytes_max, counters_.pending_dropped},
      {"pending_origins_max", pending_.origins_count(), limits.pending_origins_max,
       counters_.pending_origins_refused},
      {"uncommitted_bytes_max", uncommitted_bytes(), limits.uncommitted_bytes_max, counters_.ingest_refused},
      {"origins_max", origins_.size(), limits.origins_max, counters_.origins_refused},
      {"members_max", members_.recorded().size(), members_max, counters_.members_refused},
      {"vector_entries_max", reported, limits.vector_entries_max, counters_.reports_refused},
      {"unstable_increments_max", keyspace_.unstable_increments(), limits.unstable_increments_max,
       counters_.backlogs},
      {"deletes_max", keyspace_.unstable_deletes(), crdt::UnstableDeletes::deletes_max,
       keyspace_.deletes_forgotten()},
      {"trail_batches_max", trail_.size(), limits.trail_batches_max, trail_.forgotten()},
      {"quarantined_origins_max", quarantined_.size(), limits.quarantined_origins_max,
       counters_.quarantine_overflows},
      {"log_retain_bytes", log_index_.bytes(), limits.log_retain_bytes, 0},
      {"log_prefix_groups_max", settled_.groups(), limits.log_prefix_groups_max, settled_.merges()},
      {"digest_comparisons_max", divergence_.comparisons(), limits.digest_comparisons_max,
       divergence_.dropped()},
      {"digest_parts_max", divergence_.parts(), limits.digest_parts_max, divergence_.parts_dropped()},
      {"digest_walks_max", divergence_.digests().walks(), BucketDigests::digest_walks_max,
       divergence_.digests().walks_dropped()},
  };
}

void Replica::note_full_batch() {
  const bool by_deltas = builder_.count() >= config_.limits.batch_deltas;
  if (!by_deltas && builder_.bytes() < config_.limits.batch_bytes) return;
  reached(Mark::batch_full);
  ++(by_deltas ? counters_.batches_filled_by_deltas : counters_.batches_filled);
}

void Replica::note_backlog() {
  const bool is_full = keyspace_.unstable_increments() >= config_.limits.unstable_increments_max;
  if (is_full && !backlog_) ++counters_.backlogs;
  backlog_ = is_full;
}

bool Replica::is_one_too_many(Origin origin, Effects& effects) {
  if (origins_.size() < config_.limits.origins_max || origins_.contains(origin)) return false;
  ++counters_.origins_refused;
  effects.emplace_back(
      std::in_place_type<Alarm>,
      Alarm{"too_many_origins",
            fmt::format("nothing is taken from origin {}: {} runs of leaders are known that are not closed "
                        "(origins_max); a region that is away keeps them from being closed",
                        to_string(origin), origins_.size())});
  return true;
}

bool Replica::is_short_enough(const std::string& region, std::size_t entries, Effects& effects) {
  if (entries <= config_.limits.vector_entries_max) return true;
  ++counters_.reports_refused;
  effects.emplace_back(
      std::in_place_type<Alarm>,
      Alarm{"report_refused", fmt::format("region '{}' reports a vector of {} entries, {} are "
                                          "the most (vector_entries_max)",
                                          region, entries, config_.limits.vector_entries_max)});
  return false;
}

}  // namespace turnstone::sync
