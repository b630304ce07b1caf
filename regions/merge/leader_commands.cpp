#include "regions/merge/leader_commands.hpp"

#include <fmt/format.h>

#include <cstdio>

#include "crdt/merge/rule.hpp"
#include "regions/client/question.hpp"
#include "regions/merge/source_file.hpp"
#include "regions/merge/subcommand.hpp"
#include "regions/settings/columns.hpp"
#include "regions/settings/exit_code.hpp"

namespace turnstone::merging {
namespace {

using client::Row;
using regions::Arguments;
namespace exit_code = regions::exit_code;

// What stands behind the verb; complains when it is not one word, or no leader is named.
std::optional<std::string> the_word(const Arguments& arguments, std::string_view what) {
  if (arguments.words().size() != 2) {
    refuse_usage(merge_command, fmt::format("{} takes {}", arguments.words().front(), what));
  } else if (!arguments.has("--at")) {
    refuse_usage(merge_command, "--at HOST:PORT is missing: the leader to ask");
  } else {
    return arguments.words()[1];
  }
  return std::nullopt;
}

std::string state_of(const Row& row) {
  const std::string& problem = row.at("problem");
  return problem.empty() ? "ready" : "cannot be used: " + problem;
}

}  // namespace

int run_load(const Arguments& arguments) {
  const auto path = the_word(arguments, "a file with a script");
  if (!path) return exit_code::usage;
  const auto source = read_file(*path);
  if (!source) {
    complain(merge_command, fmt::format("{} cannot be read", *path));
    return exit_code::io;
  }
  const std::string name = arguments.has("--name") ? arguments.text("--name") : function_name(*path);
  const client::Answer answer = client::ask(merge_command, arguments, {"TS.MERGE", "LOAD", name, *source});
  if (answer.status == exit_code::ok) fmt::print("loaded {}\n", answer.reply.text);
  return answer.status;
}

int run_list(const Arguments& arguments) {
  if (arguments.words().size() != 1) return refuse_usage(merge_command, "list takes no name");
  if (!arguments.has("--at"))
    return refuse_usage(merge_command, "--at HOST:PORT is missing: the leader to ask");
  const client::Answer answer = client::ask(merge_command, arguments, {"TS.MERGE", "LIST"});
  if (answer.status != exit_code::ok) return answer.status;
  const std::vector<Row> rows = client::read_rows(answer.reply);
  if (arguments.has("--json")) {
    client::print_json(rows);
    return exit_code::ok;
  }
  std::vector<std::vector<std::string>> lines{{"FUNCTION", "LOADED IN", "AT (UTC)", "POLICIES", "HERE"}};
  for (const Row& row : rows) {
    const std::string& patterns = row.at("patterns");
    lines.push_back({row.at("rule"), row.at("region"), client::show_time(row.at("at_ms")),
                     patterns.empty() ? "none" : patterns, state_of(row)});
  }
  fmt::print("{}", regions::columns(lines));
  return exit_code::ok;
}

int run_show(const Arguments& arguments) {
  const auto name = the_word(arguments, "a function's name, such as cart or cart@2");
  if (!name) return exit_code::usage;
  const client::Answer answer = client::ask(merge_command, arguments, {"TS.MERGE", "SHOW", *name});
  if (answer.status != exit_code::ok) return answer.status;
  const Row row = client::read_row(answer.reply);
  if (arguments.has("--json")) {
    client::print_json({row});
    return exit_code::ok;
  }
  // What it prints is the script as it was, and can be loaded again.
  fmt::print("-- {}, loaded in {} at {} (UTC); {}\n{}", row.at("rule"), row.at("region"),
             client::show_time(row.at("at_ms")), state_of(row), row.at("source"));
  return exit_code::ok;
}

int run_retire(const Arguments& arguments) {
  const auto name = the_word(arguments, "a function's name, such as cart@1");
  if (!name) return exit_code::usage;
  const client::Answer answer = client::ask(merge_command, arguments, {"TS.MERGE", "RETIRE", *name});
  if (answer.status == exit_code::ok) fmt::print("retired {}\n", answer.reply.text);
  return answer.status;
}

}  // namespace turnstone::merging
