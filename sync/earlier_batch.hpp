#pragma once
// What is kept beside the log of a state that was taken, for Replica::bring_back.
#include <functional>
#include <string_view>

#include "core/version_vector.hpp"

namespace turnstone::sync {

// A batch that an earlier run of this region wrote, and that the state had not which this leader
// then took: it is kept beside the log until it is applied after all, or brought back.
struct EarlierBatch {
  Origin origin{};
  Seq first_seq = 0;
  Seq last_seq = 0;
};
// Calls `visit` with the bytes of each, in the order of the log that it was in, and with all that
// its author had seen before it, retired origins among it; until `visit` says false.
using EarlierScan =
    std::function<void(const std::function<bool(std::string_view bytes, const VersionVector& seen)>& visit)>;

}  // namespace turnstone::sync
