#pragma once
// One command, from whichever door: looked up, checked, queued or run, answered.
#include <optional>

#include "regions/commands/call.hpp"
#include "sync/event.hpp"

namespace turnstone::commands {

struct Outcome {
  // Set when something was written: the reply must not leave before the replica
  // acknowledges this ticket. It holds for all later replies on the connection too, as
  // replies keep their order.
  std::optional<sync::Lsn> ticket;
  // Close the connection when the replies so far have left.
  bool close = false;
};

// The longest key that can be written.
inline constexpr std::size_t key_bytes_max = 64 * 1024;

// Writes one reply. `args` has at least the name. Everything that the command writes is
// one operation of the replica. The session's protocol may change (HELLO, RESET).
Outcome execute(Call& call, Args args);

}  // namespace turnstone::commands
