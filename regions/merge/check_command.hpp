#pragma once
// turnstone merge check
#include "regions/settings/subcommand.hpp"

namespace turnstone::merging {

// Returns the exit code.
int run_check(const regions::Arguments& arguments);

}  // namespace turnstone::merging
