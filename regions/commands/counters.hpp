#pragma once
// Increments of a cell, for the string and the hash commands alike.
#include <string_view>

#include "crdt/cell.hpp"
#include "regions/commands/call.hpp"

namespace turnstone::commands {

// Where to count, and the cell as a reader sees it (null when it is not there).
struct CounterPlace {
  std::string_view key;
  crdt::Kind kind;
  std::string_view field;
  const crdt::Cell* cell;
};

// Adds and answers the sum, or the error that says why nothing changed. Errors about the
// value that is there already are `not_a_number`.
void increment_integer(Call& call, const CounterPlace& place, std::int64_t amount,
                       std::string_view not_a_number);
void increment_decimal(Call& call, const CounterPlace& place, FixedDecimal amount,
                       std::string_view not_a_number);

// The amount of a FLOAT command; answers the error when it is none. `infinite` answers a
// number that no counter can hold.
std::optional<FixedDecimal> decimal_argument(Call& call, std::string_view text, std::string_view infinite);

inline constexpr std::string_view not_a_float_error = "ERR value is not a valid float";
inline constexpr std::string_view infinite_sum_error = "ERR increment would produce NaN or Infinity";

}  // namespace turnstone::commands
