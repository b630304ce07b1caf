#pragma once
// The command line of serve as it was given. What the values mean is for the keys to judge.
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "regions/settings/toml.hpp"

namespace turnstone::regions {

struct Subcommand;

struct CommandLine {
  enum class Wants { help, serve_help, version, serve };
  Wants wants = Wants::serve;
  bool check = false;
  // "config" names the file; the rest are keys, and only lists may be there twice.
  std::vector<Given> given;
};

// `arguments` without the program's name. An error says what cannot be understood.
Result<CommandLine> read_command_line(const std::vector<std::string>& arguments);

// The text of `turnstone --help`, of `turnstone serve --help` and of `--version`.
std::string help_text(std::span<const Subcommand* const> subcommands);
std::string serve_help_text();
std::string version_text();

// "0.1.0"
std::string_view version();

}  // namespace turnstone::regions
