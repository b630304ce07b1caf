#pragma once
#include <string_view>

namespace turnstone::commands {

// The Redis whose commands, replies and errors we follow; clients read it.
inline constexpr std::string_view redis_version = "7.0.15";

}  // namespace turnstone::commands
