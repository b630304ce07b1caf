#pragma once
// `turnstone completion bash|zsh|fish`: what a shell offers behind `turnstone`, made of the tables
// that the help is made of.
#include <span>
#include <string>

#include "core/error.hpp"
#include "regions/settings/subcommand.hpp"

namespace turnstone::regions {

// For the shell of that name. Errors: config, with the names there are.
Result<std::string> completion_script(const std::string& shell,
                                      std::span<const Subcommand* const> subcommands);

}  // namespace turnstone::regions
