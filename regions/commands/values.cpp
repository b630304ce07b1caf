#include "regions/commands/values.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

#include "regions/commands/leader_port.hpp"

namespace turnstone::commands {
namespace {

// A number to anybody but too large for us, or infinite.
bool is_large_number(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = !text.empty() && end == text.data() + text.size();
  return whole && (error == std::errc::result_out_of_range || (error == std::errc{} && value == value));
}

}  // namespace

std::optional<const crdt::Cell*> string_at(Call& call, std::string_view key) {
  const crdt::Entry* entry = call.replica.keyspace().find(key);
  if (entry == nullptr) return nullptr;
  if (entry->shown_kind() == crdt::Kind::string) return entry->string();
  call.reply.error(wrong_type_error);
  return std::nullopt;
}

std::optional<const crdt::Fields*> fields_at(Call& call, std::string_view key, crdt::Kind kind) {
  const crdt::Entry* entry = call.replica.keyspace().find(key);
  if (entry == nullptr) return nullptr;
  if (entry->shown_kind() == kind) return entry->fields(kind);
  call.reply.error(wrong_type_error);
  return std::nullopt;
}

std::string_view shown(Call& call, const crdt::Place& place, const crdt::Cell& cell, std::string& scratch) {
  return call.leader.merging().shown(place, cell, scratch);
}

void reply_shown(Call& call, const crdt::Place& place, const crdt::Cell* cell) {
  if (cell == nullptr) return call.reply.null();
  std::string scratch;
  call.reply.bulk(shown(call, place, *cell, scratch));
}

FieldValues copy_of(Call& call, std::string_view key, crdt::Kind kind, const crdt::Fields& fields) {
  FieldValues copy;
  copy.reserve(fields.size());
  std::string scratch;
  for (const auto& [name, cell] : fields.map())
    copy.emplace_back(name.field, shown(call, {key, kind, name.field}, cell, scratch));
  return copy;
}

std::optional<std::int64_t> parse_integer(std::string_view text) {
  const std::string_view digits = text.starts_with('-') ? text.substr(1) : text;
  if (digits.empty() || (digits[0] == '0' && text.size() > 1)) return std::nullopt;
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<std::int64_t> integer_argument(Call& call, std::string_view text) {
  const auto value = parse_integer(text);
  if (!value) call.reply.error(not_an_integer_error);
  return value;
}

Number parse_number(std::string_view text) {
  if (const auto value = FixedDecimal::parse(text)) {
    return {fits_counter(*value) ? NumberStatus::valid : NumberStatus::out_of_range, *value};
  }
  return {is_large_number(text) ? NumberStatus::out_of_range : NumberStatus::not_a_number, {}};
}

bool fits_counter(FixedDecimal value) {
  using Limits = std::numeric_limits<std::int64_t>;
  return value >= FixedDecimal::from_int(Limits::min()) && value <= FixedDecimal::from_int(Limits::max());
}

bool is_word(std::string_view text, std::string_view lower) {
  return std::equal(text.begin(), text.end(), lower.begin(), lower.end(),
                    [](char a, char b) { return a == b || (a >= 'A' && a <= 'Z' && a - 'A' + 'a' == b); });
}

void put(Call& call, std::string_view key, crdt::Kind kind, std::string_view field, std::string_view value) {
  const crdt::Merging& merging = call.leader.merging();
  std::string scratch;
  std::optional<crdt::Base> base;
  if (merging.some_want_base()) {
    const crdt::Cell* cell = call.replica.keyspace().find_cell(key, kind, field);
    if (cell != nullptr) base = merging.base_for({key, kind, field}, *cell, scratch);
  }
  call.replica.apply(crdt::Put{key, kind, field, value, base});
}

void remove(Call& call, std::string_view key, crdt::Kind kind, std::string_view field) {
  call.replica.apply(crdt::Remove{key, kind, field});
}

void write_string(Call& call, std::string_view key, std::string_view value) {
  const crdt::Entry* entry = call.replica.keyspace().find(key);
  if (entry != nullptr && (entry->has_several_kinds() || entry->shown_kind() != crdt::Kind::string)) {
    replace_key(call, key);
  }
  put(call, key, crdt::Kind::string, {}, value);
}

void replace_key(Call& call, std::string_view key) {
  if (call.replica.keyspace().find(key) != nullptr) call.replica.apply(crdt::Clear{key, true});
}

bool delete_key(Call& call, std::string_view key) {
  if (call.replica.keyspace().find(key) == nullptr) return false;
  call.replica.apply(crdt::Clear{key, false});
  return true;
}

}  // namespace turnstone::commands
