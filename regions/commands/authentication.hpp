#pragma once
// Passwords of connections. There is one user, "default".
#include <string_view>

#include "regions/commands/call.hpp"

namespace turnstone::commands {

// True when a password is set and the connection has not shown it.
bool must_authenticate(const Call& call);

// Compares in a time that depends on the presented password's length only. Answers
// WRONGPASS and returns false when it is wrong; without a password set, any will do.
bool authenticate(Call& call, std::string_view user, std::string_view password);

}  // namespace turnstone::commands
