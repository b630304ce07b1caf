#include "regions/region/subcommand.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "regions/client/resp_client.hpp"
#include "regions/settings/columns.hpp"
#include "regions/settings/endpoint.hpp"
#include "regions/settings/exit_code.hpp"
#include "regions/settings/load.hpp"
#include "regions/settings/log_line.hpp"

namespace turnstone::region {
namespace {

using client::Reply;
using client::RespClient;
using regions::Arguments;
using regions::Flag;
namespace exit_code = regions::exit_code;

// Beside those of exit_code.hpp.
constexpr int refused = 1;

Result<RespClient> connect(const Arguments& arguments) {
  const auto at = regions::parse_connect(arguments.text("--at"));
  if (!at) return tl::make_unexpected(at.error());
  std::string password;
  if (arguments.has("--password-file")) {
    auto read = regions::read_password(arguments.text("--password-file"));
    if (!read) return tl::make_unexpected(read.error());
    password = *std::move(read);
  }
  return RespClient::connect(at->host, at->port, password);
}

// One region as the leader describes it, by the names that TS.REGION LIST gives.
using Row = std::map<std::string, std::string>;

std::vector<Row> read_rows(const Reply& list) {
  std::vector<Row> rows;
  for (const Reply& item : list.items) {
    Row& row = rows.emplace_back();
    for (std::size_t i = 0; i + 1 < item.items.size(); i += 2) {
      const Reply& value = item.items[i + 1];
      row[item.items[i].text] = value.type == Reply::Type::number ? std::to_string(value.number) : value.text;
    }
  }
  return rows;
}

std::string heard(const Row& row) {
  const std::string& ms = row.at("last_heard_ms_ago");
  if (row.at("link") == "self") return "-";
  return ms == "-1" ? "never" : ms + " ms ago";
}

std::string state(const Row& row) {
  const std::string& waits_for = row.at("waits_for");
  return row.at("state") + (waits_for.empty() ? "" : ", waits for " + waits_for);
}

void print(const std::vector<Row>& rows, bool json) {
  if (json) {
    for (const Row& row : rows) {
      std::vector<regions::log::Field> fields;
      for (const auto& [name, value] : row) fields.emplace_back(name, value);
      fmt::print("{}\n", regions::log::json_object(fields));
    }
    return;
  }
  std::vector<std::vector<std::string>> lines{{"REGION", "STATE", "LINK", "HEARD", "BEHIND", "ADDRESS"}};
  for (const Row& row : rows) {
    lines.push_back({row.at("region"), state(row), row.at("link"), heard(row), row.at("lag_deltas_behind_us"),
                     row.at("address").empty() ? "-" : row.at("address")});
  }
  fmt::print("{}", regions::columns(lines));
}

int ask(const Arguments& arguments, const std::vector<std::string>& words) {
  auto leader = connect(arguments);
  if (!leader) {
    complain(region_command, leader.error().message);
    return leader.error().code == Errc::config ? exit_code::usage : exit_code::io;
  }
  const auto reply = leader->call(words);
  if (!reply) {
    complain(region_command, reply.error().message);
    return exit_code::io;
  }
  if (reply->type == Reply::Type::error) {
    complain(region_command, reply->text.starts_with("ERR ") ? reply->text.substr(4) : reply->text);
    return refused;
  }
  if (reply->type == Reply::Type::list) print(read_rows(*reply), arguments.has("--json"));
  return exit_code::ok;
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
