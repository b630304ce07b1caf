#pragma once
// `turnstone region`: adds and removes regions while all leaders run, through any one of them.
#include "regions/settings/subcommand.hpp"

namespace turnstone::region {

extern const regions::Subcommand region_command;

}  // namespace turnstone::region
