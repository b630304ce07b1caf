#pragma once
// turnstone keygen: makes the key file of a region, and shows what others must know of it.
#include "regions/settings/subcommand.hpp"

namespace turnstone::regions {

extern const Subcommand keygen;

}  // namespace turnstone::regions
