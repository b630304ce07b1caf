#include "regions/commands/command_table.hpp"

#include <array>
#include <unordered_map>

#include "regions/commands/handlers.hpp"
#include "regions/commands/values.hpp"

namespace turnstone::commands {
namespace {

constexpr std::uint8_t flags(auto... flag) {
  return static_cast<std::uint8_t>((0 | ... | static_cast<int>(flag)));
}

constexpr auto slow_write = flags(Flag::write);
constexpr auto fast_write = flags(Flag::write, Flag::fast);
constexpr auto slow_read = flags(Flag::readonly);
constexpr auto fast_read = flags(Flag::readonly, Flag::fast);
constexpr auto plain = flags();
constexpr auto fast = flags(Flag::fast);
constexpr auto admin = flags(Flag::admin);
constexpr auto at_once = flags(Flag::immediate);
constexpr auto admin_write = flags(Flag::admin, Flag::write);
constexpr auto before_auth = flags(Flag::fast, Flag::no_auth);

constexpr KeyRange no_keys{};
constexpr KeyRange one_key{1, 1, 1};
constexpr KeyRange two_keys{1, 2, 1};
constexpr KeyRange all_keys{1, -1, 1};
constexpr KeyRange key_value_pairs{1, -1, 2};

// clang-format off
constexpr Command table[] = {
    {"get", 2, fast_read, one_key, "string", "1.0.0", "Returns the string at a key.", handle::get},
    {"set", -3, slow_write, one_key, "string", "1.0.0", "Sets a key to a string, whatever it held.", handle::set},
    {"setnx", 3, fast_write, one_key, "string", "1.0.0", "Sets a key that does not exist.", handle::setnx},
    {"getset", 3, fast_write, one_key, "string", "1.0.0", "Sets a key and returns the string before.", handle::getset},
    {"getdel", 2, fast_write, one_key, "string", "6.2.0", "Returns the string at a key and deletes the key.", handle::getdel},
    {"mget", -2, fast_read, all_keys, "string", "1.0.0", "Returns the strings at several keys.", handle::mget},
    {"mset", -3, slow_write, key_value_pairs, "string", "1.0.1", "Sets several keys at once.", handle::mset},
    {"append", 3, fast_write, one_key, "string", "2.0.0", "Appends to the string at a key.", handle::append},
    {"strlen", 2, fast_read, one_key, "string", "2.2.0", "Returns the length of the string at a key.", handle::strlen},
    {"incr", 2, fast_write, one_key, "string", "1.0.0", "Adds one to a counter.", handle::incr},
    {"decr", 2, fast_write, one_key, "string", "1.0.0", "Takes one from a counter.", handle::decr},
    {"incrby", 3, fast_write, one_key, "string", "1.0.0", "Adds an integer to a counter.", handle::incrby},
    {"decrby", 3, fast_write, one_key, "string", "1.0.0", "Takes an integer from a counter.", handle::decrby},
    {"incrbyfloat", 3, fast_write, one_key, "string", "2.6.0", "Adds a decimal number to a counter, exactly.", handle::incrbyfloat},

    {"del", -2, slow_write, all_keys, "generic", "1.0.0", "Deletes keys.", handle::del},
    {"unlink", -2, fast_write, all_keys, "generic", "4.0.0", "Deletes keys.", handle::del},
    {"exists", -2, fast_read, all_keys, "generic", "1.0.0", "Counts those of the keys that exist.", handle::exists},
    {"type", 2, fast_read, one_key, "generic", "1.0.0", "Returns the type of the value at a key.", handle::type},
    {"keys", 2, slow_read, no_keys, "generic", "1.0.0", "Returns the keys that match a pattern.", handle::keys},
    {"scan", -2, slow_read, no_keys, "generic", "2.8.0", "Walks through the keys in steps.", handle::scan},
    {"rename", 3, slow_write, two_keys, "generic", "1.0.0", "Moves the value at a key to another key.", handle::rename},
    {"randomkey", 1, slow_read, no_keys, "generic", "1.0.0", "Returns some key.", handle::randomkey},
    {"dbsize", 1, fast_read, no_keys, "server", "1.0.0", "Counts the keys.", handle::dbsize},
    {"flushdb", -1, slow_write, no_keys, "server", "1.0.0", "Deletes every key.", handle::flush},
    {"flushall", -1, slow_write, no_keys, "server", "1.0.0", "Deletes every key.", handle::flush},

    {"sadd", -3, fast_write, one_key, "set", "1.0.0", "Adds members to a set.", handle::sadd},
    {"srem", -3, fast_write, one_key, "set", "1.0.0", "Removes members from a set.", handle::srem},
    {"smembers", 2, slow_read, one_key, "set", "1.0.0", "Returns the members of a set.", handle::smembers},
    {"sismember", 3, fast_read, one_key, "set", "1.0.0", "Tells whether a set has a member.", handle::sismember},
    {"smismember", -3, fast_read, one_key, "set", "6.2.0", "Tells which of the members a set has.", handle::smismember},
    {"scard", 2, fast_read, one_key, "set", "1.0.0", "Counts the members of a set.", handle::scard},
    {"srandmember", -2, slow_read, one_key, "set", "1.0.0", "Returns random members of a set.", handle::srandmember},
    {"spop", -2, fast_write, one_key, "set", "1.0.0", "Removes and returns random members of a set.", handle::spop},
    {"smove", 4, fast_write, two_keys, "set", "1.0.0", "Moves a member from one set to another.", handle::smove},
    {"sscan", -3, slow_read, one_key, "set", "2.8.0", "Walks through the members of a set in steps.", handle::sscan},
    {"sinter", -2, slow_read, all_keys, "set", "1.0.0", "Returns the members that all sets have.", handle::sinter},
    {"sintercard", -3, slow_read, no_keys, "set", "7.0.0", "Counts the members that all sets have.", handle::sintercard},
    {"sinterstore", -3, slow_write, all_keys, "set", "1.0.0", "Stores the members that all sets have.", handle::sinterstore},
    {"sunion", -2, slow_read, all_keys, "set", "1.0.0", "Returns the members that some set has.", handle::sunion},
    {"sunionstore", -3, slow_write, all_keys, "set", "1.0.0", "Stores the members that some set has.", handle::sunionstore},
    {"sdiff", -2, slow_read, all_keys, "set", "1.0.0", "Returns the members that only the first set has.", handle::sdiff},
    {"sdiffstore", -3, slow_write, all_keys, "set", "1.0.0", "Stores the members that only the first set has.", handle::sdiffstore},

    {"hset", -4, fast_write, one_key, "hash", "2.0.0", "Sets fields of a hash.", handle::hset},
    {"hmset", -4, fast_write, one_key, "hash", "2.0.0", "Sets fields of a hash.", handle::hmset},
    {"hsetnx", 4, fast_write, one_key, "hash", "2.0.0", "Sets a field that does not exist.", handle::hsetnx},
    {"hget", 3, fast_read, one_key, "hash", "2.0.0", "Returns the value of a field.", handle::hget},
    {"hmget", -3, fast_read, one_key, "hash", "2.0.0", "Returns the values of several fields.", handle::hmget},
    {"hgetall", 2, slow_read, one_key, "hash", "2.0.0", "Returns the fields and values of a hash.", handle::hgetall},
    {"hdel", -3, fast_write, one_key, "hash", "2.0.0", "Deletes fields of a hash.", handle::hdel},
    {"hexists", 3, fast_read, one_key, "hash", "2.0.0", "Tells whether a hash has a field.", handle::hexists},
    {"hlen", 2, fast_read, one_key, "hash", "2.0.0", "Counts the fields of a hash.", handle::hlen},
    {"hkeys", 2, slow_read, one_key, "hash", "2.0.0", "Returns the fields of a hash.", handle::hkeys},
    {"hvals", 2, slow_read, one_key, "hash", "2.0.0", "Returns the values of a hash.", handle::hvals},
    {"hstrlen", 3, fast_read, one_key, "hash", "3.2.0", "Returns the length of the value of a field.", handle::hstrlen},
    {"hincrby", 4, fast_write, one_key, "hash", "2.0.0", "Adds an integer to a field.", handle::hincrby},
    {"hincrbyfloat", 4, fast_write, one_key, "hash", "2.6.0", "Adds a decimal number to a field, exactly.", handle::hincrbyfloat},
    {"hscan", -3, slow_read, one_key, "hash", "2.8.0", "Walks through the fields of a hash in steps.", handle::hscan},
    {"hrandfield", -2, slow_read, one_key, "hash", "6.2.0", "Returns random fields of a hash.", handle::hrandfield},

    {"multi", 1, flags(Flag::fast, Flag::immediate), no_keys, "transactions", "1.2.0", "Begins a transaction.", handle::multi},
    {"exec", 1, flags(Flag::atomic, Flag::immediate), no_keys, "transactions", "1.2.0", "Runs the queued commands as one operation.", handle::exec},
    {"discard", 1, flags(Flag::fast, Flag::immediate), no_keys, "transactions", "2.0.0", "Forgets the queued commands.", handle::discard},
    {"watch", -2, flags(Flag::fast, Flag::immediate), all_keys, "transactions", "2.2.0", "Makes EXEC depend on keys not changing.", handle::watch},
    {"unwatch", 1, fast, no_keys, "transactions", "2.2.0", "Forgets the watched keys.", handle::unwatch},

    {"ping", -1, fast, no_keys, "connection", "1.0.0", "Returns PONG, or the message.", handle::ping},
    {"echo", 2, fast, no_keys, "connection", "1.0.0", "Returns the message.", handle::echo},
    {"hello", -1, before_auth, no_keys, "connection", "6.0.0", "Chooses the protocol and introduces the client.", handle::hello},
    {"auth", -2, before_auth, no_keys, "connection", "1.0.0", "Authenticates the connection.", handle::auth},
    {"select", 2, fast, no_keys, "connection", "1.0.0", "Chooses the database; there is only 0.", handle::select},
    {"quit", -1, flags(Flag::fast, Flag::no_auth, Flag::immediate), no_keys, "connection", "1.0.0", "Closes the connection.", handle::quit},
    {"reset", 1, flags(Flag::fast, Flag::no_auth, Flag::immediate), no_keys, "connection", "6.2.0", "Makes the connection as good as new.", handle::reset},
    {"client", -2, plain, no_keys, "connection", "2.4.0", "Commands about connections.", nullptr},
    {"client|id", 2, plain, no_keys, "connection", "5.0.0", "Returns the id of this connection.", handle::client_id},
    {"client|setname", 3, plain, no_keys, "connection", "2.6.9", "Names this connection.", handle::client_setname},
    {"client|getname", 2, plain, no_keys, "connection", "2.6.9", "Returns the name of this connection.", handle::client_getname},
    {"client|setinfo", 4, plain, no_keys, "connection", "7.2.0", "Notes the client's library or its version.", handle::client_setinfo},
    {"client|list", -2, admin, no_keys, "connection", "2.4.0", "Lists the connections.", handle::client_list},
    {"client|info", 2, plain, no_keys, "connection", "6.2.0", "Describes this connection.", handle::client_info},
    {"client|no-evict", 3, admin, no_keys, "connection", "7.0.0", "Marks this connection as one to keep.", handle::client_no_evict},
    {"client|help", 2, plain, no_keys, "connection", "5.0.0", "Explains the subcommands.", handle::client_help},

    {"command", -1, plain, no_keys, "server", "2.8.13", "Describes the commands.", handle::command},
    {"command|count", 2, plain, no_keys, "server", "2.8.13", "Counts the commands.", handle::command_count},
    {"command|docs", -2, plain, no_keys, "server", "7.0.0", "Returns what commands are for.", handle::command_docs},
    {"command|info", -2, plain, no_keys, "server", "2.8.13", "Describes some commands.", handle::command_info},
    {"command|list", 2, plain, no_keys, "server", "7.0.0", "Lists the names of the commands.", handle::command_list},
    {"command|help", 2, plain, no_keys, "server", "5.0.0", "Explains the subcommands.", handle::command_help},
    {"config", -2, plain, no_keys, "server", "2.0.0", "Commands about the configuration.", nullptr},
    {"config|get", -3, admin, no_keys, "server", "2.0.0", "Returns the settings that match patterns.", handle::config_get},
    {"config|set", -4, admin, no_keys, "server", "2.0.0", "Refused: settings change with a restart.", handle::config_set},
    {"config|resetstat", 2, admin, no_keys, "server", "2.0.0", "Sets the statistics to zero.", handle::config_resetstat},
    {"config|help", 2, plain, no_keys, "server", "5.0.0", "Explains the subcommands.", handle::config_help},
    {"info", -1, plain, no_keys, "server", "1.0.0", "Describes the leader and its state.", handle::info},
    {"time", 1, fast, no_keys, "server", "2.6.0", "Returns the leader's clock.", handle::time},

    {"ts.regions", 1, plain, no_keys, "turnstone", "0.1.0", "Describes the regions: vectors, lag, links.", handle::ts_regions},
    {"ts.audit", -2, plain, no_keys, "turnstone", "0.1.0", "The record of conflicts.", nullptr},
    {"ts.audit|list", -2, at_once, no_keys, "turnstone", "0.1.0", "Returns conflicts, and where to go on: [KEY pattern] [REGION name] [TYPE name] [RULE pattern] [CLOCK yes|no] [OPEN yes|no] [FROM ms] [BEFORE ms] [FOUND-FROM ms] [OLDEST] [BEYOND place] [COUNT n].", handle::ts_audit_list},
    {"ts.audit|records", -2, at_once, no_keys, "turnstone", "0.1.0", "The same for turnstone audit, as they are stored; or one: ID id.", handle::ts_audit_records},
    {"ts.audit|show", 3, at_once, no_keys, "turnstone", "0.1.0", "Returns one conflict: id.", handle::ts_audit_show},
    {"ts.audit|stats", -2, at_once, no_keys, "turnstone", "0.1.0", "Returns how many conflicts there are of each sort; conditions as for LIST.", handle::ts_audit_stats},
    {"ts.audit|help", 2, plain, no_keys, "turnstone", "0.1.0", "Explains the subcommands.", handle::ts_audit_help},
    {"ts.conflicts", -1, plain, no_keys, "turnstone", "0.1.0", "Returns the newest conflicts on record.", handle::ts_conflicts},
    {"ts.link", 3, admin, no_keys, "turnstone", "0.1.0", "Cuts or heals the link to a peer, for demos and tests.", handle::ts_link},
    {"ts.digest", 1, slow_read, no_keys, "turnstone", "0.1.0", "Returns the digest of the whole state.", handle::ts_digest},
    {"ts.verify", -2, plain, no_keys, "turnstone", "0.1.0", "Commands of turnstone verify.", nullptr},
    {"ts.verify|digests", 4, admin, no_keys, "turnstone", "0.1.0", "Returns the digests of quiet buckets: FIRST COUNT.", handle::ts_verify_digests},
    {"ts.verify|rows", -3, admin, no_keys, "turnstone", "0.1.0", "Returns rows of a bucket: BUCKET [KEY KIND FIELD].", handle::ts_verify_rows},
    {"ts.verify|repair", -6, admin, no_keys, "turnstone", "0.1.0", "Replaces rows that differ: BUCKET ORIGIN TOUCHED DIGEST (KEY KIND FIELD ROW)...", handle::ts_verify_repair},
    {"ts.verify|help", 2, plain, no_keys, "turnstone", "0.1.0", "Explains the subcommands.", handle::ts_verify_help},
    {"ts.region", -2, plain, no_keys, "turnstone", "0.1.0", "Commands of turnstone region.", nullptr},
    {"ts.region|add", -4, admin_write, no_keys, "turnstone", "0.1.0", "Adds a region: NAME HOST:PORT[,HOST:PULLPORT] [PUBLICKEY].", handle::ts_region_add},
    {"ts.region|remove", -3, admin_write, no_keys, "turnstone", "0.1.0", "Removes a region for good: NAME [LOST].", handle::ts_region_remove},
    {"ts.region|list", 2, plain, no_keys, "turnstone", "0.1.0", "Lists the members, and those that were removed.", handle::ts_region_list},
    {"ts.region|help", 2, plain, no_keys, "turnstone", "0.1.0", "Explains the subcommands.", handle::ts_region_help},
    {"ts.policy", -2, plain, no_keys, "turnstone", "0.1.0", "Commands of turnstone policy.", nullptr},
    {"ts.policy|set", 4, admin_write, no_keys, "turnstone", "0.1.0", "Says by which rule siblings become one value: PATTERN RULE.", handle::ts_policy_set},
    {"ts.policy|unset", 3, admin_write, no_keys, "turnstone", "0.1.0", "Removes the policy of a pattern.", handle::ts_policy_unset},
    {"ts.policy|list", 2, plain, no_keys, "turnstone", "0.1.0", "Lists the policies.", handle::ts_policy_list},
    {"ts.policy|which", 3, plain, no_keys, "turnstone", "0.1.0", "Returns the policy of a key.", handle::ts_policy_which},
    {"ts.policy|help", 2, plain, no_keys, "turnstone", "0.1.0", "Explains the subcommands.", handle::ts_policy_help},
    {"ts.merge", -2, plain, no_keys, "turnstone", "0.1.0", "Commands of turnstone merge.", nullptr},
    {"ts.merge|load", 4, admin_write, no_keys, "turnstone", "0.1.0", "Loads a version of a function in Lua: NAME SOURCE.", handle::ts_merge_load},
    {"ts.merge|list", 2, plain, no_keys, "turnstone", "0.1.0", "Lists the functions that were loaded.", handle::ts_merge_list},
    {"ts.merge|show", 3, plain, no_keys, "turnstone", "0.1.0", "Returns a function with its source.", handle::ts_merge_show},
    {"ts.merge|retire", 3, admin_write, no_keys, "turnstone", "0.1.0", "Removes a version that no policy names.", handle::ts_merge_retire},
    {"ts.merge|help", 2, plain, no_keys, "turnstone", "0.1.0", "Explains the subcommands.", handle::ts_merge_help},
    {"ts.siblings", -2, slow_read, one_key, "turnstone", "0.1.0", "Returns the siblings at a key: KEY [FIELD name|MEMBER name].", handle::ts_siblings},
    {"ts.resolve", -5, slow_write, one_key, "turnstone", "0.1.0", "Writes in the place of siblings: KEY [FIELD name|MEMBER name] VALUE value|TAKE id|DELETE [BY person] [CONFLICT id] ALL|SIBLINGS id...", handle::ts_resolve},
    {"ts.help", 1, plain, no_keys, "turnstone", "0.1.0", "Explains the commands of Turnstone's own.", handle::ts_help},
};
// clang-format on

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

struct NameHash {
  std::size_t operator()(std::string_view name) const {
    std::uint64_t hash = 14695981039346656037u;  // FNV-1a
    for (const char c : name) hash = (hash ^ static_cast<unsigned char>(lower(c))) * 1099511628211u;
    return hash;
  }
};
struct NameEqual {
  bool operator()(std::string_view a, std::string_view b) const {
    return a.size() == b.size() &&
           std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
  }
};
using Index = std::unordered_map<std::string_view, const Command*, NameHash, NameEqual>;

Index make_index() {
  Index index;
  for (const Command& command : table) {
    if (!command.is_subcommand()) index.emplace(command.name, &command);
  }
  return index;
}

}  // namespace

bool Command::accepts(std::size_t args) const {
  return arity >= 0 ? args == static_cast<std::size_t>(arity) : args >= static_cast<std::size_t>(-arity);
}

Command::KeyIndexes Command::key_indexes(std::size_t args) const {
  if (keys.first == 0) return {0, 0, 1};
  const std::size_t last =
      keys.last > 0 ? static_cast<std::size_t>(keys.last) : args - static_cast<std::size_t>(-keys.last);
  return {static_cast<std::size_t>(keys.first), last + 1, static_cast<std::size_t>(keys.step)};
}

std::span<const Command> all_commands() { return table; }

const Command* find_command(std::string_view name) {
  static const Index index = make_index();
  const auto it = index.find(name);
  return it == index.end() ? nullptr : it->second;
}

std::span<const Command> subcommands(const Command& parent) {
  const Command* const first = &parent + 1;
  const Command* last = first;
  const auto belongs = [&](const Command& row) {
    return row.name.size() > parent.name.size() && row.name[parent.name.size()] == '|' &&
           row.name.starts_with(parent.name);
  };
  while (last != std::end(table) && belongs(*last)) ++last;
  return {first, last};
}

const Command* find_subcommand(const Command& parent, std::string_view name) {
  for (const Command& row : subcommands(parent)) {
    if (is_word(name, row.name.substr(parent.name.size() + 1))) return &row;
  }
  return nullptr;
}

}  // namespace turnstone::commands
