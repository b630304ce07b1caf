#include "regions/policy/subcommand.hpp"

#include <fmt/format.h>

#include <string>
#include <vector>

#include "crdt/merge/rule.hpp"
#include "regions/client/question.hpp"
#include "regions/settings/columns.hpp"
#include "regions/settings/exit_code.hpp"

namespace turnstone::policy {
namespace {

using client::Row;
using regions::Arguments;
using regions::Flag;
namespace exit_code = regions::exit_code;

std::string where(const Row& row) {
  const std::string& problem = row.at("problem");
  return problem.empty() ? "in force" : "shows lww: " + problem;
}

int list(const Arguments& arguments) {
  const client::Answer answer = client::ask(policy_command, arguments, {"TS.POLICY", "LIST"});
  if (answer.status != exit_code::ok) return answer.status;
  const std::vector<Row> rows = client::read_rows(answer.reply);
  if (arguments.has("--json")) {
    client::print_json(rows);
    return exit_code::ok;
  }
  std::vector<std::vector<std::string>> lines{{"PATTERN", "RULE", "SET IN", "AT (UTC)", "HERE"}};
  for (const Row& row : rows) {
    lines.push_back({row.at("pattern"), std::string(crdt::without_hash(row.at("rule"))), row.at("region"),
                     client::show_time(row.at("at_ms")), where(row)});
  }
  fmt::print("{}", regions::columns(lines));
  return exit_code::ok;
}

int which(const Arguments& arguments, const std::string& key) {
  const client::Answer answer = client::ask(policy_command, arguments, {"TS.POLICY", "WHICH", key});
  if (answer.status != exit_code::ok) return answer.status;
  const Row row = client::read_row(answer.reply);
  if (arguments.has("--json")) {
    client::print_json({row});
    return exit_code::ok;
  }
  const std::string rule(crdt::without_hash(row.at("rule")));
  const std::string& pattern = row.at("pattern");
  if (pattern.empty()) {
    fmt::print("{}: no pattern matches {}\n", rule, key);
  } else {
    fmt::print("{}: by the policy of {}\n", rule, pattern);
  }
  if (!row.at("problem").empty()) fmt::print("It shows lww here: {}\n", row.at("problem"));
  return exit_code::ok;
}

int set(const Arguments& arguments, const std::string& pattern) {
  if (!arguments.has("--merge")) return refuse_usage(policy_command, "set takes --merge RULE");
  const client::Answer answer =
      client::ask(policy_command, arguments, {"TS.POLICY", "SET", pattern, arguments.text("--merge")});
  if (answer.status == exit_code::ok)
    fmt::print("keys like {}: {}\n", pattern, crdt::without_hash(answer.reply.text));
  return answer.status;
}

int unset(const Arguments& arguments, const std::string& pattern) {
  const client::Answer answer = client::ask(policy_command, arguments, {"TS.POLICY", "UNSET", pattern});
  if (answer.status != exit_code::ok) return answer.status;
  if (answer.reply.number == 0) {
    complain(policy_command, fmt::format("there is no policy of {}", pattern));
    return client::refused;
  }
  fmt::print("keys like {}: no policy of their own any more\n", pattern);
  return exit_code::ok;
}

int run_policy(const Arguments& arguments) {
  const std::vector<std::string>& words = arguments.words();
  const std::string verb = words.empty() ? "" : words[0];
  if (verb != "set" && verb != "unset" && verb != "list" && verb != "which")
    return refuse_usage(policy_command, "set, unset, list or which?");
  if (words.size() != (verb == "list" ? 1 : 2)) {
    return refuse_usage(policy_command, verb == "list"    ? "list takes no pattern"
                                        : verb == "which" ? "which takes one key"
                                                          : verb + " takes one pattern");
  }
  if (!arguments.has("--at"))
    return refuse_usage(policy_command, "--at HOST:PORT is missing: the leader to ask");
  if (arguments.has("--merge") && verb != "set") return refuse_usage(policy_command, "--merge goes with set");
  if (verb == "list") return list(arguments);
  if (verb == "which") return which(arguments, words[1]);
  return verb == "set" ? set(arguments, words[1]) : unset(arguments, words[1]);
}

constexpr Flag flags[] = {
    {"--merge", "RULE", "with set: how concurrent values become one"},
    {"--at", "HOST:PORT", "the address for Redis clients of any leader"},
    {"--password-file", "FILE", "holds the password of the leader"},
    {"--json", "", "with list and which: a line of JSON for each"},
};

}  // namespace

constexpr regions::Subcommand policy_command{
    "policy",
    "say how concurrent values of a key become one",
    "set PATTERN --merge RULE --at HOST:PORT\n"
    "unset PATTERN --at HOST:PORT\n"
    "list --at HOST:PORT [--json]\n"
    "which KEY --at HOST:PORT [--json]",
    "A policy holds for the keys that match its pattern, as in KEYS; of several the longest pattern\n"
    "counts. Where none matches, the latest write shows (lww). A change replicates like a write: each\n"
    "leader follows it from the moment it has it, without a restart, and what is stored stays as it is.\n"
    "\n"
    "RULE is one of lww, siblings, max, min, longest, union, json-merge, json-merge:MEMBER and sum, a\n"
    "function that was loaded with 'turnstone merge load' (cart for its newest version, cart@2), or\n"
    "native:NAME@VERSION of a plug-in. docs/merge.md says what each does.",
    flags,
    "Examples:\n"
    "    turnstone policy set 'cart:*' --merge union --at 127.0.0.1:7001\n"
    "    turnstone policy set 'profile:*' --merge json-merge --at 127.0.0.1:7001\n"
    "    turnstone policy which cart:17 --at 127.0.0.1:7001\n"
    "\n"
    "Exit status:\n"
    "  0 done; 1 the leader refuses it, or there is no such policy; 64 the command line cannot be\n"
    "  understood; 74 the leader cannot be asked",
    2,
    run_policy};

}  // namespace turnstone::policy
