#pragma once
// turnstone merge try
#include "regions/settings/subcommand.hpp"

namespace turnstone::merging {

// Merges the conflicts on record of the leader at --at once more, with another function. Returns
// the exit code.
int run_try(const regions::Arguments& arguments);

}  // namespace turnstone::merging
