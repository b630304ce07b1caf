#pragma once
// `turnstone backup` and `turnstone restore`.
#include "regions/settings/subcommand.hpp"

namespace turnstone::backup {

extern const regions::Subcommand backup_command;
extern const regions::Subcommand restore_command;

}  // namespace turnstone::backup
