// What a replica holds, beside its limits.
#include "sync/replica.hpp"

namespace turnstone::sync {

Bounds Replica::bounds() const {
  const Limits& limits = config_.limits;
  return {
      {"batch_bytes", builder_.bytes(), limits.batch_bytes, 0},
      {"batch_deltas", builder_.count(), limits.batch_deltas, 0},
      {"pending_bytes_max", pending_.bytes(), limits.pending_bytes_max, counters_.pending_dropped},
      {"uncommitted_bytes_max", uncommitted_bytes(), limits.uncommitted_bytes_max, 0},
      {"quarantined_origins_max", quarantined_.size(), limits.quarantined_origins_max,
       counters_.quarantine_overflows},
      {"log_retain_bytes", log_index_.bytes(), limits.log_retain_bytes, 0},
      {"log_prefix_groups_max", settled_.groups(), limits.log_prefix_groups_max, 0},
      {"digest_comparisons_max", divergence_.comparisons(), limits.digest_comparisons_max, 0},
      {"digest_parts_max", divergence_.parts(), limits.digest_parts_max, 0},
  };
}

}  // namespace turnstone::sync
