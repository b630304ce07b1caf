#pragma once
// The taking side of a mirror, without I/O: asks one peer after the other for a copy of its
// state, takes it page by page into a staging file, goes on where it was after a cut or a
// restart of either side, and begins anew with another copy when that one is gone.
//
// While it is under way the leader takes no writes, of its own or of others: the copy has to
// cover all that it has. One thread.
#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/version_vector.hpp"
#include "sync/mirror_effect.hpp"

namespace turnstone::sync {

enum class MirrorState : std::uint8_t { idle, asking, copying, checking, installing };
std::string_view name(MirrorState state);

class MirrorSink {
 public:
  explicit MirrorSink(MirrorLimits limits) : limits_(limits) {}

  // What an earlier run of this leader had staged; before begin().
  void restore(StagedCopy staged) { staged_ = std::move(staged); }
  // `have`: all that this leader has durably; it stays so until the copy is installed. A copy that
  // has no more than `least` of it is taken where nobody has all: the rest is in this leader's log.
  void begin(std::uint64_t now_ms, VersionVector have, VersionVector least);
  // The log is enough after all. Only while asking.
  void cancel();

  // `sources`: the regions that can be asked now, the best first.
  MirrorEffects tick(std::uint64_t now_ms, const std::vector<std::string>& sources);
  MirrorEffects offered(std::uint64_t now_ms, const std::string& region, const CopyOffer& offer);
  MirrorEffects page(std::uint64_t now_ms, const std::string& region, const CopyPage& page);
  // The staging file has this copy up to here.
  MirrorEffects staged(std::uint64_t now_ms, std::uint64_t copy, std::uint64_t bytes);
  // The staging file cannot be written.
  MirrorEffects staging_failed(std::uint64_t now_ms, const std::string& why);
  MirrorEffects checked(std::uint64_t now_ms, std::uint64_t copy, const Result<void>& good);

  // It could not be installed, or this leader has more by now: from the beginning.
  void not_installed(std::uint64_t now_ms, VersionVector have, VersionVector least);

  MirrorState state() const { return state_; }
  const std::string& source() const { return staged_.source; }
  std::uint64_t bytes() const { return staged_.staged; }
  std::uint64_t total_bytes() const { return staged_.bytes; }
  // Taken, and not in the staging file yet: at most a window of pages.
  std::uint64_t bytes_waiting() const { return staged_.staged - std::min(written_, staged_.staged); }
  // How often more was missing than may be asked for at once.
  std::uint64_t windows_filled() const { return windows_filled_; }
  const VersionVector& have() const { return have_; }

 private:
  void ask(const std::vector<std::string>& sources, MirrorEffects& effects);
  void ask_pages(MirrorEffects& effects);
  void start_over(bool source_failed);
  bool complete() const { return staged_.copy != 0 && staged_.staged >= staged_.bytes; }
  void check(MirrorEffects& effects);

  MirrorLimits limits_;
  MirrorState state_ = MirrorState::idle;
  VersionVector have_;  // what a copy has to have
  VersionVector least_;
  StagedCopy staged_;           // `staged` and `chain`: as far as pages were taken
  std::uint64_t written_ = 0;   // as far as they are in the file
  std::uint64_t asked_to_ = 0;  // offset behind the last page asked for
  std::uint64_t windows_filled_ = 0;

  std::uint64_t now_ms_ = 0;
  std::uint64_t request_ = 0;
  std::string asked_;  // while asking
  bool answered_ = true;
  std::uint64_t next_ask_ms_ = 0;
  std::uint64_t progress_ms_ = 0;  // a page came, or the copy was begun
  std::uint64_t behind_since_ms_ = 0;
  std::uint64_t behind_alarm_ms_ = 0;  // not before this time
  std::map<std::string, std::uint64_t> rest_until_ms_;
};

}  // namespace turnstone::sync
