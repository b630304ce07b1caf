#pragma once
// From the command line, the environment and the file to settings:
// defaults < file < environment < flags.
#include <map>
#include <span>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "core/error.hpp"
#include "regions/settings/settings.hpp"

namespace turnstone::regions {

struct Subcommand;

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

// `arguments` without the program's name: serve and what follows it, or --help or --version.
// Reads the configuration, password and key files. An empty variable counts as not set.
// `subcommands` are what --help lists beside serve.
tl::expected<Request, Refusal> load_settings(const std::vector<std::string>& arguments,
                                             const Environment& environment,
                                             std::span<const Subcommand* const> subcommands = {});

// What the same command line of a leader means now, files read again. Errors: config, with
// every problem found.
Result<Settings> reload_settings(const std::vector<std::string>& arguments, const Environment& environment);

// The process's own environment.
Environment process_environment();

// The password in a file is its one line. Errors: io, config.
Result<std::string> read_password(const std::string& path);

}  // namespace turnstone::regions
