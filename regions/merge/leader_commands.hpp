#pragma once
// turnstone merge load, list, show and retire: the functions in Lua that all regions hold.
#include "regions/settings/subcommand.hpp"

namespace turnstone::merging {

// Each asks the leader at --at, and returns the exit code.
int run_load(const regions::Arguments& arguments);
int run_list(const regions::Arguments& arguments);
int run_show(const regions::Arguments& arguments);
int run_retire(const regions::Arguments& arguments);

}  // namespace turnstone::merging
