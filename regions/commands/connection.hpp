#pragma once
// Parts of a connection's state that several commands end or set.
#include <string_view>

#include "regions/commands/call.hpp"

namespace turnstone::commands {

inline constexpr std::size_t client_name_bytes_max = 1024;

// Answers the error and returns false unless the text may name a client (`what` is
// "Client names" or the like): printable ASCII without blanks, and not too long.
bool is_client_name(Call& call, std::string_view text, std::string_view what);

void forget_watched_keys(Call& call);
// The queue and the watched keys.
void end_transaction(Call& call);

}  // namespace turnstone::commands
