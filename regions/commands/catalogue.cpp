// COMMAND and HELP: what the table tells clients.
#include <algorithm>
#include <cctype>
#include <string>
#include <vector>

#include "regions/commands/command_table.hpp"
#include "regions/commands/handlers.hpp"
#include "regions/commands/help.hpp"

namespace turnstone::commands {
namespace {

using Words = std::vector<std::string>;

Words flag_words(const Command& command) {
  Words words;
  if (command.has(Flag::write)) words.emplace_back("write");
  if (command.has(Flag::readonly)) words.emplace_back("readonly");
  if (command.has(Flag::admin)) words.emplace_back("admin");
  if (command.has(Flag::fast)) words.emplace_back("fast");
  if (command.has(Flag::no_auth)) words.emplace_back("no_auth");
  return words;
}

Words categories(const Command& command) {
  Words words;
  if (command.has(Flag::write)) words.emplace_back("@write");
  if (command.has(Flag::readonly)) words.emplace_back("@read");
  if (command.has(Flag::admin)) words.emplace_back("@admin");
  words.push_back("@" + std::string(command.group == "generic" ? "keyspace" : command.group));
  words.emplace_back(command.has(Flag::fast) ? "@fast" : "@slow");
  return words;
}

void reply_words(Call& call, const Words& words) {
  call.reply.set(words.size());
  for (const std::string& word : words) call.reply.simple(word);
}

// The array of ten that clients know from COMMAND INFO.
void reply_info(Call& call, const Command& command) {
  call.reply.array(10);
  call.reply.bulk(command.name);
  call.reply.integer(command.arity);
  reply_words(call, flag_words(command));
  call.reply.integer(command.keys.first);
  call.reply.integer(command.keys.last);
  call.reply.integer(command.keys.step);
  reply_words(call, categories(command));
  call.reply.set(0);  // tips
  call.reply.set(0);  // key specifications
  const auto children = subcommands(command);
  call.reply.set(children.size());
  for (const Command& child : children) reply_info(call, child);
}

void reply_docs(Call& call, const Command& command) {
  const auto children = subcommands(command);
  call.reply.bulk(command.name);
  call.reply.map(children.empty() ? 3 : 4);
  call.reply.bulk("summary");
  call.reply.bulk(command.summary);
  call.reply.bulk("since");
  call.reply.bulk(command.since);
  call.reply.bulk("group");
  call.reply.bulk(command.group);
  if (children.empty()) return;
  call.reply.bulk("subcommands");
  call.reply.map(children.size());
  for (const Command& child : children) reply_docs(call, child);
}

std::vector<const Command*> top_commands() {
  std::vector<const Command*> commands;
  for (const Command& command : all_commands()) {
    if (!command.is_subcommand()) commands.push_back(&command);
  }
  return commands;
}

// By name, of a subcommand with its parent.
const Command* find_any(std::string_view name) {
  const std::size_t bar = name.find('|');
  const Command* command = find_command(name.substr(0, bar));
  if (command == nullptr || bar == std::string_view::npos) return command;
  return find_subcommand(*command, name.substr(bar + 1));
}

std::vector<const Command*> named(Args names) {
  std::vector<const Command*> commands;
  for (const std::string_view name : names) commands.push_back(find_any(name));
  return commands;
}

void reply_infos(Call& call, const std::vector<const Command*>& commands) {
  call.reply.array(commands.size());
  for (const Command* command : commands) {
    if (command == nullptr) {
      call.reply.null();
    } else {
      reply_info(call, *command);
    }
  }
}

std::string upper(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return result;
}

}  // namespace

void reply_help(Call& call, std::string_view shown_name, std::string_view command) {
  const auto children = subcommands(*find_command(command));
  call.reply.array(1 + 2 * children.size());
  call.reply.simple(std::string(shown_name) + " <subcommand> [<arg> [value] [opt] ...]. Subcommands are:");
  for (const Command& child : children) {
    call.reply.simple(upper(child.name.substr(command.size() + 1)));
    call.reply.simple("    " + std::string(child.summary));
  }
}

namespace handle {

void command(Call& call, Args) { reply_infos(call, top_commands()); }

void command_info(Call& call, Args args) {
  reply_infos(call, args.size() == 2 ? top_commands() : named(args.subspan(2)));
}

void command_count(Call& call, Args) { call.reply.integer(static_cast<std::int64_t>(top_commands().size())); }

void command_list(Call& call, Args) {
  const auto commands = top_commands();
  call.reply.array(commands.size());
  for (const Command* command : commands) call.reply.bulk(command->name);
}

void command_docs(Call& call, Args args) {
  auto commands = args.size() == 2 ? top_commands() : named(args.subspan(2));
  std::erase(commands, nullptr);
  call.reply.map(commands.size());
  for (const Command* command : commands) reply_docs(call, *command);
}

void command_help(Call& call, Args) { reply_help(call, "COMMAND", "command"); }

}  // namespace handle
}  // namespace turnstone::commands
