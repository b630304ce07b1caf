#include "regions/program.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <string>
#include <vector>

#include "regions/audit/cli/subcommand.hpp"
#include "regions/backup/subcommands.hpp"
#include "regions/completion.hpp"
#include "regions/engine/leader.hpp"
#include "regions/keygen.hpp"
#include "regions/merge/native_library.hpp"
#include "regions/merge/subcommand.hpp"
#include "regions/policy/subcommand.hpp"
#include "regions/region/subcommand.hpp"
#include "regions/settings/exit_code.hpp"
#include "regions/settings/load.hpp"
#include "regions/settings/log.hpp"
#include "regions/settings/subcommand.hpp"
#include "regions/verify/subcommand.hpp"

namespace turnstone::regions {
namespace {

// In the order in which the help shows them.
extern const Subcommand completion_command;
constexpr const Subcommand* subcommands[] = {&keygen,
                                             &region::region_command,
                                             &policy::policy_command,
                                             &merging::merge_command,
                                             &backup::backup_command,
                                             &backup::restore_command,
                                             &verify::verify_command,
                                             &audit::audit_command,
                                             &completion_command};

int run_completion(const Arguments& arguments) {
  if (arguments.words().empty()) return refuse_usage(completion_command, "bash, zsh or fish?");
  const auto script = completion_script(arguments.words()[0], subcommands);
  if (!script) return refuse_usage(completion_command, script.error().message);
  fmt::print("{}", *script);
  return exit_code::ok;
}

constexpr Subcommand completion_command{
    "completion",
    "print what a shell needs to complete command lines",
    "bash\nzsh\nfish",
    "The script offers commands, what they do, and options.",
    {},
    "Examples:\n"
    "    source <(turnstone completion bash)         # in ~/.bashrc\n"
    "    source <(turnstone completion zsh)          # in ~/.zshrc\n"
    "    turnstone completion fish | source          # in ~/.config/fish/config.fish\n"
    "\n"
    "Exit status:\n"
    "  0 done; 64 the command line cannot be understood",
    1,
    run_completion};

bool load_plugins(const Settings& settings) {
  for (const std::string& path : settings.merge_plugins) {
    const auto names = merging::load_native_library(path);
    if (!names) {
      log::error("cannot start", {{"error", names.error().message}});
      return false;
    }
    for (const crdt::NativeName& each : *names)
      log::info("merge function loaded", {{"name", each.name}, {"version", each.version}, {"from", path}});
  }
  return true;
}

int serve(const std::vector<std::string>& arguments) {
  const auto request = load_settings(arguments, process_environment(), subcommands);
  if (!request) {
    fmt::print(stderr, "{}", request.error().text);
    return request.error().exit_code;
  }
  log::setup(request->settings.log_level, request->settings.log_format, request->settings.region);
  for (const std::string& notice : request->notices) log::warning(notice);
  const auto reread = [&arguments] { return reload_settings(arguments, process_environment()); };
  if (request->action == Request::Action::serve)
    return load_plugins(request->settings) ? run_leader(request->settings, reread) : exit_code::config;
  fmt::print("{}", request->text);
  return 0;
}

}  // namespace

int run_program(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + (argc > 0 ? 1 : 0), argv + argc);
  for (const Subcommand* each : subcommands) {
    if (!arguments.empty() && each->name == arguments[0])
      return run(*each, {arguments.begin() + 1, arguments.end()});
  }
  return serve(arguments);
}

}  // namespace turnstone::regions
