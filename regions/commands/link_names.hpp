#pragma once
// How INFO and TS.REGIONS show a peer.
#include <cstdint>
#include <string_view>

#include "regions/commands/leader_port.hpp"
#include "sync/replica.hpp"

namespace turnstone::commands {

inline std::string_view link_name(LinkState state) {
  switch (state) {
    case LinkState::up:
      return "up";
    case LinkState::down:
      return "down";
    case LinkState::cut:
      return "cut";
  }
  return "unknown";
}

// -1: never.
inline std::int64_t heard_ms_ago(const sync::PeerView& peer, std::uint64_t now_ms) {
  if (peer.heard_ms == 0) return -1;
  return now_ms > peer.heard_ms ? static_cast<std::int64_t>(now_ms - peer.heard_ms) : 0;
}

}  // namespace turnstone::commands
