// A batch that is whole, and cannot be applied: it is kept aside, its origin is named, its later
// batches wait in the logs of those who have them, and everything else goes on. Nothing of it
// is applied, so the reports of this leader hold the log of everybody from there on. Each
// start tries again: a later version of the program may know what this one does not.
#include <fmt/format.h>

#include <utility>

#include "core/marks.hpp"
#include "sync/replica.hpp"

namespace turnstone::sync {

void Replica::refuse_unreadable(const std::string& sender, std::string_view bytes, const Error& error,
                                Effects& effects) {
  const auto place = decode_batch_place(bytes);
  if (!place || place->cluster != config_.cluster) {
    ++counters_.frames_malformed;
    effects.emplace_back(std::in_place_type<Alarm>, Alarm{"batch_refused", error.message});
    return;
  }
  // What comes before it of its origin may be good: it is pulled when its turn has come.
  if (place->origin == config_.origin || quarantined_.contains(place->origin) ||
      place->first_seq != vector_.get(place->origin) + 1)
    return;
  if (is_authentic(sender, *place, bytes, effects)) quarantine(*place, bytes, error, effects);
}

void Replica::quarantine(const BatchHeader& place, std::string_view bytes, const Error& error,
                         Effects& effects) {
  reached(Mark::origin_quarantined);
  ++counters_.batches_quarantined;
  pending_.drop_origin(place.origin);
  const std::string region = place.first_seq == 1 ? place.region : region_of(place.origin);
  if (quarantined_.size() < config_.limits.quarantined_origins_max) {
    quarantined_[place.origin] = {region, place.first_seq, error.message};
    effects.emplace_back(
        std::in_place_type<SetAside>,
        SetAside{place.origin, place.first_seq, place.last_seq(), error.message, std::string(bytes)});
  } else {
    // Not remembered: it is refused again whenever it comes.
    ++counters_.quarantine_overflows;
  }
  effects.emplace_back(
      std::in_place_type<Alarm>,
      Alarm{
          "origin_quarantined",
          fmt::format("a batch of region '{}' cannot be applied ({}): it is kept aside, and nothing more is "
                      "taken from its origin {} until a restart; a later version may know it",
                      region, error.message, to_string(place.origin))});
}

}  // namespace turnstone::sync
