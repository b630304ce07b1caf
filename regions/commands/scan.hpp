#pragma once
// The arguments that SCAN, SSCAN and HSCAN share, and the walk through a collection.
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "crdt/entry.hpp"
#include "regions/commands/call.hpp"

namespace turnstone::commands {

struct ScanOptions {
  std::size_t count = 10;
  std::optional<std::string_view> match;
  std::optional<std::string_view> type;

  bool matches(std::string_view name) const;
};

// Answers "ERR invalid cursor" when it is none.
std::optional<std::uint64_t> cursor_argument(Call& call, std::string_view text);

enum class ScanOf { keys, fields };
// What follows the cursor; only keys have a TYPE. Answers the error when it is malformed.
std::optional<ScanOptions> scan_options(Call& call, Args options, ScanOf what);

// The reply's head: the next cursor, and an array of `elements` that the caller writes.
void begin_scan_reply(Call& call, std::uint64_t next_cursor, std::size_t elements);

// A collection up to this size is returned as a whole.
inline constexpr std::size_t scan_whole_max = 128;

struct FieldsPage {
  std::vector<crdt::Fields::Map::const_iterator> fields;
  std::uint64_t next_cursor = 0;
};
// From a position on, until `count` fields were seen and the position is complete. A
// field that is there throughout a scan is returned by it.
FieldsPage scan_fields(const crdt::Fields& fields, std::uint64_t cursor, const ScanOptions& options);

}  // namespace turnstone::commands
