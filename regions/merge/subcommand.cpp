#include "regions/merge/subcommand.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "regions/merge/check_command.hpp"
#include "regions/merge/leader_commands.hpp"
#include "regions/merge/try_command.hpp"

namespace turnstone::merging {
namespace {

using regions::Arguments;
using regions::Flag;

struct Verb {
  std::string_view name;
  int (*run)(const Arguments& arguments);
};

constexpr Verb verbs[] = {{"check", run_check}, {"try", run_try},   {"load", run_load},
                          {"list", run_list},   {"show", run_show}, {"retire", run_retire}};

int run_merge(const Arguments& arguments) {
  const std::string_view word = arguments.words().empty() ? std::string_view() : arguments.words().front();
  const auto* const verb = std::ranges::find(verbs, word, &Verb::name);
  if (verb != std::end(verbs)) return verb->run(arguments);
  std::string names;
  for (const Verb& each : verbs) names += fmt::format("{}{}", names.empty() ? "" : ", ", each.name);
  return refuse_usage(merge_command, word.empty() ? fmt::format("it takes one of: {}", names)
                                                  : fmt::format("it cannot {}; it can: {}", word, names));
}

constexpr Flag flags[] = {
    {"--native", "LIBRARY", "check: a function of this shared library"},
    {"--values", "KIND", "check: text, numbers, json or msgpack [what the function takes]"},
    {"--samples", "FILE",
     "check: values to try first, and to make further ones like; a JSON array of "
     "siblings on each line"},
    {"--seed", "N", "check: other generated values [1]"},
    {"--key", "PATTERN", "try: only conflicts of these keys"},
    {"--count", "N", "try: so many conflicts, the newest [1000]"},
    {"--name", "NAME", "load: what the function is called [the file's name without .lua]"},
    {"--at", "HOST:PORT", "not for check: the address for Redis clients of any leader"},
    {"--password-file", "FILE", "holds the password of the leader"},
    {"--json", "",
     "check, list, show: print JSON, a line for each finding (and one for the result) or function"},
};

}  // namespace

constexpr regions::Subcommand merge_command{
    "merge",
    "check merge functions, and load them into all regions",
    "check FILE.lua|BUILTIN [--values KIND] [--samples FILE] [--seed N] [--json]\n"
    "check --native LIBRARY NAME [--values KIND] [--samples FILE] [--seed N] [--json]\n"
    "try FILE.lua|BUILTIN --at HOST:PORT [--key PATTERN] [--count N]\n"
    "load FILE.lua --at HOST:PORT [--name NAME]\n"
    "list --at HOST:PORT [--json]\n"
    "show NAME --at HOST:PORT [--json]\n"
    "retire NAME --at HOST:PORT",
    "Merge functions decide what is shown of values that were written without knowing of each\n"
    "other. check tries one on many siblings, without a leader, and shows the smallest ones for\n"
    "which it breaks a law. A function that breaks one cannot make regions differ, but shows\n"
    "values that nobody meant.\n"
    "\n"
    "try merges the conflicts that a leader has on record once more, and shows those for which the\n"
    "function gives another value than what is in force. It changes nothing.\n"
    "\n"
    "load gives a script to all regions, as a new version of its name unless it is there already.\n"
    "It counts for the keys whose policy names it (turnstone policy). show prints the script, retire\n"
    "removes a version that no policy names. NAME is cart for its newest version, or cart@2.\n"
    "docs/merge.md explains the functions and the laws.",
    flags,
    "Examples:\n"
    "  turnstone merge check union\n"
    "  turnstone merge check cart.lua --samples carts.jsonl\n"
    "    where a line of carts.jsonl is  [{\"milk\":1},{\"milk\":2,\"eggs\":6}]\n"
    "  turnstone merge check --native ./highest_bid.so highest_bid --values text\n"
    "  turnstone merge try cart.lua --key 'cart:*' --at 127.0.0.1:7001\n"
    "  turnstone merge load cart.lua --at 127.0.0.1:7001\n"
    "\n"
    "Exit status:\n"
    "  0 done, or no finding, though there may be warnings; 1 findings, other values (try), or the\n"
    "  leader refuses it; 64 the command line cannot be understood; 65 the function does not compile,\n"
    "  or cannot be loaded, or the samples are no JSON; 74 a file cannot be read, or the leader not\n"
    "  be asked",
    2,
    run_merge};

}  // namespace turnstone::merging
