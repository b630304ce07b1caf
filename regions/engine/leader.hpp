#pragma once
// A leader from start to stop.
#include "regions/settings/settings.hpp"

namespace turnstone::regions {

// Recovers, opens the doors, serves until it is told to stop. Returns the exit code.
int run_leader(const Settings& settings);

}  // namespace turnstone::regions
