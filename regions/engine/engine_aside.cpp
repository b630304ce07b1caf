// Batches that cannot be applied: kept beside the log, offered to the replica at each start,
// and a person is told again and again.
#include <fmt/format.h>

#include <utility>

#include "regions/durability/stored_forms.hpp"
#include "regions/engine/engine.hpp"
#include "regions/settings/log.hpp"

namespace turnstone::regions {
namespace {

constexpr std::uint64_t alarm_every_ms = 600'000;

sync::EarlierBatch earlier_batch(const storage::AsidePlace& place) {
  return {place.origin, place.first_seq, place.last_seq};
}

}  // namespace

void Engine::set_aside(sync::SetAside batch) {
  if (auto place = aside_.add(batch, now_ms())) {
    committer_.keep_aside(std::move(*place), std::move(batch.bytes));
  }
}

void Engine::reconsider_aside() {
  if (aside_.empty()) return;
  auto done = aside_.take([this](const storage::AsidePlace& place) {
    if (!place.author.empty()) return replica_->has_brought_back(earlier_batch(place));
    // What is void of others is theirs to bring back.
    const auto end = replica_->closings().end_of(place.origin);
    return replica_->durable().covers({place.origin, place.last_seq}) || (end && place.first_seq > *end);
  });
  if (!done.empty()) committer_.forget_aside(std::move(done));
  aside_.each_next(
      [this](const storage::AsidePlace& place) {
        // A removed region's are not to be taken here alone.
        const bool may_come = place.author.empty() || place.author == settings_.region;
        return may_come && !unreadable_aside_.contains(place.id) &&
               replica_->should_reconsider(place.origin, place.first_seq);
      },
      [this](const storage::AsidePlace& place) {
        auto bytes = scanner_.read_aside(place.id);
        if (bytes) {
          step(sync::Reconsider{std::move(*bytes)});
        } else {
          note_unreadable(place, bytes.error());
        }
        return replica_->uncommitted_bytes() < replica_->config().limits.uncommitted_bytes_max / 2;
      });
  bring_back();
}

void Engine::note_unreadable(const storage::AsidePlace& place, const Error& error) {
  unreadable_aside_.insert(place.id);
  alarm({"aside_unreadable", error.message});
}

// What earlier runs of this region wrote and nobody takes from them any more.
void Engine::bring_back() {
  std::vector<sync::EarlierBatch> places;
  for (const storage::AsidePlace& place : aside_.places())
    if (!place.author.empty()) places.push_back(earlier_batch(place));
  const std::size_t waited = std::exchange(batches_to_bring_back_, places.size());
  if (places.empty()) {
    if (waited != 0) {
      log::info("all that earlier runs of this region wrote is applied or brought back",
                {{"writes_brought_back", replica_->counters().deltas_returned}});
    }
    return;
  }
  carry_out(replica_->bring_back(now_ms(), places, [this](const auto& visit) { scan_earlier(visit); }));
  if (!replica_->return_waits_for() || now_ms() < next_return_alarm_ms_) return;
  next_return_alarm_ms_ = now_ms() + alarm_every_ms;
  alarm({"writes_to_bring_back",
         fmt::format("{} batches that earlier runs of this region wrote wait to be brought back, for: {}",
                     places.size(), *replica_->return_waits_for())});
}

void Engine::scan_earlier(
    const std::function<bool(std::string_view bytes, const VersionVector& seen)>& visit) {
  for (const storage::AsidePlace& place : aside_.places()) {
    if (place.author.empty() || unreadable_aside_.contains(place.id)) continue;
    const auto bytes = scanner_.read_aside(place.id);
    const auto seen = scanner_.read_seen(place).and_then(durability::decode_vector);
    if (!bytes || !seen) {
      note_unreadable(place, bytes ? seen.error() : bytes.error());
    } else if (!visit(*bytes, *seen)) {
      return;
    }
  }
}

void Engine::repeat_quarantine_alarm() {
  const auto& quarantined = replica_->quarantined();
  if (quarantined.empty() || now_ms() < next_quarantine_alarm_ms_) return;
  next_quarantine_alarm_ms_ = now_ms() + alarm_every_ms;
  const auto& [origin, first] = *quarantined.begin();
  alarm(
      {"quarantine",
       fmt::format("{} origins are quarantined; of origin {} of region '{}' nothing is taken from {} on: {}",
                   quarantined.size(), to_string(origin), first.region, first.first_seq, first.reason)});
}

}  // namespace turnstone::regions
