#pragma once
// One client's connection as commands see it. Owned by the door, used by the engine's
// thread only.
#include <cstdint>
#include <string>
#include <string_view>

#include "regions/commands/command_queue.hpp"

namespace turnstone::commands {

// Between MULTI and EXEC, and what WATCH promised before it.
struct Transaction {
  bool open = false;
  // A command could not be queued: EXEC will refuse.
  bool failed = false;
  CommandQueue queue;

  // Keys are being watched. Whoever holds the registrations (LeaderPort) sets
  // watched_key_changed when one of them changes.
  bool watching = false;
  bool watched_key_changed = false;
  std::size_t watched_bytes = 0;
};

struct Session {
  std::uint64_t id = 0;
  std::string address;        // of the client, "127.0.0.1:50012"
  std::string local_address;  // of the door
  std::uint64_t created_ms = 0;
  std::uint64_t active_ms = 0;  // when its last command began

  // 2 or 3; the door takes it over for what it writes after a command.
  int protocol = 2;
  // True from the start where no password is set; the parser's limits depend on it.
  bool authenticated = false;
  std::string name;
  std::string library_name;
  std::string library_version;
  bool no_evict = false;
  // The door closes the connection after the replies that are on their way.
  bool closing = false;
  // Its last command wrote no reply: the one of this number will come. 0: it did.
  std::uint64_t awaited = 0;
  // Of the command table.
  std::string_view last_command;

  Transaction transaction;

  // What its client has made the leader hold, beside requests and replies under way.
  std::size_t held_bytes() const {
    return transaction.queue.bytes() + transaction.watched_bytes + name.size() + library_name.size() +
           library_version.size();
  }
};

}  // namespace turnstone::commands
