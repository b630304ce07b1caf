// Intersection, union and difference of sets.
#include <algorithm>
#include <limits>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "regions/commands/handlers.hpp"
#include "regions/commands/values.hpp"

namespace turnstone::commands {
namespace {

using crdt::Kind;

// The sets at the keys, null where there is none. Answers WRONGTYPE if a key shows
// another kind.
using Sets = std::vector<const crdt::Fields*>;
std::optional<Sets> sets_at(Call& call, Args keys) {
  Sets sets;
  for (const std::string_view key : keys) {
    const auto members = fields_at(call, key, Kind::set);
    if (!members) return std::nullopt;
    sets.push_back(*members);
  }
  return sets;
}

// Views into the keyspace, until the next write.
using Members = std::vector<std::string_view>;

Members intersection_of(Sets sets, std::size_t limit) {
  Members members;
  std::sort(sets.begin(), sets.end(), [](const crdt::Fields* a, const crdt::Fields* b) {
    return (a == nullptr ? 0 : a->size()) < (b == nullptr ? 0 : b->size());
  });
  if (sets.front() == nullptr) return members;
  for (const auto& [name, cell] : sets.front()->map()) {
    if (members.size() == limit) break;
    const std::string& member = name.field;
    const auto has = [&](const crdt::Fields* set) { return set->contains(member); };
    if (std::all_of(sets.begin() + 1, sets.end(), has)) members.push_back(member);
  }
  return members;
}

Members union_of(const Sets& sets) {
  std::set<std::string_view> members;
  for (const crdt::Fields* set : sets) {
    if (set == nullptr) continue;
    for (const auto& [name, cell] : set->map()) members.insert(name.field);
  }
  return {members.begin(), members.end()};
}

Members difference_of(const Sets& sets) {
  Members members;
  if (sets.front() == nullptr) return members;
  for (const auto& [name, cell] : sets.front()->map()) {
    const std::string& member = name.field;
    const auto has = [&](const crdt::Fields* set) { return set != nullptr && set->contains(member); };
    if (std::none_of(sets.begin() + 1, sets.end(), has)) members.push_back(member);
  }
  return members;
}

enum class Operation { intersection, union_, difference };

Members compute(Operation operation, const Sets& sets) {
  switch (operation) {
    case Operation::intersection:
      return intersection_of(sets, std::numeric_limits<std::size_t>::max());
    case Operation::union_:
      return union_of(sets);
    case Operation::difference:
      break;
  }
  return difference_of(sets);
}

void reply_with(Call& call, Operation operation, Args keys) {
  const auto sets = sets_at(call, keys);
  if (!sets) return;
  const Members members = compute(operation, *sets);
  call.reply.set(members.size());
  for (const std::string_view member : members) call.reply.bulk(member);
}

void store(Call& call, Operation operation, std::string_view destination, Args keys) {
  const auto sets = sets_at(call, keys);
  if (!sets) return;
  const Members views = compute(operation, *sets);
  const std::vector<std::string> members(views.begin(), views.end());
  if (members.empty()) {
    delete_key(call, destination);
  } else {
    replace_key(call, destination);
    for (const std::string& member : members) put(call, destination, Kind::set, member, {});
  }
  call.reply.integer(static_cast<std::int64_t>(members.size()));
}

// LIMIT n behind the keys of SINTERCARD; 0 is no limit.
std::optional<std::size_t> limit_option(Call& call, Args options) {
  std::size_t limit = 0;
  for (std::size_t i = 0; i < options.size(); i += 2) {
    if (!is_word(options[i], "limit") || i + 1 == options.size()) {
      call.reply.error(syntax_error);
      return std::nullopt;
    }
    const auto value = parse_integer(options[i + 1]);
    if (!value || *value < 0) {
      call.reply.error("ERR LIMIT can't be negative");
      return std::nullopt;
    }
    limit = static_cast<std::size_t>(*value);
  }
  return limit;
}

}  // namespace

namespace handle {

void sinter(Call& call, Args args) { reply_with(call, Operation::intersection, args.subspan(1)); }
void sunion(Call& call, Args args) { reply_with(call, Operation::union_, args.subspan(1)); }
void sdiff(Call& call, Args args) { reply_with(call, Operation::difference, args.subspan(1)); }

void sinterstore(Call& call, Args args) { store(call, Operation::intersection, args[1], args.subspan(2)); }
void sunionstore(Call& call, Args args) { store(call, Operation::union_, args[1], args.subspan(2)); }
void sdiffstore(Call& call, Args args) { store(call, Operation::difference, args[1], args.subspan(2)); }

void sintercard(Call& call, Args args) {
  const auto count = parse_integer(args[1]);
  if (!count || *count < 1) return call.reply.error("ERR numkeys should be greater than 0");
  const Args rest = args.subspan(2);
  if (static_cast<std::uint64_t>(*count) > rest.size()) {
    return call.reply.error("ERR Number of keys can't be greater than number of args");
  }
  const auto keys = static_cast<std::size_t>(*count);
  const auto limit = limit_option(call, rest.subspan(keys));
  if (!limit) return;
  const auto sets = sets_at(call, rest.first(keys));
  if (!sets) return;
  const std::size_t most = *limit == 0 ? std::numeric_limits<std::size_t>::max() : *limit;
  call.reply.integer(static_cast<std::int64_t>(intersection_of(*sets, most).size()));
}

}  // namespace handle
}  // namespace turnstone::commands
