#pragma once
// Conflicts as text: for a terminal of some width, and as lines of JSON or CSV.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "regions/audit/cli/source.hpp"

namespace turnstone::audit {

// What the output can show.
struct Terminal {
  std::size_t width = 0;  // 0: no limit
  bool colours = false;
  std::uint64_t now_ms = 0;
};
// That of stdout: NO_COLOR, CLICOLOR_FORCE, TERM=dumb and whether it is a terminal are honoured.
Terminal terminal(bool no_colours);

enum class Colour : std::uint8_t { plain, bold, dim, red, green, yellow, cyan };
std::string coloured(const Terminal& terminal, Colour colour, std::string_view text);

// One line, whatever the bytes: text as it is, anything else as hex.
std::string value_text(std::string_view bytes);
// Columns that a terminal needs, of UTF-8.
std::size_t width_of(std::string_view text);
// Cut to so many columns, with an ellipsis where something is missing.
std::string fitted(std::string_view text, std::size_t width);

// "3 min ago", "in 2 h" for a clock ahead.
std::string ago(std::uint64_t ms, std::uint64_t now_ms);
// "2h" ago, "2026-11-22", "2026-11-22T03:04:05Z" (UTC), or milliseconds since 1970.
std::optional<std::uint64_t> parse_time(std::string_view text, std::uint64_t now_ms);

// What one side did: "\"11\"", "deleted", "+5".
std::string side_text(const crdt::ConflictSide& side, const Author& author);

// Tables.
std::string list_table(const std::vector<Found>& found, const Terminal& terminal);
std::string details(const Found& found, const Terminal& terminal);
std::string tally_text(const Tally& tally, const Terminal& terminal);

// Without the newline. Fields of JSON: id, key, field, type, rule, winner, by_clock, open, time,
// at_ms, found_ms, on_record_in, values: each region, origin, seq, index, hlc_ms, kind, operation,
// value or value_hex, value_bytes, value_shown, context.
std::string json_text(const Found& found);
std::string json_text(const Tally& tally);
std::string csv_head();
std::string csv_text(const Found& found);

}  // namespace turnstone::audit
