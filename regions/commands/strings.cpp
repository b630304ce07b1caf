// GET, SET and the other commands of strings and counters.
#include <limits>
#include <string>

#include "regions/commands/counters.hpp"
#include "regions/commands/handlers.hpp"
#include "regions/commands/leader_port.hpp"
#include "regions/commands/values.hpp"

namespace turnstone::commands {
namespace {

using crdt::Kind;

struct SetOptions {
  bool if_missing = false;
  bool if_present = false;
  bool get = false;
  bool keep_ttl = false;
  std::optional<std::string_view> expiry;
};

bool is_expiry_option(std::string_view word) {
  return is_word(word, "ex") || is_word(word, "px") || is_word(word, "exat") || is_word(word, "pxat");
}

// Nothing for what Redis calls a syntax error. An expiry is understood, and refused later.
std::optional<SetOptions> parse_set_options(Args words) {
  SetOptions options;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (is_word(words[i], "nx") && !options.if_present) {
      options.if_missing = true;
    } else if (is_word(words[i], "xx") && !options.if_missing) {
      options.if_present = true;
    } else if (is_word(words[i], "get")) {
      options.get = true;
    } else if (is_word(words[i], "keepttl") && !options.expiry) {
      options.keep_ttl = true;
    } else if (is_expiry_option(words[i]) && i + 1 < words.size() && !options.expiry && !options.keep_ttl) {
      options.expiry = words[++i];
    } else {
      return std::nullopt;
    }
  }
  return options;
}

void set_with(Call& call, std::string_view key, std::string_view value, const SetOptions& options) {
  const bool exists = call.replica.keyspace().find(key) != nullptr;
  if (options.get) {
    const auto cell = string_at(call, key);
    if (!cell) return;
    reply_shown(call, {key}, *cell);
  }
  if ((options.if_missing && exists) || (options.if_present && !exists)) {
    if (!options.get) call.reply.null();
    return;
  }
  write_string(call, key, value);
  if (!options.get) call.reply.ok();
}

void increment_by(Call& call, std::string_view key, std::int64_t amount) {
  const auto cell = string_at(call, key);
  if (cell) increment_integer(call, {key, Kind::string, {}, *cell}, amount, not_an_integer_error);
}

}  // namespace

namespace handle {

void get(Call& call, Args args) {
  if (const auto cell = string_at(call, args[1])) reply_shown(call, {args[1]}, *cell);
}

void set(Call& call, Args args) {
  const auto options = parse_set_options(args.subspan(3));
  if (!options) return call.reply.error(syntax_error);
  if (options->expiry) {
    if (!integer_argument(call, *options->expiry)) return;
    return call.reply.error("ERR expiry is not supported by this release");
  }
  set_with(call, args[1], args[2], *options);
}

void setnx(Call& call, Args args) {
  if (call.replica.keyspace().find(args[1]) != nullptr) return call.reply.integer(0);
  write_string(call, args[1], args[2]);
  call.reply.integer(1);
}

void getset(Call& call, Args args) {
  SetOptions options;
  options.get = true;
  set_with(call, args[1], args[2], options);
}

void getdel(Call& call, Args args) {
  const auto cell = string_at(call, args[1]);
  if (!cell) return;
  reply_shown(call, {args[1]}, *cell);
  delete_key(call, args[1]);
}

void mget(Call& call, Args args) {
  call.reply.array(args.size() - 1);
  for (const std::string_view key : args.subspan(1)) {
    const crdt::Entry* entry = call.replica.keyspace().find(key);
    const bool is_string = entry != nullptr && entry->shown_kind() == Kind::string;
    reply_shown(call, {key}, is_string ? entry->string() : nullptr);
  }
}

void mset(Call& call, Args args) {
  if (args.size() % 2 == 0) return call.reply.error("ERR wrong number of arguments for 'mset' command");
  for (std::size_t i = 1; i < args.size(); i += 2) write_string(call, args[i], args[i + 1]);
  call.reply.ok();
}

void append(Call& call, Args args) {
  const auto cell = string_at(call, args[1]);
  if (!cell) return;
  std::string scratch;
  std::string value(*cell == nullptr ? std::string_view() : shown(call, {args[1]}, **cell, scratch));
  if (value.size() + args[2].size() > call.leader.value_bytes_max()) {
    return call.reply.error("ERR string exceeds maximum allowed size (proto-max-bulk-len)");
  }
  value += args[2];
  write_string(call, args[1], value);
  call.reply.integer(static_cast<std::int64_t>(value.size()));
}

void strlen(Call& call, Args args) {
  const auto cell = string_at(call, args[1]);
  if (!cell) return;
  std::string scratch;
  const std::string_view value = *cell == nullptr ? "" : shown(call, {args[1]}, **cell, scratch);
  call.reply.integer(static_cast<std::int64_t>(value.size()));
}

void incr(Call& call, Args args) { increment_by(call, args[1], 1); }

void decr(Call& call, Args args) { increment_by(call, args[1], -1); }

void incrby(Call& call, Args args) {
  if (const auto amount = integer_argument(call, args[2])) increment_by(call, args[1], *amount);
}

void decrby(Call& call, Args args) {
  const auto amount = integer_argument(call, args[2]);
  if (!amount) return;
  if (*amount == std::numeric_limits<std::int64_t>::min())
    return call.reply.error("ERR decrement would overflow");
  increment_by(call, args[1], -*amount);
}

void incrbyfloat(Call& call, Args args) {
  const auto cell = string_at(call, args[1]);
  if (!cell) return;
  const auto amount = decimal_argument(call, args[2], infinite_sum_error);
  if (amount) increment_decimal(call, {args[1], Kind::string, {}, *cell}, *amount, not_a_float_error);
}

}  // namespace handle
}  // namespace turnstone::commands
