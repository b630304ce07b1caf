// Commands of one hash.
#include <string>
#include <utility>
#include <vector>

#include "regions/commands/counters.hpp"
#include "regions/commands/handlers.hpp"
#include "regions/commands/leader_port.hpp"
#include "regions/commands/random_pick.hpp"
#include "regions/commands/scan.hpp"
#include "regions/commands/values.hpp"

namespace turnstone::commands {
namespace {

using crdt::Kind;

std::optional<const crdt::Fields*> hash_at(Call& call, std::string_view key) {
  return fields_at(call, key, Kind::hash);
}

const crdt::Cell* cell_of(const crdt::Fields* fields, std::string_view field) {
  return fields == nullptr ? nullptr : fields->find(field);
}

// The field as it is now, after writes.
const crdt::Cell* present_cell(Call& call, std::string_view key, std::string_view field) {
  const crdt::Entry* entry = call.replica.keyspace().find(key);
  return entry == nullptr ? nullptr : cell_of(entry->fields(Kind::hash), field);
}

std::int64_t size_of(const crdt::Fields* fields) {
  return fields == nullptr ? 0 : static_cast<std::int64_t>(fields->size());
}

void reply_field(Call& call, std::string_view key, std::string_view field, const crdt::Cell* cell) {
  reply_shown(call, {key, Kind::hash, field}, cell);
}

// How many fields are new; nothing after an error reply.
std::optional<std::int64_t> set_pairs(Call& call, Args args, std::string_view command) {
  if (args.size() % 2 != 0) {
    call.reply.error("ERR wrong number of arguments for '" + std::string(command) + "' command");
    return std::nullopt;
  }
  if (!hash_at(call, args[1])) return std::nullopt;
  std::int64_t added = 0;
  for (std::size_t i = 2; i < args.size(); i += 2) {
    added += present_cell(call, args[1], args[i]) == nullptr ? 1 : 0;
    put(call, args[1], Kind::hash, args[i], args[i + 1]);
  }
  return added;
}

enum class Parts { field, value, both };

void reply_parts(Call& call, std::string_view key, FieldIterator it, Parts parts) {
  if (parts != Parts::value) call.reply.bulk(it->first.field);
  if (parts != Parts::field) reply_field(call, key, it->first.field, &it->second);
}

void reply_all(Call& call, std::string_view key, Parts parts) {
  const auto fields = hash_at(call, key);
  if (!fields) return;
  const auto size = static_cast<std::size_t>(size_of(*fields));
  if (parts == Parts::both) {
    call.reply.map(size);
  } else {
    call.reply.array(size);
  }
  if (*fields == nullptr) return;
  for (auto it = (*fields)->map().begin(); it != (*fields)->map().end(); ++it)
    reply_parts(call, key, it, parts);
}

// One pick of HRANDFIELD: protocol 3 pairs a field with its value.
void reply_pick(Call& call, std::string_view key, FieldIterator it, Parts parts) {
  if (parts == Parts::both && call.reply.protocol() >= 3) call.reply.array(2);
  reply_parts(call, key, it, parts);
}

void begin_picks(Call& call, std::size_t picks, Parts parts) {
  call.reply.array(parts == Parts::both && call.reply.protocol() < 3 ? 2 * picks : picks);
}

void random_fields(Call& call, std::string_view key, const crdt::Fields* fields, std::int64_t count,
                   Parts parts) {
  if (fields == nullptr || count == 0) return call.reply.array(0);
  if (count > 0) {
    const auto picked = random_distinct_fields(*fields, static_cast<std::size_t>(count), call.leader);
    begin_picks(call, picked.size(), parts);
    for (const auto it : picked) reply_pick(call, key, it, parts);
    return;
  }
  if (!is_repeat_count(call, count)) return;
  begin_picks(call, static_cast<std::size_t>(-count), parts);
  for (; count < 0; ++count) reply_pick(call, key, random_field(*fields, call.leader), parts);
}

}  // namespace

namespace handle {

void hset(Call& call, Args args) {
  if (const auto added = set_pairs(call, args, "hset")) call.reply.integer(*added);
}

void hmset(Call& call, Args args) {
  if (set_pairs(call, args, "hmset")) call.reply.ok();
}

void hsetnx(Call& call, Args args) {
  const auto fields = hash_at(call, args[1]);
  if (!fields) return;
  if (cell_of(*fields, args[2]) != nullptr) return call.reply.integer(0);
  put(call, args[1], Kind::hash, args[2], args[3]);
  call.reply.integer(1);
}

void hget(Call& call, Args args) {
  if (const auto fields = hash_at(call, args[1]))
    reply_field(call, args[1], args[2], cell_of(*fields, args[2]));
}

void hmget(Call& call, Args args) {
  const auto fields = hash_at(call, args[1]);
  if (!fields) return;
  call.reply.array(args.size() - 2);
  for (const std::string_view field : args.subspan(2))
    reply_field(call, args[1], field, cell_of(*fields, field));
}

void hgetall(Call& call, Args args) { reply_all(call, args[1], Parts::both); }
void hkeys(Call& call, Args args) { reply_all(call, args[1], Parts::field); }
void hvals(Call& call, Args args) { reply_all(call, args[1], Parts::value); }

void hdel(Call& call, Args args) {
  if (!hash_at(call, args[1])) return;
  std::int64_t removed = 0;
  for (const std::string_view field : args.subspan(2)) {
    if (present_cell(call, args[1], field) == nullptr) continue;
    remove(call, args[1], Kind::hash, field);
    ++removed;
  }
  call.reply.integer(removed);
}

void hexists(Call& call, Args args) {
  if (const auto fields = hash_at(call, args[1]))
    call.reply.integer(cell_of(*fields, args[2]) == nullptr ? 0 : 1);
}

void hlen(Call& call, Args args) {
  if (const auto fields = hash_at(call, args[1])) call.reply.integer(size_of(*fields));
}

void hstrlen(Call& call, Args args) {
  const auto fields = hash_at(call, args[1]);
  if (!fields) return;
  const crdt::Cell* cell = cell_of(*fields, args[2]);
  std::string scratch;
  const std::string_view value =
      cell == nullptr ? "" : shown(call, {args[1], Kind::hash, args[2]}, *cell, scratch);
  call.reply.integer(static_cast<std::int64_t>(value.size()));
}

void hincrby(Call& call, Args args) {
  const auto amount = integer_argument(call, args[3]);
  if (!amount) return;
  const auto fields = hash_at(call, args[1]);
  if (!fields) return;
  increment_integer(call, {args[1], Kind::hash, args[2], cell_of(*fields, args[2])}, *amount,
                    "ERR hash value is not an integer");
}

void hincrbyfloat(Call& call, Args args) {
  const auto amount = decimal_argument(call, args[3], "ERR value is NaN or Infinity");
  if (!amount) return;
  const auto fields = hash_at(call, args[1]);
  if (!fields) return;
  increment_decimal(call, {args[1], Kind::hash, args[2], cell_of(*fields, args[2])}, *amount,
                    "ERR hash value is not a float");
}

void hscan(Call& call, Args args) {
  const auto cursor = cursor_argument(call, args[2]);
  if (!cursor) return;
  const auto fields = hash_at(call, args[1]);
  if (!fields) return;
  if (*fields == nullptr) return begin_scan_reply(call, 0, 0);
  const auto options = scan_options(call, args.subspan(3), ScanOf::fields);
  if (!options) return;
  const FieldsPage page = scan_fields(**fields, *cursor, *options);
  begin_scan_reply(call, page.next_cursor, 2 * page.fields.size());
  for (const auto it : page.fields) reply_parts(call, args[1], it, Parts::both);
}

void hrandfield(Call& call, Args args) {
  std::optional<std::int64_t> count;
  if (args.size() >= 3 && !(count = integer_argument(call, args[2]))) return;
  if (args.size() > 4 || (args.size() == 4 && !is_word(args[3], "withvalues"))) {
    return call.reply.error(syntax_error);
  }
  const auto fields = hash_at(call, args[1]);
  if (!fields) return;
  if (count)
    return random_fields(call, args[1], *fields, *count, args.size() == 4 ? Parts::both : Parts::field);
  if (*fields == nullptr) return call.reply.null();
  call.reply.bulk(random_field(**fields, call.leader)->first.field);
}

}  // namespace handle
}  // namespace turnstone::commands
