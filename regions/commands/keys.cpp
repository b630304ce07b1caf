// Commands of keys, whatever they hold.
#include <string>
#include <utility>
#include <vector>

#include "core/glob.hpp"
#include "regions/commands/handlers.hpp"
#include "regions/commands/leader_port.hpp"
#include "regions/commands/scan.hpp"
#include "regions/commands/values.hpp"

namespace turnstone::commands {
namespace {

using crdt::Kind;

// Everything that a reader sees at a key. A string is one value with an empty field.
FieldValues shown_values(Call& call, std::string_view key, const crdt::Entry& entry) {
  const Kind kind = entry.shown_kind();
  if (kind != Kind::string) return copy_of(call, key, kind, *entry.fields(kind));
  std::string scratch;
  return {{std::string(), std::string(shown(call, {key}, *entry.string(), scratch))}};
}

void reply_keys(Call& call, const std::vector<std::string_view>& keys) {
  for (const std::string_view key : keys) call.reply.bulk(key);
}

}  // namespace

namespace handle {

void del(Call& call, Args args) {
  std::int64_t deleted = 0;
  for (const std::string_view key : args.subspan(1)) deleted += delete_key(call, key) ? 1 : 0;
  call.reply.integer(deleted);
}

void exists(Call& call, Args args) {
  std::int64_t found = 0;
  for (const std::string_view key : args.subspan(1))
    found += call.replica.keyspace().find(key) != nullptr ? 1 : 0;
  call.reply.integer(found);
}

void type(Call& call, Args args) {
  const crdt::Entry* entry = call.replica.keyspace().find(args[1]);
  call.reply.simple(entry == nullptr ? "none" : crdt::name(entry->shown_kind()));
}

void keys(Call& call, Args args) {
  std::vector<std::string_view> found;
  const auto& keyspace = call.replica.keyspace();
  keyspace.scan(0, keyspace.size(), [&](std::string_view key, const crdt::Entry&) {
    if (glob_match(args[1], key)) found.push_back(key);
  });
  call.reply.array(found.size());
  reply_keys(call, found);
}

void scan(Call& call, Args args) {
  const auto cursor = cursor_argument(call, args[1]);
  if (!cursor) return;
  const auto options = scan_options(call, args.subspan(2), ScanOf::keys);
  if (!options) return;
  std::vector<std::string_view> found;
  const auto visit = [&](std::string_view key, const crdt::Entry& entry) {
    if (options->type && !is_word(*options->type, crdt::name(entry.shown_kind()))) return;
    if (options->matches(key)) found.push_back(key);
  };
  const std::uint64_t next = call.replica.keyspace().scan(*cursor, options->count, visit);
  begin_scan_reply(call, next, found.size());
  reply_keys(call, found);
}

void rename(Call& call, Args args) {
  const std::string_view from = args[1];
  const std::string_view to = args[2];
  const crdt::Entry* entry = call.replica.keyspace().find(from);
  if (entry == nullptr) return call.reply.error("ERR no such key");
  if (from != to) {
    const Kind kind = entry->shown_kind();
    const FieldValues values = shown_values(call, from, *entry);
    replace_key(call, to);
    for (const auto& [field, value] : values) put(call, to, kind, field, value);
    delete_key(call, from);
  }
  call.reply.ok();
}

void randomkey(Call& call, Args) {
  const auto key = call.replica.keyspace().random_key(call.leader.random());
  if (!key) return call.reply.null();
  call.reply.bulk(*key);
}

void dbsize(Call& call, Args) {
  call.reply.integer(static_cast<std::int64_t>(call.replica.keyspace().size()));
}

// FLUSHDB and FLUSHALL: there is one database.
void flush(Call& call, Args args) {
  const bool known =
      args.size() == 1 || (args.size() == 2 && (is_word(args[1], "async") || is_word(args[1], "sync")));
  if (!known) return call.reply.error(syntax_error);
  if (call.replica.keyspace().size() > 0) call.replica.apply(crdt::ClearAll{});
  call.reply.ok();
}

}  // namespace handle
}  // namespace turnstone::commands
