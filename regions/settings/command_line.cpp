// The only file that sees CLI11: its header alone takes seconds to compile.
#include "regions/settings/command_line.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <map>

#include "regions/settings/keys.hpp"
#include "regions/settings/subcommand.hpp"

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
    const Key* key = find_key(name);
    if (option->results().size() > 1 && (key == nullptr || !is_list(*key)))
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

// CLI11's complaints in our words. What throws is parse() alone.
Result<void> parse(CLI::App& app, const std::vector<std::string>& arguments) {
  try {
    // CLI11 takes the arguments off the end.
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::ArgumentMismatch& error) {
    // Too many is impossible here; the text begins with the option's name.
    const std::string text = error.what();
    return fail(Errc::config, fmt::format("{} needs a value", text.substr(0, text.find(':'))));
  } catch (const CLI::ParseError& error) {
    return fail(Errc::config, error.what());
  }
  return {};
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

  if (auto parsed = parse(app, arguments); !parsed) return tl::make_unexpected(parsed.error());
  if (serve_help->count() != 0 || (help->count() != 0 && serve.parsed()))
    line.wants = CommandLine::Wants::serve_help;
  else if (help->count() != 0)
    line.wants = CommandLine::Wants::help;
  else if (print_version->count() != 0)
    line.wants = CommandLine::Wants::version;
  if (line.wants != CommandLine::Wants::serve) return line;

  if (const auto extra = app.remaining(true); !extra.empty()) {
    if (!serve.parsed() && !extra[0].starts_with("-"))
      return fail(Errc::config, fmt::format("unknown command \"{}\"", extra[0]));
    return fail(Errc::config, unknown_argument(extra[0]));
  }
  if (!serve.parsed()) return fail(Errc::config, "a command is missing, such as serve");
  auto given = given_by(options);
  if (!given) return tl::make_unexpected(given.error());
  line.given = *std::move(given);
  return line;
}

Result<Arguments> read_arguments(const Subcommand& subcommand, const std::vector<std::string>& arguments) {
  CLI::App app;
  app.allow_extras();
  app.set_help_flag();
  std::map<std::string, std::vector<std::string>, std::less<>> values;
  std::vector<std::pair<const Flag*, CLI::Option*>> options;
  for (const Flag& flag : subcommand.flags) {
    const std::string name(flag.name);
    CLI::Option* option = flag.placeholder.empty() ? app.add_flag(name) : app.add_option(name);
    option->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    options.emplace_back(&flag, option);
  }
  if (auto parsed = parse(app, arguments); !parsed) return tl::make_unexpected(parsed.error());
  for (const auto& [flag, option] : options) {
    if (option->results().size() > 1 && !flag->repeatable)
      return fail(Errc::config, fmt::format("{} is given twice", flag->name));
    const bool given = option->count() != 0 && (!flag->placeholder.empty() || option->as<bool>());
    if (given) values[std::string(flag->name)] = option->results();
  }
  std::vector<std::string> words = app.remaining();
  for (const std::string& word : words)
    if (word.starts_with("-")) return fail(Errc::config, fmt::format("unknown option {}", word));
  if (words.size() > subcommand.words_max)
    return fail(Errc::config, fmt::format("unknown argument \"{}\"", words[subcommand.words_max]));
  return Arguments(std::move(values), std::move(words));
}

}  // namespace turnstone::regions
