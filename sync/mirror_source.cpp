#include "sync/mirror_source.hpp"

#include <algorithm>
#include <utility>

#include "core/marks.hpp"
#include "core/planted.hpp"

namespace turnstone::sync {

MirrorEffects MirrorSource::wanted(std::uint64_t now_ms, const std::string& peer, const CopyWanted& wanted,
                                   const VersionVector& durable, const VersionVector& floor,
                                   const std::optional<std::string>& no_room) {
  MirrorEffects effects;
  CopyOffer offer{wanted.request, CopyStatus::wait, 0, 0, 0, {}, {}};
  if (made_ && made_->vector.covers(wanted.have) && made_->vector.covers(floor) &&
      !wanted.have.covers(made_->vector)) {
    used_ms_ = now_ms;
    offer = {wanted.request, CopyStatus::ready, copy_, made_->bytes, made_->hash, {}, made_->vector};
  } else if (!durable.covers(wanted.have)) {
    reached(Mark::copy_behind);
    offer.status = CopyStatus::behind;
  } else if (!making_ && failure_) {
    offer.status = CopyStatus::refused;
    offer.text = *std::exchange(failure_, std::nullopt);
  } else if (no_room) {
    offer.status = CopyStatus::refused;
    offer.text = *no_room;
  } else if (!making_ && (!made_ || now_ms >= used_ms_ + limits_.in_use_ms)) {
    drop_copy(effects);
    copy_ = next_copy_++;
    making_ = true;
    effects.emplace_back(MakeCopy{copy_});
  }
  effects.emplace_back(MirrorSend{peer, Channel::reply, std::move(offer)});
  return effects;
}

MirrorEffects MirrorSource::pages_wanted(std::uint64_t now_ms, const std::string& peer,
                                         const PagesWanted& wanted) {
  MirrorEffects effects;
  if (!made_ || wanted.copy != copy_) {
    reached(Mark::copy_gone);
    CopyOffer gone;
    gone.status = CopyStatus::gone;
    gone.copy = wanted.copy;
    effects.emplace_back(MirrorSend{peer, Channel::reply, std::move(gone)});
    return effects;
  }
  used_ms_ = now_ms;
  // An asker that asks again has lost the rest of what it asked for before.
  windows_[peer] = {wanted.offset, std::min(wanted.count, limits_.window_pages)};
  give(now_ms, effects);
  return effects;
}

MirrorEffects MirrorSource::copy_made(std::uint64_t now_ms, const Result<MadeCopy>& made) {
  MirrorEffects effects;
  making_ = false;
  used_ms_ = now_ms;
  if (made) {
    made_ = *made;
  } else {
    reached(Mark::copy_making_failed);
    failure_ = made.error().message;
    effects.emplace_back(Alarm{"mirror_no_copy", "no copy of the state can be given out: " + *failure_});
  }
  return effects;
}

MirrorEffects MirrorSource::tick(std::uint64_t now_ms) {
  MirrorEffects effects;
  if (made_ && now_ms >= used_ms_ + limits_.keep_copy_ms) drop_copy(effects);
  give(now_ms, effects);
  return effects;
}

void MirrorSource::give(std::uint64_t now_ms, MirrorEffects& effects) {
  // What was not used is not saved up, beyond what comes between two ticks.
  const std::uint64_t passed = std::min<std::uint64_t>(now_ms - std::min(now_ms, budget_ms_), 50);
  budget_ms_ = now_ms;
  budget_bytes_ = std::min(budget_bytes_ + passed * limits_.bytes_per_second / 1000,
                           std::max(mirror_page_bytes, limits_.bytes_per_second / 20));
  if (reading_ >= limits_.copy_reads_max && !windows_.empty()) ++reads_held_back_;
  while (budget_bytes_ >= mirror_page_bytes && reading_ < limits_.copy_reads_max && !windows_.empty()) {
    auto next = windows_.upper_bound(last_served_);
    if (next == windows_.end()) next = windows_.begin();
    Window& window = next->second;
    if (window.count == 0 || window.offset >= made_->bytes) {
      windows_.erase(next);
      continue;
    }
    last_served_ = next->first;
    effects.emplace_back(ReadCopyPage{next->first, copy_, window.offset});
    window.offset += mirror_page_bytes;
    --window.count;
    budget_bytes_ -= mirror_page_bytes;
    ++pages_granted_;
    ++reading_;
  }
  if (!windows_.empty()) reached(Mark::copy_given_slowly);
}

void MirrorSource::drop_copy(MirrorEffects& effects) {
  if (!made_) return;
  reached(Mark::copy_dropped);
  if (!planted(Planted::keep_copies)) effects.emplace_back(DeleteCopy{copy_});
  made_.reset();
  windows_.clear();
}

}  // namespace turnstone::sync
