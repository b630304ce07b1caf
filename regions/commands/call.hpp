#pragma once
// What a command runs with.
#include <cstdint>
#include <span>
#include <string_view>

#include "regions/resp/reply.hpp"
#include "sync/replica.hpp"

namespace turnstone::commands {

class LeaderPort;
struct Session;

// The command's name first. The bytes must stay in place while the command runs.
using Args = std::span<const std::string_view>;

struct Call {
  sync::Replica& replica;
  Session& session;
  LeaderPort& leader;
  resp::ReplyWriter& reply;
  // The wall clock, milliseconds since 1970.
  std::uint64_t now_ms;
};

}  // namespace turnstone::commands
