#pragma once
// Hybrid logical clock (Kulkarni et al., "Logical physical clocks", OPODIS 2014).
// It orders writes that did not see each other; causality orders all others, so a
// wrong clock can never undo a write that has seen what it replaces (I8).
#include <cstdint>

namespace turnstone {

// 48 bits of milliseconds since 1970, then a 16-bit counter.
using Hlc = std::uint64_t;

constexpr std::uint64_t hlc_ms(Hlc hlc) { return hlc >> 16; }
constexpr Hlc hlc_from_ms(std::uint64_t ms) { return ms << 16; }

class HybridClock {
 public:
  // A value above every value returned or observed before.
  Hlc tick(std::uint64_t now_ms);

  // Learns from another leader's stamp, so that our next one is above it. A stamp more
  // than max_drift_ms ahead of our own clock moves us no further than that; returns
  // false then, and the caller raises the alarm. The delta itself is never held back.
  bool observe(Hlc remote, std::uint64_t now_ms, std::uint64_t max_drift_ms);

  Hlc last() const { return last_; }

 private:
  Hlc last_ = 0;
};

}  // namespace turnstone
