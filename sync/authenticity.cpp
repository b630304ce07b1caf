// Nobody writes as another origin. A batch is taken only when the region that its origin
// belongs to has signed it, whoever brings it; what was taken once is not checked again.
//
// The origin's first batch names its region, and the origin's number must be one of that
// region's. Until that one is applied nobody can say who has
// to have signed the next ones, so they are not kept: they are pulled, in order. What a liar
// sends is dropped with an alarm that names the liar. The origin that it lied about is not
// quarantined, for that would be what the liar wants.
#include <fmt/format.h>

#include "core/hash.hpp"
#include "core/marks.hpp"
#include "core/planted.hpp"
#include "sync/replica.hpp"

namespace turnstone::sync {
namespace {

constexpr unsigned region_shift = 48;

}  // namespace

Origin origin_of(std::string_view region, std::uint64_t random) {
  return Origin{hash64(region) >> region_shift << region_shift | (random << 16 >> 16)};
}

bool is_origin_of(Origin origin, std::string_view region) {
  return static_cast<std::uint64_t>(origin) >> region_shift == hash64(region) >> region_shift;
}

// A beacon carries no signature: whoever sends it can only lie about itself.
bool Replica::is_believable(const std::string& region, const Beacon& report, Effects& effects) {
  if (config_.signatures == nullptr || is_origin_of(report.origin, region)) return true;
  ++counters_.frames_malformed;
  effects.emplace_back(
      std::in_place_type<Alarm>,
      Alarm{"beacon_refused", fmt::format("'{}' calls origin {} its own, which is none of its region", region,
                                          to_string(report.origin))});
  return false;
}

bool Replica::is_authentic(const std::string& sender, const BatchHeader& header, std::string_view bytes,
                           Effects& effects) {
  if (config_.signatures == nullptr || planted(Planted::skip_signature_check)) return true;
  const std::string region = header.first_seq == 1 ? header.region : region_of(header.origin);
  if (region.empty()) {
    ++counters_.pending_dropped;
    return false;
  }
  const bool possible =
      header.first_seq != 1 || is_origin_of(header.origin, region) || planted(Planted::origin_of_anybody);
  if (possible && header.is_signed &&
      config_.signatures->verify(region, signed_part(bytes), signature_of(bytes)))
    return true;
  reached(Mark::forgery_refused);
  ++counters_.batches_forged;
  effects.emplace_back(std::in_place_type<Alarm>,
                       Alarm{"batch_forged", fmt::format("'{}' sent a batch of origin {} that region '{}' {}",
                                                         sender, to_string(header.origin), region,
                                                         possible ? "has not signed" : "cannot have begun")});
  return false;
}

}  // namespace turnstone::sync
