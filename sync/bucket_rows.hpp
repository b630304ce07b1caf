#pragma once
// The rows of one bucket, read and mended by hand: what `turnstone verify` does when the
// digests of a bucket differ.
#include <cstddef>
#include <optional>
#include <vector>

#include "core/error.hpp"
#include "sync/replica.hpp"

namespace turnstone::sync {

// True when no delta outside the settled vector has touched the bucket; only then may it be
// compared with another leader's, under the rules of sync/divergence_audit.hpp.
bool is_quiet(const Replica& replica, std::size_t bucket);

struct RowPage {
  // In the order of (key, kind, scan position of the field), which is the same everywhere.
  // The state alone: what equal leaders have equally.
  std::vector<crdt::CellImage> rows;
  bool more = false;
};
// The rows behind `after`, up to `rows_max` of them and about `bytes_max`, at least one.
RowPage rows_of(const crdt::Keyspace& keyspace, std::size_t bucket,
                const std::optional<crdt::CellName>& after, std::size_t rows_max, std::size_t bytes_max);

struct Repair {
  std::size_t bucket = 0;
  // The run, and the bucket's last touch, of which the rows to be replaced were read.
  Origin origin{};
  Lsn touched = 0;
  // What the bucket's digest will be: that of the leader whose rows these are.
  Hash128 digest;
  // Only those that differ; without bytes, a row that goes.
  std::vector<crdt::CellImage> rows;
};

// Replaces rows and returns those that were there before, or changes nothing. The next
// checkpoint stores them; the log behind it does not concern this bucket, so recovery from
// there keeps the repair. Recovery from the log alone computes the rows anew.
// Errors: in_use (the bucket is not quiet, was touched, or has rows that may still be needed
// otherwise: try again), config (not what it says it is), corrupt, malformed.
Result<std::vector<crdt::CellImage>> repair(Replica& replica, const Repair& repair);

}  // namespace turnstone::sync
