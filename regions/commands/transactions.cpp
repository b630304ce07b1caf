// MULTI, EXEC, DISCARD, WATCH, UNWATCH.
#include <string>
#include <utility>

#include "regions/commands/command_table.hpp"
#include "regions/commands/connection.hpp"
#include "regions/commands/handlers.hpp"
#include "regions/commands/leader_port.hpp"
#include "regions/commands/session.hpp"

namespace turnstone::commands {
namespace {

// Of one connection, keys and bookkeeping.
constexpr std::size_t watched_bytes_max = 16u * 1024 * 1024;
constexpr std::size_t watched_key_overhead_bytes = 128;

}  // namespace

void forget_watched_keys(Call& call) {
  Transaction& transaction = call.session.transaction;
  if (transaction.watching) call.leader.unwatch(call.session);
  transaction.watching = false;
  transaction.watched_key_changed = false;
  transaction.watched_bytes = 0;
}

void end_transaction(Call& call) {
  call.session.transaction.open = false;
  call.session.transaction.failed = false;
  call.session.transaction.queue.clear();
  forget_watched_keys(call);
}

namespace handle {

void multi(Call& call, Args) {
  if (call.session.transaction.open) return call.reply.error("ERR MULTI calls can not be nested");
  call.session.transaction.open = true;
  call.reply.ok();
}

void exec(Call& call, Args) {
  Transaction& transaction = call.session.transaction;
  if (!transaction.open) return call.reply.error("ERR EXEC without MULTI");
  const bool failed = transaction.failed;
  const bool outdated = transaction.watched_key_changed;
  const CommandQueue queue = std::move(transaction.queue);
  end_transaction(call);
  if (failed) return call.reply.error("EXECABORT Transaction discarded because of previous errors.");
  if (outdated) return call.reply.null_array();
  call.reply.array(queue.size());
  queue.for_each([&](const Command& command, Args args) { command.handler(call, args); });
}

void discard(Call& call, Args) {
  if (!call.session.transaction.open) return call.reply.error("ERR DISCARD without MULTI");
  end_transaction(call);
  call.reply.ok();
}

void watch(Call& call, Args args) {
  Transaction& transaction = call.session.transaction;
  if (transaction.open) return call.reply.error("ERR WATCH inside MULTI is not allowed");
  std::size_t bytes = transaction.watched_bytes;
  for (const std::string_view key : args.subspan(1)) bytes += key.size() + watched_key_overhead_bytes;
  if (bytes > watched_bytes_max) {
    return call.reply.error("ERR too many watched keys, watched_bytes_max is " +
                            std::to_string(watched_bytes_max));
  }
  transaction.watched_bytes = bytes;
  transaction.watching = true;
  for (const std::string_view key : args.subspan(1)) call.leader.watch(call.session, key);
  call.reply.ok();
}

void unwatch(Call& call, Args) {
  forget_watched_keys(call);
  call.reply.ok();
}

}  // namespace handle
}  // namespace turnstone::commands
