#pragma once
// What the subcommands that ask a leader have in common: where it is, its answers as rows of names
// and values, and what is said when it refuses.
#include <map>
#include <string>
#include <vector>

#include "regions/client/resp_client.hpp"
#include "regions/settings/subcommand.hpp"

namespace turnstone::client {

// Exit status, beside those of regions/settings/exit_code.hpp.
inline constexpr int refused = 1;

// By the flags --at HOST:PORT and --password-file. Errors: config, io.
Result<RespClient> connect(const regions::Arguments& arguments);

// One map of a reply, by its names; numbers as text.
using Row = std::map<std::string, std::string>;
Row read_row(const Reply& map);
// A list of maps.
std::vector<Row> read_rows(const Reply& list);

struct Answer {
  int status = 0;  // to exit with: ok, refused, or why there is no answer; what is wrong has been said
  Reply reply;
};
// Connects, asks once, and complains when there is nothing to show.
Answer ask(const regions::Subcommand& subcommand, const regions::Arguments& arguments,
           const std::vector<std::string>& words);

// A line of JSON for each row.
void print_json(const std::vector<Row>& rows);
// "2026-11-22 03:15:30", UTC, of a number of milliseconds as text.
std::string show_time(const std::string& ms);

}  // namespace turnstone::client
