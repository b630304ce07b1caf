#include "core/hybrid_clock.hpp"

#include <algorithm>

namespace turnstone {

Hlc HybridClock::tick(std::uint64_t now_ms) {
  last_ = std::max(last_ + 1, hlc_from_ms(now_ms));
  return last_;
}

bool HybridClock::observe(Hlc remote, std::uint64_t now_ms, std::uint64_t max_drift_ms) {
  const Hlc ceiling = hlc_from_ms(now_ms + max_drift_ms);
  last_ = std::max(last_, std::min(remote, ceiling));
  return remote <= ceiling;
}

}  // namespace turnstone
