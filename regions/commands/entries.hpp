#pragma once
// One entry of a map in a reply: its name and its value.
#include <cstdint>
#include <string_view>

#include "regions/commands/call.hpp"

namespace turnstone::commands {

inline void entry(Call& call, std::string_view name, std::string_view value) {
  call.reply.bulk(name);
  call.reply.bulk(value);
}
inline void entry(Call& call, std::string_view name, std::int64_t value) {
  call.reply.bulk(name);
  call.reply.integer(value);
}
inline void entry(Call& call, std::string_view name, std::uint64_t value) {
  entry(call, name, static_cast<std::int64_t>(value));
}

}  // namespace turnstone::commands
