#include "sync/mirror_sink.hpp"

#include <algorithm>
#include <utility>

#include "core/hash.hpp"

#include "core/marks.hpp"
#include "core/planted.hpp"

namespace turnstone::sync {

std::string_view name(MirrorState state) {
  constexpr std::string_view names[] = {"none", "asking", "copying", "checking", "installing"};
  return names[static_cast<std::size_t>(state)];
}

void MirrorSink::begin(std::uint64_t now_ms, VersionVector have, VersionVector least) {
  now_ms_ = progress_ms_ = now_ms;
  have_ = std::move(have);
  least_ = std::move(least);
  if (staged_.copy != 0) reached(Mark::mirror_resumed);
  written_ = asked_to_ = staged_.staged;
  behind_since_ms_ = behind_alarm_ms_ = next_ask_ms_ = 0;
  state_ = staged_.copy != 0 ? MirrorState::copying : MirrorState::asking;
}

void MirrorSink::cancel() {
  if (state_ == MirrorState::asking) state_ = MirrorState::idle;
}

MirrorEffects MirrorSink::tick(std::uint64_t now_ms, const std::vector<std::string>& sources) {
  MirrorEffects effects;
  now_ms_ = now_ms;
  if (state_ == MirrorState::copying && complete() && written_ == staged_.staged) check(effects);
  const bool reachable = std::find(sources.begin(), sources.end(), staged_.source) != sources.end();
  if (state_ == MirrorState::copying && now_ms >= progress_ms_ + limits_.leave_source_ms) {
    // Without another source the copy is worth waiting for.
    const bool another = std::any_of(sources.begin(), sources.end(),
                                     [this](const std::string& region) { return region != staged_.source; });
    if (another) {
      reached(Mark::mirror_source_left);
      start_over(true);
    }
  }
  if (state_ == MirrorState::copying && reachable && now_ms >= next_ask_ms_) {
    reached(Mark::mirror_pages_asked_again);
    ask_pages(effects);
  }
  if (state_ == MirrorState::asking && now_ms >= next_ask_ms_) ask(sources, effects);
  return effects;
}

void MirrorSink::ask(const std::vector<std::string>& sources, MirrorEffects& effects) {
  if (sources.empty()) return;
  // Who does not answer has yet to catch up itself, perhaps for want of this leader's help.
  if (!answered_) rest_until_ms_[asked_] = now_ms_ + limits_.source_rest_ms;
  answered_ = false;
  const auto rested = std::find_if(sources.begin(), sources.end(), [this](const std::string& region) {
    return now_ms_ >= rest_until_ms_[region];
  });
  asked_ = rested == sources.end() ? sources.front() : *rested;
  next_ask_ms_ = now_ms_ + limits_.ask_again_ms;
  effects.emplace_back(MirrorSend{asked_, Channel::request, CopyWanted{++request_, have_}});
}

void MirrorSink::ask_pages(MirrorEffects& effects) {
  asked_to_ = std::min(staged_.bytes, staged_.staged + limits_.window_pages * mirror_page_bytes);
  if (asked_to_ < staged_.bytes) ++windows_filled_;
  next_ask_ms_ = now_ms_ + limits_.page_timeout_ms;
  effects.emplace_back(MirrorSend{staged_.source, Channel::request,
                                  PagesWanted{staged_.copy, staged_.staged, limits_.window_pages}});
}

MirrorEffects MirrorSink::offered(std::uint64_t now_ms, const std::string& region, const CopyOffer& offer) {
  MirrorEffects effects;
  now_ms_ = now_ms;
  if (offer.status == CopyStatus::gone) {
    if (state_ == MirrorState::copying && region == staged_.source && offer.copy == staged_.copy &&
        !complete())
      start_over(false);
    return effects;
  }
  if (state_ != MirrorState::asking || region != asked_ || offer.request != request_) return effects;
  answered_ = true;
  if (offer.status == CopyStatus::refused) {
    rest_until_ms_[region] = now_ms + limits_.source_rest_ms;
    effects.emplace_back(
        Alarm{"mirror_no_copy", "region '" + region + "' gives no copy of its state: " + offer.text});
  } else if (offer.status == CopyStatus::behind ||
             (offer.status == CopyStatus::ready && !offer.vector.covers(have_))) {
    if (behind_since_ms_ == 0) behind_since_ms_ = now_ms;
    if (now_ms >= behind_since_ms_ + limits_.behind_patience_ms) {
      if (have_ != least_) {
        // They had the time to take it. It is kept, and offered again, or brought back.
        reached(Mark::mirror_sets_writes_aside);
        have_ = least_;
        behind_since_ms_ = next_ask_ms_ = 0;
        return effects;
      }
      if (now_ms < behind_alarm_ms_) return effects;
      behind_alarm_ms_ = now_ms + limits_.behind_alarm_ms;
      effects.emplace_back(Alarm{
          "mirror_refused",
          "the log of this leader begins behind writes that region '" + region +
              "' lacks, so the state of that region would lose them. Nothing was changed here. Keep the data "
              "directory, and start with an empty one and --join to serve again without them"});
    }
  } else if (offer.status == CopyStatus::ready && offer.copy != 0 && offer.bytes != 0 &&
             !have_.covers(offer.vector)) {
    state_ = MirrorState::copying;
    staged_ = {region, offer.copy, offer.bytes, offer.hash, 0, 0};
    written_ = 0;
    progress_ms_ = now_ms;
    effects.emplace_back(BeginStaging{staged_});
    ask_pages(effects);
  }
  return effects;
}

MirrorEffects MirrorSink::page(std::uint64_t now_ms, const std::string& region, const CopyPage& page) {
  MirrorEffects effects;
  now_ms_ = now_ms;
  // In order and once: what was lost in between is asked for again.
  if (state_ != MirrorState::copying || region != staged_.source || page.copy != staged_.copy ||
      page.offset != staged_.staged || staged_.staged >= asked_to_) {
    return effects;
  }
  if (page.bytes.size() != std::min(mirror_page_bytes, staged_.bytes - page.offset)) return effects;
  staged_.chain = hash64(page.bytes, staged_.chain);
  staged_.staged += page.bytes.size();
  progress_ms_ = now_ms;
  next_ask_ms_ = now_ms + limits_.page_timeout_ms;
  effects.emplace_back(StagePage{page.copy, page.offset, page.bytes});
  return effects;
}

MirrorEffects MirrorSink::staged(std::uint64_t now_ms, std::uint64_t copy, std::uint64_t bytes) {
  MirrorEffects effects;
  now_ms_ = now_ms;
  if (state_ != MirrorState::copying || copy != staged_.copy) return effects;
  written_ = bytes;
  if (written_ != staged_.staged) return effects;
  if (complete()) {
    check(effects);
  } else if (written_ == asked_to_) {
    ask_pages(effects);
  }
  return effects;
}

void MirrorSink::check(MirrorEffects& effects) {
  if (staged_.chain != staged_.hash && !planted(Planted::skip_copy_hash)) {
    reached(Mark::mirror_damaged);
    effects.emplace_back(Alarm{"mirror_damaged", "the copy of the state of region '" + staged_.source +
                                                     "' does not match its hash; it is taken anew"});
    return start_over(true);
  }
  state_ = MirrorState::checking;
  effects.emplace_back(CheckStaged{staged_, have_, ~Hlc{0}, {}});
}

MirrorEffects MirrorSink::staging_failed(std::uint64_t now_ms, const std::string& why) {
  MirrorEffects effects;
  now_ms_ = now_ms;
  if (state_ != MirrorState::copying) return effects;
  effects.emplace_back(Alarm{"mirror_not_staged", "the copy of the state cannot be stored: " + why});
  start_over(false);
  next_ask_ms_ = now_ms + limits_.source_rest_ms;
  return effects;
}

MirrorEffects MirrorSink::checked(std::uint64_t now_ms, std::uint64_t copy, const Result<void>& good) {
  MirrorEffects effects;
  now_ms_ = now_ms;
  if (state_ != MirrorState::checking || copy != staged_.copy) return effects;
  if (good) {
    reached(Mark::mirror_installed);
    state_ = MirrorState::installing;
    effects.emplace_back(InstallStaged{});
  } else {
    effects.emplace_back(Alarm{"mirror_damaged", "the copy of the state of region '" + staged_.source +
                                                     "' cannot be used: " + good.error().message});
    start_over(true);
    next_ask_ms_ = now_ms + limits_.ask_again_ms;
  }
  return effects;
}

void MirrorSink::not_installed(std::uint64_t now_ms, VersionVector have, VersionVector least) {
  now_ms_ = now_ms;
  have_ = std::move(have);
  least_ = std::move(least);
  behind_since_ms_ = 0;
  start_over(false);
  next_ask_ms_ = now_ms + limits_.source_rest_ms;
}

void MirrorSink::start_over(bool source_failed) {
  if (source_failed) rest_until_ms_[staged_.source] = now_ms_ + limits_.source_rest_ms;
  staged_ = {};
  state_ = MirrorState::asking;
  next_ask_ms_ = 0;
}

}  // namespace turnstone::sync
