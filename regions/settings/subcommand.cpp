#include "regions/settings/subcommand.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "regions/settings/exit_code.hpp"

namespace turnstone::regions {

std::string Arguments::text(std::string_view flag) const {
  const auto found = values_.find(flag);
  return found == values_.end() || found->second.empty() ? std::string() : found->second.front();
}

std::vector<std::string> Arguments::all(std::string_view flag) const {
  const auto found = values_.find(flag);
  return found == values_.end() ? std::vector<std::string>() : found->second;
}

void complain(const Subcommand& subcommand, std::string_view sentence) {
  fmt::print(stderr, "turnstone {}: {}\n", subcommand.name, sentence);
}

int refuse_usage(const Subcommand& subcommand, std::string_view sentence) {
  complain(subcommand, sentence);
  fmt::print(stderr, "Try: turnstone {} --help\n", subcommand.name);
  return exit_code::usage;
}

int run(const Subcommand& subcommand, const std::vector<std::string>& arguments) {
  const auto asks_help = [](const std::string& word) { return word == "--help" || word == "-h"; };
  if (std::ranges::any_of(arguments, asks_help)) {
    fmt::print("{}", help_text(subcommand));
    return exit_code::ok;
  }
  const auto read = read_arguments(subcommand, arguments);
  if (!read) return refuse_usage(subcommand, read.error().message);
  return subcommand.run(*read);
}

}  // namespace turnstone::regions
