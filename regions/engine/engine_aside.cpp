// Batches that cannot be applied: kept beside the log, offered to the replica at each start,
// and a person is told again and again.
#include <fmt/format.h>

#include <utility>

#include "regions/engine/engine.hpp"

namespace turnstone::regions {
namespace {

constexpr std::uint64_t alarm_every_ms = 600'000;

}  // namespace

void Engine::set_aside(sync::SetAside batch) {
  if (auto place = aside_.add(batch, now_ms())) {
    committer_.keep_aside(std::move(*place), std::move(batch.bytes));
  }
}

void Engine::reconsider_aside() {
  if (aside_.empty()) return;
  if (auto covered = aside_.take_covered(replica_->durable()); !covered.empty())
    committer_.forget_aside(std::move(covered));
  aside_.each_next(
      [this](const storage::AsidePlace& place) {
        return place.first_seq == replica_->vector().get(place.origin) + 1 &&
               !replica_->quarantined().contains(place.origin) && !unreadable_aside_.contains(place.id);
      },
      [this](const storage::AsidePlace& place) {
        auto bytes = scanner_.read_aside(place.id);
        if (bytes) {
          step(sync::Reconsider{std::move(*bytes)});
        } else {
          unreadable_aside_.insert(place.id);
          alarm({"aside_unreadable", bytes.error().message});
        }
        return replica_->uncommitted_bytes() < replica_->config().limits.uncommitted_bytes_max / 2;
      });
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
