// Nobody writes as another origin. A batch is taken only when the region that its origin
// belongs to has signed it, whoever brings it; what was taken once is not checked again.
//
// The origin's first batch names its region. Until that one is applied nobody can say who has
// to have signed the next ones, so they are not kept: they are pulled, in order. What a liar
// sends is dropped with an alarm that names the liar. The origin that it lied about is not
// quarantined, for that would be what the liar wants.
#include <fmt/format.h>

#include <algorithm>

#include "core/planted.hpp"
#include "sync/replica.hpp"

namespace turnstone::sync {

bool Replica::is_authentic(const std::string& sender, const BatchHeader& header, std::string_view bytes,
                           Effects& effects) {
  if (config_.signatures == nullptr || planted(Planted::skip_signature_check)) return true;
  const std::string region = header.first_seq == 1 ? header.region : region_of(header.origin);
  if (region.empty()) {
    ++counters_.pending_dropped;
    return false;
  }
  // An origin that a peer announced as its own is not to be had by another region.
  const bool taken = std::any_of(peers_.begin(), peers_.end(), [&](const auto& peer) {
    return peer.second.origin == header.origin && peer.first != region;
  });
  if (!taken && header.is_signed &&
      config_.signatures->verify(region, signed_part(bytes), signature_of(bytes)))
    return true;
  ++counters_.batches_forged;
  effects.emplace_back(
      std::in_place_type<Alarm>,
      Alarm{"batch_forged", fmt::format("'{}' sent a batch of origin {} that region '{}' has not signed",
                                        sender, to_string(header.origin), region)});
  return false;
}

}  // namespace turnstone::sync
