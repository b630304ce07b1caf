#include "regions/region/subcommand.hpp"

#include <fmt/format.h>

#include <string>
#include <vector>

#include "regions/client/question.hpp"
#include "regions/settings/columns.hpp"
#include "regions/settings/exit_code.hpp"

namespace turnstone::region {
namespace {

using client::Reply;
using client::Row;
using regions::Arguments;
using regions::Flag;
namespace exit_code = regions::exit_code;

std::string heard(const Row& row) {
  const std::string& ms = row.at("last_heard_ms_ago");
  if (row.at("link") == "self") return "-";
  return ms == "-1" ? "never" : ms + " ms ago";
}

std::string state(const Row& row) {
  const std::string& waits_for = row.at("waits_for");
  return row.at("state") + (waits_for.empty() ? "" : ", waits for " + waits_for);
}

void print(const std::vector<Row>& rows) {
  std::vector<std::vector<std::string>> lines{{"REGION", "STATE", "LINK", "HEARD", "BEHIND", "ADDRESS"}};
  for (const Row& row : rows) {
    lines.push_back({row.at("region"), state(row), row.at("link"), heard(row), row.at("lag_deltas_behind_us"),
                     row.at("address").empty() ? "-" : row.at("address")});
  }
  fmt::print("{}", regions::columns(lines));
}

int ask(const Arguments& arguments, const std::vector<std::string>& words) {
  const client::Answer answer = client::ask(region_command, arguments, words);
  if (answer.reply.type != Reply::Type::list) return answer.status;
  const std::vector<Row> rows = client::read_rows(answer.reply);
  arguments.has("--json") ? client::print_json(rows) : print(rows);
  return answer.status;
}

int add(const Arguments& arguments, const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0)
    return refuse_usage(region_command,
                        fmt::format("\"{}\" is not NAME=HOST:PORT, such as oslo=127.0.0.1:7131", text));
  const std::string name = text.substr(0, equals);
  std::vector<std::string> words{"TS.REGION", "ADD", name, text.substr(equals + 1)};
  if (arguments.has("--key")) words.push_back(arguments.text("--key"));
  const int status = ask(arguments, words);
  if (status == exit_code::ok)
    fmt::print("region {} is a member. Start its leader with an empty data directory and --join.\n", name);
  return status;
}

int remove(const Arguments& arguments, const std::string& name) {
  std::vector<std::string> words{"TS.REGION", "REMOVE", name};
  if (arguments.has("--lost")) words.emplace_back("LOST");
  const int status = ask(arguments, words);
  if (status == exit_code::ok)
    fmt::print("region {} is being removed; 'turnstone region list' tells when it has left.\n", name);
  return status;
}

int run_region(const Arguments& arguments) {
  const std::vector<std::string>& words = arguments.words();
  const std::string verb = words.empty() ? "" : words[0];
  if (verb != "add" && verb != "remove" && verb != "list")
    return refuse_usage(region_command, "add, remove or list?");
  if (words.size() != (verb == "list" ? 1 : 2))
    return refuse_usage(region_command, verb == "list" ? "list takes no name" : verb + " takes one region");
  if (!arguments.has("--at"))
    return refuse_usage(region_command, "--at HOST:PORT is missing: the leader to ask");
  if (arguments.has("--key") && verb != "add") return refuse_usage(region_command, "--key goes with add");
  if (arguments.has("--lost") && verb != "remove")
    return refuse_usage(region_command, "--lost goes with remove");
  if (arguments.has("--json") && verb != "list") return refuse_usage(region_command, "--json goes with list");
  if (verb == "add") return add(arguments, words[1]);
  if (verb == "remove") return remove(arguments, words[1]);
  return ask(arguments, {"TS.REGION", "LIST"});
}

constexpr Flag flags[] = {
    {"--at", "HOST:PORT", "the address for Redis clients of any leader that stays"},
    {"--key", "PUBLICKEY", "with add: what the new region is known by, where links are encrypted"},
    {"--lost", "", "with remove: the region is gone, with what it wrote and no other region has"},
    {"--password-file", "FILE", "holds the password of the leader"},
    {"--json", "", "with list: a line of JSON for each region"},
};

}  // namespace

constexpr regions::Subcommand region_command{
    "region",
    "add and remove regions while all leaders run",
    "add NAME=HOST:PORT[,HOST:PULLPORT] --at HOST:PORT [--key PUBLICKEY]\n"
    "remove NAME --at HOST:PORT [--lost]\n"
    "list --at HOST:PORT [--json]",
    "Any leader can be asked; the others learn it from its log, also those that are away. The\n"
    "data of a removed region stays. Its name is not used again.",
    flags,
    "Examples:\n"
    "    turnstone region add oslo=10.0.4.1:7101 --at 127.0.0.1:7001\n"
    "    turnstone serve --region oslo --data DIR --join --gossip 10.0.4.1:7101 --peer paris=10.0.1.1:7101\n"
    "    turnstone region remove dallas --at 127.0.0.1:7001\n"
    "\n"
    "Exit status:\n"
    "  0 done; 1 the leader refuses it; 64 the command line cannot be understood; 74 the leader\n"
    "  cannot be asked",
    2,
    run_region};

}  // namespace turnstone::region
