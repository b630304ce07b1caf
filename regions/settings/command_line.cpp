// The only file that sees CLI11: its header alone takes seconds to compile.
#include "regions/settings/command_line.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <map>

#include "regions/settings/keys.hpp"

namespace turnstone::regions {
namespace {

using Options = std::map<std::string_view, CLI::Option*>;

// One option for each key. CLI11 keeps the values as text.
Options add_options(CLI::App& serve) {
  Options options;
  for (const Key& key : keys()) {
    const bool flag = key.type == KeyType::flag;
    options[key.name] = flag ? serve.add_flag(flag_of(key)) : serve.add_option(flag_of(key));
  }
  options["config"] = serve.add_option("--config");
  // Repetitions are judged in given_by(), in words that a person understands.
  for (auto& [name, option] : options) option->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  return options;
}

Result<std::vector<Given>> given_by(const Options& options) {
  std::vector<Given> given;
  for (const auto& [name, option] : options) {
    if (option->results().size() > 1 && name != "peer")
      return fail(Errc::config, fmt::format("{} is given twice", option->get_name()));
    for (const std::string& text : option->results())
      given.push_back({std::string(name), text, option->get_name()});
  }
  return given;
}

std::string unknown_argument(const std::string& argument) {
  if (!argument.starts_with("--")) return fmt::format("unknown argument \"{}\"", argument);
  std::string name = argument.substr(2, argument.find('=') - 2);
  std::ranges::replace(name, '-', '_');
  const Key* meant = nearest_key(name);
  if (meant != nullptr && meant->name == name) return fmt::format("{} must come after \"serve\"", argument);
  return fmt::format("unknown option {}{}", argument,
                     meant == nullptr ? "" : fmt::format("; did you mean {}?", flag_of(*meant)));
}

}  // namespace

Result<CommandLine> read_command_line(const std::vector<std::string>& arguments) {
  CommandLine line;
  CLI::App app;
  app.allow_extras();
  app.set_help_flag();
  const CLI::Option* help = app.add_flag("-h,--help");
  const CLI::Option* print_version = app.add_flag("--version");
  CLI::App& serve = *app.add_subcommand("serve");
  serve.set_help_flag();
  const CLI::Option* serve_help = serve.add_flag("-h,--help");
  serve.add_flag("--check", line.check);
  const auto options = add_options(serve);

  try {
    // CLI11 takes the arguments off the end.
    std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
    app.parse(std::move(reversed));
  } catch (const CLI::ArgumentMismatch& error) {
    // Too many is impossible here; the text begins with the option's name.
    const std::string text = error.what();
    return fail(Errc::config, fmt::format("{} needs a value", text.substr(0, text.find(':'))));
  } catch (const CLI::ParseError& error) {
    return fail(Errc::config, error.what());
  }

  if (serve_help->count() != 0 || (help->count() != 0 && serve.parsed()))
    line.wants = CommandLine::Wants::serve_help;
  else if (help->count() != 0)
    line.wants = CommandLine::Wants::help;
  else if (print_version->count() != 0)
    line.wants = CommandLine::Wants::version;
  if (line.wants != CommandLine::Wants::serve) return line;

  if (const auto extra = app.remaining(true); !extra.empty())
    return fail(Errc::config, unknown_argument(extra[0]));
  if (!serve.parsed()) return fail(Errc::config, "a command is missing, such as serve");
  auto given = given_by(options);
  if (!given) return tl::make_unexpected(given.error());
  line.given = *std::move(given);
  return line;
}

}  // namespace turnstone::regions
