#pragma once
// turnstone merge
#include "regions/settings/subcommand.hpp"

namespace turnstone::merging {

extern const regions::Subcommand merge_command;

}  // namespace turnstone::merging
