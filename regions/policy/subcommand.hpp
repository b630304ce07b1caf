#pragma once
// `turnstone policy`: by which rule concurrent values of a key become one.
#include "regions/settings/subcommand.hpp"

namespace turnstone::policy {

extern const regions::Subcommand policy_command;

}  // namespace turnstone::policy
