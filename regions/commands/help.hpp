#pragma once
#include <string_view>

#include "regions/commands/call.hpp"

namespace turnstone::commands {

// What the table says of the subcommands, in the form of Redis's HELP.
void reply_help(Call& call, std::string_view shown_name, std::string_view command);

}  // namespace turnstone::commands
