#include "regions/client/question.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <cstdlib>

#include "regions/settings/endpoint.hpp"
#include "regions/settings/exit_code.hpp"
#include "regions/settings/load.hpp"
#include "regions/settings/log_line.hpp"

namespace turnstone::client {

namespace exit_code = regions::exit_code;

Result<RespClient> connect(const regions::Arguments& arguments) {
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

Row read_row(const Reply& map) {
  Row row;
  for (std::size_t i = 0; i + 1 < map.items.size(); i += 2) {
    const Reply& value = map.items[i + 1];
    row[map.items[i].text] = value.type == Reply::Type::number ? std::to_string(value.number) : value.text;
  }
  return row;
}

std::vector<Row> read_rows(const Reply& list) {
  std::vector<Row> rows;
  for (const Reply& item : list.items) rows.push_back(read_row(item));
  return rows;
}

Answer ask(const regions::Subcommand& subcommand, const regions::Arguments& arguments,
           const std::vector<std::string>& words) {
  auto leader = connect(arguments);
  if (!leader) {
    complain(subcommand, leader.error().message);
    return {leader.error().code == Errc::config ? exit_code::usage : exit_code::io, {}};
  }
  auto reply = leader->call(words);
  if (!reply) {
    complain(subcommand, reply.error().message);
    return {exit_code::io, {}};
  }
  if (reply->type == Reply::Type::error) {
    complain(subcommand, reply->text.starts_with("ERR ") ? reply->text.substr(4) : reply->text);
    return {refused, {}};
  }
  return {exit_code::ok, *std::move(reply)};
}

void print_json(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    std::vector<regions::log::Field> fields;
    for (const auto& [name, value] : row) fields.emplace_back(name, value);
    fmt::print("{}\n", regions::log::json_object(fields));
  }
}

std::string show_time(const std::string& ms) {
  const auto seconds = static_cast<std::time_t>(std::strtoull(ms.c_str(), nullptr, 10) / 1000);
  return fmt::format("{:%Y-%m-%d %H:%M:%S}", fmt::gmtime(seconds));
}

}  // namespace turnstone::client
