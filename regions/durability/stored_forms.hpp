#pragma once
// How what the engine holds stands in the state file: conversions between the values of
// sync/ and crdt/ and the plain rows of core/storage.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "core/storage/state_db.hpp"
#include "regions/audit/query.hpp"
#include "sync/replica.hpp"

namespace turnstone::durability {

// One record: [region seq chain origin seq origin seq ...], the pairs being the context.
std::string encode_origin(const sync::OriginState& state);
// Errors: malformed.
Result<sync::OriginState> decode_origin(std::string_view bytes);

// One record: [origin seq origin seq ...].
std::string encode_vector(const VersionVector& vector);
// Errors: malformed.
Result<VersionVector> decode_vector(std::string_view bytes);

// What the protocol keeps with a position: one record with the closed origins, the members and
// what was brought back, then a vector.
struct StoredProtocol {
  sync::Closings closings;
  sync::Members members;
  sync::Returned returned;
  VersionVector forgotten;
};
std::string encode_protocol(const sync::Checkpoint& checkpoint);
// Errors: malformed.
Result<StoredProtocol> decode_protocol(std::string_view bytes);

// Views into the image.
storage::StoredCell to_stored(const crdt::CellImage& image);
crdt::CellImage from_stored(const storage::StoredCell& cell);

// One checkpoint: what sync::Replica::freeze gave, the images of the cells frozen then, and
// the conflicts found since the checkpoint before.
struct CheckpointWork {
  sync::Checkpoint checkpoint;
  std::vector<crdt::CellImage> cells;
  audit::SharedEntries conflicts;
  std::vector<storage::AuditSettlement> settlements;
};
// Without the conflicts, which are no part of the state. Views into the work.
storage::StateChange to_stored(const CheckpointWork& work);

}  // namespace turnstone::durability
