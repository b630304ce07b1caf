#include "regions/completion.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "regions/settings/keys.hpp"

namespace turnstone::regions {
namespace {

struct Offer {
  std::string command;
  std::string summary;
  std::vector<std::string> verbs;
  std::vector<std::pair<std::string, std::string>> flags;  // with their help
};

bool is_verb(std::string_view word) {
  return !word.empty() && std::all_of(word.begin(), word.end(), [](char c) { return c >= 'a' && c <= 'z'; });
}

Offer offer_of(const Subcommand& subcommand) {
  Offer offer{std::string(subcommand.name), std::string(subcommand.summary), {}, {}};
  for (std::string_view rest = subcommand.usage; !rest.empty();) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    const std::string verb(line.substr(0, line.find(' ')));
    if (is_verb(verb) && std::ranges::find(offer.verbs, verb) == offer.verbs.end())
      offer.verbs.push_back(verb);
  }
  for (const Flag& flag : subcommand.flags) offer.flags.emplace_back(flag.name, flag.help);
  offer.flags.emplace_back("--help", "show its help");
  return offer;
}

Offer offer_of_serve() {
  Offer offer{"serve", "run the leader of one region", {}, {{"--config", "read settings from this file"}}};
  for (const Key& key : keys()) offer.flags.emplace_back(flag_of(key), key.help);
  offer.flags.emplace_back("--check", "say what would be used, and stop");
  offer.flags.emplace_back("--help", "show its help");
  return offer;
}

std::vector<std::string> words_of(const Offer& offer) {
  std::vector<std::string> words = offer.verbs;
  for (const auto& [flag, help] : offer.flags) words.push_back(flag);
  return words;
}

std::string bash(const std::vector<Offer>& offers) {
  std::string commands;
  std::string cases;
  for (const Offer& offer : offers) {
    commands += (commands.empty() ? "" : " ") + offer.command;
    cases += fmt::format("    {}) words=\"{}\" ;;\n", offer.command, fmt::join(words_of(offer), " "));
  }
  return fmt::format(R"(_turnstone() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} words="{} --help --version"
  ((COMP_CWORD == 1)) || case ${{COMP_WORDS[1]}} in
{}    *) words="" ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}}
complete -o default -F _turnstone turnstone
)",
                     commands, cases);
}

std::string quoted(const std::string& text) {
  std::string out;
  for (const char c : text) out += c == '\'' ? std::string("\\'") : std::string(1, c);
  return "'" + out + "'";
}

std::string fish(const std::vector<Offer>& offers) {
  std::string out;
  for (const Offer& offer : offers) {
    out += fmt::format("complete -c turnstone -n __fish_use_subcommand -f -a {} -d {}\n", offer.command,
                       quoted(offer.summary));
    const std::string here =
        fmt::format("complete -c turnstone -n '__fish_seen_subcommand_from {}'", offer.command);
    for (const std::string& verb : offer.verbs) out += fmt::format("{} -f -a {}\n", here, verb);
    for (const auto& [flag, help] : offer.flags)
      out += fmt::format("{} -l {} -d {}\n", here, flag.substr(2), quoted(help));
  }
  return out;
}

}  // namespace

Result<std::string> completion_script(const std::string& shell,
                                      std::span<const Subcommand* const> subcommands) {
  std::vector<Offer> offers{offer_of_serve()};
  for (const Subcommand* each : subcommands) offers.push_back(offer_of(*each));
  if (shell == "bash") return bash(offers);
  if (shell == "zsh")
    return "autoload -U +X compinit bashcompinit && compinit && bashcompinit\n" + bash(offers);
  if (shell == "fish") return fish(offers);
  return fail(Errc::config, fmt::format("completion takes bash, zsh or fish, not \"{}\"", shell));
}

}  // namespace turnstone::regions
