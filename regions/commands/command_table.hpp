#pragma once
// Every command: the catalogue that clients are told of and that execute() runs by.
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "regions/commands/call.hpp"

namespace turnstone::commands {

enum class Flag : std::uint8_t {
  write = 1,       // may change data
  readonly = 2,    // reads data
  fast = 4,        // constant or logarithmic time
  admin = 8,       // for operators
  no_auth = 16,    // allowed before authentication
  immediate = 32,  // runs at once between MULTI and EXEC
  atomic = 64      // runs other commands, which may write, as one operation
};

// Where the keys stand among the arguments, in Redis's convention: 1, -1, 2 is every
// second argument from the first to the last.
struct KeyRange {
  int first = 0;
  int last = 0;
  int step = 0;
};

struct Command {
  // In lower case; of a subcommand with its parent: "client|setname".
  std::string_view name;
  // Number of arguments with the name (of a subcommand: with both words); at least so many
  // when negative.
  int arity;
  std::uint8_t flags;
  KeyRange keys;
  std::string_view group;
  std::string_view since;
  std::string_view summary;
  // Null when it only has subcommands.
  void (*handler)(Call& call, Args args);

  bool has(Flag flag) const { return (flags & static_cast<std::uint8_t>(flag)) != 0; }
  bool accepts(std::size_t args) const;
  bool is_subcommand() const { return name.find('|') != std::string_view::npos; }
  // Indexes of the keys among `args` arguments: [first, end) by step; empty if none.
  struct KeyIndexes {
    std::size_t first;
    std::size_t end;
    std::size_t step;
  };
  KeyIndexes key_indexes(std::size_t args) const;
};

// In the order of the catalogue; subcommands follow their parent.
std::span<const Command> all_commands();

// By name in any case; null when there is none. Allocates nothing.
const Command* find_command(std::string_view name);
// Null when there is none.
const Command* find_subcommand(const Command& parent, std::string_view name);
// The subcommands of a command; empty for most.
std::span<const Command> subcommands(const Command& parent);

}  // namespace turnstone::commands
