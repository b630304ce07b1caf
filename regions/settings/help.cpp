#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

#include "regions/settings/command_line.hpp"
#include "regions/settings/keys.hpp"
#include "regions/settings/subcommand.hpp"

namespace turnstone::regions {
namespace {

constexpr std::size_t column = 28, width = 95;

constexpr std::pair<KeyGroup, std::string_view> groups[] = {{KeyGroup::region, "Region"},
                                                            {KeyGroup::doors, "Addresses to listen on"},
                                                            {KeyGroup::safety, "Safety"},
                                                            {KeyGroup::limits, "Limits"},
                                                            {KeyGroup::logging, "Log (on stderr)"}};

// An option, and from `column` on what it does; broken between words at `width`.
std::string option_line(std::string_view option, std::string_view help) {
  std::string out = fmt::format("  {:<{}}", option, column - 2);
  std::size_t at = out.size() > column ? width : column;
  while (!help.empty()) {
    const std::string_view word = help.substr(0, help.find(' '));
    help.remove_prefix(std::min(help.size(), word.size() + 1));
    if (at + 1 + word.size() > width) {
      out += fmt::format("\n{:{}}", "", column);
      at = column;
    } else if (at > column) {
      out += ' ';
      ++at;
    }
    out += word;
    at += word.size();
  }
  return out + '\n';
}

// The default as a person would type it; nothing for "no" and for what has none.
std::string default_of(const Key& key) {
  std::string value = key.show(Settings{});
  std::erase(value, '"');
  return value.empty() || value == "false" || key.name == "pull" ? "" : fmt::format(" [{}]", value);
}

std::string options_of(KeyGroup group) {
  std::string out;
  for (const Key& key : keys()) {
    if (key.group != group) continue;
    const std::string option =
        key.placeholder.empty() ? flag_of(key) : fmt::format("{} {}", flag_of(key), key.placeholder);
    out += option_line(option, fmt::format("{}{}", key.help, default_of(key)));
  }
  return out;
}

}  // namespace

std::string_view version() { return TURNSTONE_VERSION; }

std::string version_text() { return fmt::format("turnstone {}\n", version()); }

std::string help_text(std::span<const Subcommand* const> subcommands) {
  std::string out =
      R"(Turnstone: a data server with one leader in each region. Every leader takes writes, also
while the others cannot be reached; afterwards all show the same data, and conflicts
stay on record. Redis clients work with it as they are.

Usage: turnstone serve --region NAME --data DIR [options]
       turnstone COMMAND --help
       turnstone --version

Commands:
  serve      run the leader of one region
)";
  for (const Subcommand* each : subcommands) out += fmt::format("  {:<10} {}\n", each->name, each->summary);
  out += "\nTry it with three regions on this machine: examples/quickstart.sh\n";
  return out;
}

std::string help_text(const Subcommand& subcommand) {
  std::string out;
  for (std::string_view rest = subcommand.usage; !rest.empty();) {
    const std::string_view form = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), form.size() + 1));
    out += fmt::format("{:<6} turnstone {} {}\n", out.empty() ? "Usage:" : "", subcommand.name, form);
  }
  out += fmt::format("\n{}\n\nOptions:\n", subcommand.text);
  for (const Flag& flag : subcommand.flags) {
    const std::string_view space = flag.placeholder.empty() ? "" : " ";
    out += option_line(fmt::format("{}{}{}", flag.name, space, flag.placeholder), flag.help);
  }
  out += option_line("--help", "show this text");
  if (!subcommand.epilogue.empty()) out += fmt::format("\n{}\n", subcommand.epilogue);
  return out;
}

std::string serve_help_text() {
  std::string out = R"(Usage: turnstone serve --region NAME --data DIR [options]

Runs the leader of one region: takes the writes of Redis clients, keeps them in DIR, and
exchanges them with the leaders of the other regions. Stops cleanly on SIGTERM and SIGINT;
SIGHUP makes it read its keys and those of its peers again.

)";
  for (const auto& [group, title] : groups) out += fmt::format("{}:\n{}\n", title, options_of(group));
  out += "Other:\n";
  out += option_line("--config FILE", "read settings from a TOML file");
  out += option_line("--check", "check the settings, print them as TOML, and exit");
  out += option_line("--help", "show this text");
  out += R"(
Every setting can also stand in the file (value_bytes_max = "4MiB") and in the environment
(TURNSTONE_VALUE_BYTES_MAX=4MiB, TURNSTONE_CONFIG=FILE). A flag wins over the environment,
the environment over the file. In the file a peer is a [[peer]] table with name, gossip,
pull and keys; TURNSTONE_PEER lists peers with spaces between them. A source that names peers
replaces those of the sources below it. --FLAG=false takes a switch back.

Examples:
  A leader on its own:
    turnstone serve --region paris --data ./paris

  One of three on one machine:
    turnstone serve --region paris --data ./paris --resp 127.0.0.1:7001 \
      --gossip 127.0.0.1:7101 --peer tokyo=127.0.0.1:7111 --peer dallas=127.0.0.1:7121

  What would it run with?
    turnstone serve --config paris.toml --check

Exit status:
  0 stopped as asked; 64 the command line cannot be understood; 69 a port is taken;
  74 a read or write of the data directory failed; 75 another leader holds the data
  directory; 78 a setting is missing, unknown or out of range
)";
  return out;
}

}  // namespace turnstone::regions
