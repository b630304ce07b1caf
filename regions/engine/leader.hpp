#pragma once
// A leader from start to stop.
#include <functional>

#include "core/error.hpp"
#include "regions/settings/settings.hpp"

namespace turnstone::regions {

using RereadSettings = std::function<Result<Settings>()>;

// Recovers, opens the doors, serves until it is told to stop. Returns the exit code. SIGHUP
// calls `reread` for the settings as they are now, and takes the keys from them.
int run_leader(const Settings& settings, const RereadSettings& reread);

}  // namespace turnstone::regions
