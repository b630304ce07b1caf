#pragma once
#include "regions/settings/subcommand.hpp"

namespace turnstone::audit {

// turnstone audit: list, show, explain, count, follow and export the record of conflicts.
extern const regions::Subcommand audit_command;

}  // namespace turnstone::audit
