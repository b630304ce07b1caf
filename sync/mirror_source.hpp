#pragma once
// The giving side of a mirror, without I/O: one copy of the state file at a time, given out in
// pages to all who ask, no faster than the limit. Lost frames are asked for again by the sink.
//
// One thread.
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "core/error.hpp"
#include "core/version_vector.hpp"
#include "sync/mirror_effect.hpp"

namespace turnstone::sync {

struct MadeCopy {
  std::uint64_t bytes = 0;
  std::uint64_t hash = 0;
  VersionVector vector;
};

class MirrorSource {
 public:
  // `first_copy` is random: a sink must not take a copy of an earlier run for this one's.
  MirrorSource(std::uint64_t first_copy, MirrorLimits limits) : limits_(limits), next_copy_(first_copy) {}

  // `durable`: what this leader has; `floor`: where its log begins. A copy below it would not
  // help, and one with nothing that the asker lacks would not either. `no_room`: why no copy can be made now,
  // if so.
  MirrorEffects wanted(std::uint64_t now_ms, const std::string& peer, const CopyWanted& wanted,
                       const VersionVector& durable, const VersionVector& floor,
                       const std::optional<std::string>& no_room);
  MirrorEffects pages_wanted(std::uint64_t now_ms, const std::string& peer, const PagesWanted& wanted);
  // The answer to MakeCopy.
  MirrorEffects copy_made(std::uint64_t now_ms, const Result<MadeCopy>& made);
  // A ReadCopyPage was carried out, or came to nothing.
  void page_read() { --reading_; }
  MirrorEffects tick(std::uint64_t now_ms);

  bool making() const { return making_; }
  std::uint64_t pages_granted() const { return pages_granted_; }
  const MirrorLimits& limits() const { return limits_; }
  // Pages that are being read, and how often all that may be were.
  std::uint64_t reading() const { return reading_; }
  std::uint64_t reads_held_back() const { return reads_held_back_; }

 private:
  struct Window {
    std::uint64_t offset = 0;
    std::uint64_t count = 0;
  };

  void give(std::uint64_t now_ms, MirrorEffects& effects);
  void drop_copy(MirrorEffects& effects);

  MirrorLimits limits_;
  std::uint64_t next_copy_;
  std::uint64_t copy_ = 0;  // 0: none
  bool making_ = false;
  std::optional<MadeCopy> made_;
  std::uint64_t used_ms_ = 0;
  std::optional<std::string> failure_;  // why the last one could not be made

  std::map<std::string, Window> windows_;  // by asker
  std::string last_served_;
  std::uint64_t budget_bytes_ = 0;
  std::uint64_t budget_ms_ = 0;
  std::uint64_t pages_granted_ = 0;
  std::uint64_t reading_ = 0;
  std::uint64_t reads_held_back_ = 0;
};

}  // namespace turnstone::sync
