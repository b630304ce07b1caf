#pragma once
// turnstone verify
#include "regions/settings/subcommand.hpp"

namespace turnstone::verify {

extern const regions::Subcommand verify_command;

}  // namespace turnstone::verify
