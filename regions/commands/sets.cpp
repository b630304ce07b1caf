// Commands of one set.
#include <algorithm>
#include <string>
#include <vector>

#include "regions/commands/handlers.hpp"
#include "regions/commands/leader_port.hpp"
#include "regions/commands/random_pick.hpp"
#include "regions/commands/scan.hpp"
#include "regions/commands/values.hpp"

namespace turnstone::commands {
namespace {

using crdt::Kind;

std::int64_t as_integer(bool value) { return value ? 1 : 0; }

bool contains(const crdt::Fields* members, std::string_view member) {
  return members != nullptr && members->contains(member);
}

// The count of SPOP: nothing, after an error reply, unless it is a natural number.
std::optional<std::size_t> positive_count(Call& call, std::string_view text) {
  const auto count = parse_integer(text);
  if (count && *count >= 0) return static_cast<std::size_t>(*count);
  call.reply.error("ERR value is out of range, must be positive");
  return std::nullopt;
}

std::vector<std::string> names_of(const std::vector<FieldIterator>& picked) {
  std::vector<std::string> names;
  names.reserve(picked.size());
  for (const auto it : picked) names.push_back(it->first.field);
  return names;
}

void random_members(Call& call, const crdt::Fields* members, std::int64_t count) {
  if (members == nullptr || count == 0) return call.reply.array(0);
  if (count > 0) {
    const auto picked = random_distinct_fields(*members, static_cast<std::size_t>(count), call.leader);
    call.reply.array(picked.size());
    for (const auto it : picked) call.reply.bulk(it->first.field);
    return;
  }
  if (!is_repeat_count(call, count)) return;
  call.reply.array(static_cast<std::size_t>(-count));
  for (; count < 0; ++count) call.reply.bulk(random_field(*members, call.leader)->first.field);
}

}  // namespace

namespace handle {

void sadd(Call& call, Args args) {
  const auto members = fields_at(call, args[1], Kind::set);
  if (!members) return;
  std::int64_t added = 0;
  for (const std::string_view member : args.subspan(2)) {
    const crdt::Entry* entry = call.replica.keyspace().find(args[1]);
    added += as_integer(entry == nullptr || !contains(entry->fields(Kind::set), member));
    // Also when it is there: to add again is a write, and beats a concurrent remove.
    put(call, args[1], Kind::set, member, {});
  }
  call.reply.integer(added);
}

void srem(Call& call, Args args) {
  if (!fields_at(call, args[1], Kind::set)) return;
  std::int64_t removed = 0;
  for (const std::string_view member : args.subspan(2)) {
    const crdt::Entry* entry = call.replica.keyspace().find(args[1]);
    if (entry == nullptr) break;
    if (!contains(entry->fields(Kind::set), member)) continue;
    remove(call, args[1], Kind::set, member);
    ++removed;
  }
  call.reply.integer(removed);
}

void smembers(Call& call, Args args) {
  const auto members = fields_at(call, args[1], Kind::set);
  if (!members) return;
  call.reply.set(*members == nullptr ? 0 : (*members)->size());
  if (*members == nullptr) return;
  for (const auto& [name, cell] : (*members)->map()) call.reply.bulk(name.field);
}

void sismember(Call& call, Args args) {
  const auto members = fields_at(call, args[1], Kind::set);
  if (members) call.reply.integer(as_integer(contains(*members, args[2])));
}

void smismember(Call& call, Args args) {
  const auto members = fields_at(call, args[1], Kind::set);
  if (!members) return;
  call.reply.array(args.size() - 2);
  for (const std::string_view member : args.subspan(2))
    call.reply.integer(as_integer(contains(*members, member)));
}

void scard(Call& call, Args args) {
  const auto members = fields_at(call, args[1], Kind::set);
  if (members) call.reply.integer(*members == nullptr ? 0 : static_cast<std::int64_t>((*members)->size()));
}

void srandmember(Call& call, Args args) {
  if (args.size() > 3) return call.reply.error(syntax_error);
  std::optional<std::int64_t> count;
  if (args.size() == 3 && !(count = integer_argument(call, args[2]))) return;
  const auto members = fields_at(call, args[1], Kind::set);
  if (!members) return;
  if (count) return random_members(call, *members, *count);
  if (*members == nullptr) return call.reply.null();
  call.reply.bulk(random_field(**members, call.leader)->first.field);
}

void spop(Call& call, Args args) {
  if (args.size() > 3) return call.reply.error(syntax_error);
  std::optional<std::size_t> count;
  if (args.size() == 3 && !(count = positive_count(call, args[2]))) return;
  const auto members = fields_at(call, args[1], Kind::set);
  if (!members) return;
  if (*members == nullptr) return count ? call.reply.set(0) : call.reply.null();
  const std::vector<std::string> popped =
      count ? names_of(random_distinct_fields(**members, *count, call.leader))
            : std::vector<std::string>{random_field(**members, call.leader)->first.field};
  if (count) call.reply.set(popped.size());
  for (const std::string& member : popped) {
    remove(call, args[1], Kind::set, member);
    call.reply.bulk(member);
  }
}

void smove(Call& call, Args args) {
  const auto from = fields_at(call, args[1], Kind::set);
  if (!from) return;
  if (*from == nullptr) return call.reply.integer(0);
  const auto to = fields_at(call, args[2], Kind::set);
  if (!to) return;
  const bool present = contains(*from, args[3]);
  if (present && args[1] != args[2]) {
    remove(call, args[1], Kind::set, args[3]);
    put(call, args[2], Kind::set, args[3], {});
  }
  call.reply.integer(as_integer(present));
}

void sscan(Call& call, Args args) {
  const auto cursor = cursor_argument(call, args[2]);
  if (!cursor) return;
  const auto members = fields_at(call, args[1], Kind::set);
  if (!members) return;
  if (*members == nullptr) return begin_scan_reply(call, 0, 0);
  const auto options = scan_options(call, args.subspan(3), ScanOf::fields);
  if (!options) return;
  const FieldsPage page = scan_fields(**members, *cursor, *options);
  begin_scan_reply(call, page.next_cursor, page.fields.size());
  for (const auto it : page.fields) call.reply.bulk(it->first.field);
}

}  // namespace handle
}  // namespace turnstone::commands
