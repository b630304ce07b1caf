#pragma once
// From the command line, the environment and the file to settings:
// defaults < file < environment < flags.
#include <map>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "regions/settings/settings.hpp"

namespace turnstone::regions {

using Environment = std::map<std::string, std::string>;

// What to do: run a leader, or print `text` and exit with 0.
struct Request {
  enum class Action { serve, print };
  Action action = Action::print;
  Settings settings;
  std::string text;
  std::vector<std::string> notices;  // to be logged as warnings before the leader starts
};

// Why nothing is done. `text` names every problem found, a line each.
struct Refusal {
  int exit_code = 0;
  std::string text;
};

// `arguments` without the program's name. Reads the configuration and password files.
// An empty variable counts as not set.
tl::expected<Request, Refusal> load_settings(const std::vector<std::string>& arguments,
                                             const Environment& environment);

// The process's own environment.
Environment process_environment();

}  // namespace turnstone::regions
