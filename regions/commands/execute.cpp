#include "regions/commands/execute.hpp"

#include <fmt/format.h>

#include <cctype>
#include <string>

#include "regions/commands/authentication.hpp"
#include "regions/commands/command_table.hpp"
#include "regions/commands/connection.hpp"
#include "regions/commands/leader_port.hpp"
#include "regions/commands/session.hpp"
#include "regions/commands/values.hpp"

namespace turnstone::commands {
namespace {

// As much of a wrong command as an error repeats.
constexpr std::size_t repeated_bytes_max = 128;

std::string unknown_command_error(Args args) {
  std::string shown;
  for (const std::string_view arg : args.subspan(1)) {
    if (shown.size() >= repeated_bytes_max) break;
    shown += fmt::format("'{}' ", arg.substr(0, repeated_bytes_max - shown.size()));
  }
  return fmt::format("ERR unknown command '{}', with args beginning with: {}",
                     args[0].substr(0, repeated_bytes_max), shown);
}

const Command* look_up(Call& call, Args args) {
  const Command* command = find_command(args[0]);
  if (command == nullptr) {
    call.reply.error(unknown_command_error(args));
    return nullptr;
  }
  if (args.size() < 2 || subcommands(*command).empty()) return command;
  const Command* subcommand = find_subcommand(*command, args[1]);
  if (subcommand == nullptr) {
    std::string shown(command->name);
    for (char& letter : shown) letter = static_cast<char>(std::toupper(static_cast<unsigned char>(letter)));
    call.reply.error(fmt::format("ERR unknown subcommand '{}'. Try {} HELP.",
                                 args[1].substr(0, repeated_bytes_max), shown));
  }
  return subcommand;
}

bool keys_fit(const Command& command, Args args) {
  const auto indexes = command.key_indexes(args.size());
  for (std::size_t i = indexes.first; i < indexes.end; i += indexes.step) {
    if (args[i].size() > key_bytes_max) return false;
  }
  return true;
}

void discard_because(Call& call, const std::string& reason) {
  end_transaction(call);
  call.reply.error("EXECABORT Transaction discarded because of: " + reason);
}

// Answers and returns false when writes are refused and this would be one.
bool may_write(Call& call, const Command& command) {
  const bool writes =
      command.has(Flag::write) || (command.has(Flag::atomic) && call.session.transaction.queue.writes());
  if (!writes) return true;
  const auto loading = call.leader.loading();
  const auto refused = call.leader.writes_refused();
  if (!loading && !refused) return true;
  const std::string error = loading ? "LOADING " + *loading : "MISCONF " + *refused;
  if (!command.has(Flag::atomic)) {
    call.reply.error(error);
    return false;
  }
  discard_because(call, error);
  return false;
}

// The command, if this client may run it now with these arguments; otherwise answers.
const Command* admit(Call& call, Args args) {
  const Command* command = look_up(call, args);
  if (command == nullptr) return nullptr;
  if (!command->accepts(args.size())) {
    const std::string error = fmt::format("wrong number of arguments for '{}' command", command->name);
    if (command->has(Flag::atomic)) {
      discard_because(call, error);
    } else {
      call.reply.error("ERR " + error);
    }
    return nullptr;
  }
  if (!command->has(Flag::no_auth) && must_authenticate(call)) {
    call.reply.error("NOAUTH Authentication required.");
    return nullptr;
  }
  if (!keys_fit(*command, args)) {
    call.reply.error(fmt::format("ERR key is too long, key_bytes_max is {}", key_bytes_max));
    return nullptr;
  }
  return may_write(call, *command) ? command : nullptr;
}

void fail_transaction(Session& session) {
  session.transaction.failed = session.transaction.open;
  session.transaction.queue.clear();
}

void enqueue(Call& call, const Command& command, Args args) {
  Transaction& transaction = call.session.transaction;
  // What comes after a failure is checked, but will not run.
  if (transaction.failed || transaction.queue.add(command, args)) return call.reply.simple("QUEUED");
  call.reply.error(
      fmt::format("ERR transaction is too large, queue_bytes_max is {} and queue_commands_max is {}",
                  CommandQueue::queue_bytes_max, CommandQueue::queue_commands_max));
  fail_transaction(call.session);
}

// A reply that is cut off must not leave. After a write an error would say that nothing
// was written, so the connection ends without an answer.
void replace_overflowed_reply(Call& call, Outcome& outcome) {
  call.reply.rewind();
  if (outcome.ticket) {
    outcome.close = true;
  } else {
    call.reply.error(
        fmt::format("ERR the reply is too large, reply_bytes_max is {}", call.reply.bytes_max()));
  }
}

Outcome run(Call& call, const Command& command, Args args) {
  call.session.last_command = command.name;
  Outcome outcome;
  if (command.has(Flag::write) || command.has(Flag::atomic)) {
    call.replica.begin(call.now_ms);
    command.handler(call, args);
    outcome.ticket = call.replica.commit();
  } else {
    command.handler(call, args);
  }
  outcome.close = call.session.closing;
  if (call.reply.overflowed()) replace_overflowed_reply(call, outcome);
  return outcome;
}

// A browser that was led here by a hostile page speaks HTTP. Its first header must not be
// followed by a body of commands.
bool is_http(std::string_view word) { return is_word(word, "post") || is_word(word, "host:"); }

}  // namespace

Outcome execute(Call& call, Args args) {
  call.session.active_ms = call.now_ms;
  call.reply.begin();
  if (is_http(args[0])) {
    call.session.closing = true;
    return {std::nullopt, true};
  }
  const Command* command = admit(call, args);
  if (command == nullptr) {
    fail_transaction(call.session);
    return {};
  }
  if (call.session.transaction.open && !command->has(Flag::immediate)) {
    enqueue(call, *command, args);
    return {};
  }
  return run(call, *command, args);
}

}  // namespace turnstone::commands
