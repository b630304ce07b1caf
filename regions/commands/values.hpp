#pragma once
// Reading and writing values for commands: what a reader sees at a key, numbers in
// arguments, and the effects that change it. A pointer into the keyspace is good until
// the next write.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "crdt/entry.hpp"
#include "crdt/merge/merging.hpp"
#include "regions/commands/call.hpp"

namespace turnstone::commands {

inline constexpr std::string_view wrong_type_error =
    "WRONGTYPE Operation against a key holding the wrong kind of value";
inline constexpr std::string_view syntax_error = "ERR syntax error";
inline constexpr std::string_view not_an_integer_error = "ERR value is not an integer or out of range";
inline constexpr std::string_view out_of_range_error = "ERR value is out of range";
inline constexpr std::string_view overflow_error = "ERR increment or decrement would overflow";

// --- reading

// The cell or the fields that a reader sees at a key; null when the key does not exist.
// When it shows another kind: answers WRONGTYPE and returns nothing.
std::optional<const crdt::Cell*> string_at(Call& call, std::string_view key);
std::optional<const crdt::Fields*> fields_at(Call& call, std::string_view key, crdt::Kind kind);

// What a reader sees of a cell: points into it, or into `scratch`.
std::string_view shown(Call& call, const crdt::Place& place, const crdt::Cell& cell, std::string& scratch);
// The same as the reply; null for null.
void reply_shown(Call& call, const crdt::Place& place, const crdt::Cell* cell);

// Fields with the values that they show: (member, "") of a set.
using FieldValues = std::vector<std::pair<std::string, std::string>>;
FieldValues copy_of(Call& call, std::string_view key, crdt::Kind kind, const crdt::Fields& fields);

// --- numbers

// Without signs, blanks or zeros in front, as Redis reads integers.
std::optional<std::int64_t> parse_integer(std::string_view text);
// Answers the error when it is none.
std::optional<std::int64_t> integer_argument(Call& call, std::string_view text);

enum class NumberStatus { valid, not_a_number, out_of_range };
struct Number {
  NumberStatus status;
  FixedDecimal value;
};
// A decimal number that a counter can hold.
Number parse_number(std::string_view text);
bool fits_counter(FixedDecimal value);

// --- words

// Equal but for the case of ASCII letters; `lower` is in lower case.
bool is_word(std::string_view text, std::string_view lower);

// --- writing

void put(Call& call, std::string_view key, crdt::Kind kind, std::string_view field, std::string_view value);
void remove(Call& call, std::string_view key, crdt::Kind kind, std::string_view field);
// The key is to hold this string and nothing else.
void write_string(Call& call, std::string_view key, std::string_view value);
// Before the key is written anew: what it holds goes, whatever its kind.
void replace_key(Call& call, std::string_view key);
// False, and no effect, when there is no such key.
bool delete_key(Call& call, std::string_view key);

}  // namespace turnstone::commands
