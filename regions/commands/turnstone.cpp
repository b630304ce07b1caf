// The commands of our own: what a multi-leader server has that Redis has not.
#include <fmt/format.h>

#include <string>

#include "regions/commands/command_table.hpp"
#include "regions/commands/entries.hpp"
#include "regions/commands/handlers.hpp"
#include "regions/commands/leader_port.hpp"
#include "regions/commands/link_names.hpp"
#include "regions/commands/values.hpp"

namespace turnstone::commands {
namespace {

constexpr std::size_t conflicts_shown = 10;

std::string hex(const Hash128& hash) { return fmt::format("{:016x}{:016x}", hash.high, hash.low); }

constexpr std::size_t region_entries = 13;

void comparison(Call& call, const sync::ComparisonView& view) {
  entry(call, "buckets_compared", view.buckets_compared);
  entry(call, "buckets_differing", view.buckets_differing);
  entry(call, "buckets_overdue", view.buckets_overdue);
  entry(call, "sweep_age_ms", view.sweep_age_ms ? static_cast<std::int64_t>(*view.sweep_age_ms) : -1);
}

// Of this leader: the copy of another region's state that it takes, as far as it has come.
void mirror(Call& call) {
  const MirrorView view = call.leader.mirror();
  entry(call, "mirror", view.state);
  entry(call, "mirror_source", view.source);
  entry(call, "mirror_bytes", view.bytes);
  entry(call, "mirror_total_bytes", view.total_bytes);
}

void reply_self(Call& call) {
  const sync::Replica& replica = call.replica;
  call.reply.map(region_entries + 4);
  entry(call, "region", replica.config().region);
  entry(call, "self", std::int64_t{1});
  entry(call, "origin", to_string(replica.config().origin));
  entry(call, "link", "self");
  entry(call, "last_heard_ms_ago", std::int64_t{0});
  entry(call, "lag_deltas_behind_us", std::int64_t{0});
  entry(call, "lag_deltas_ahead_of_us", std::int64_t{0});
  entry(call, "clock_skew_ms", std::int64_t{0});
  comparison(call, {0, 0, 0, 0});
  mirror(call);
  entry(call, "vector", to_string(replica.vector()));
}

void reply_peer(Call& call, const sync::PeerView& peer) {
  call.reply.map(region_entries);
  entry(call, "region", peer.region);
  entry(call, "self", std::int64_t{0});
  entry(call, "origin", peer.heard_ms == 0 ? std::string() : to_string(peer.origin));
  entry(call, "link", link_name(call.leader.link_state(peer.region)));
  entry(call, "last_heard_ms_ago", heard_ms_ago(peer, call.now_ms));
  entry(call, "lag_deltas_behind_us", peer.behind_us);
  entry(call, "lag_deltas_ahead_of_us", peer.ahead_of_us);
  entry(call, "clock_skew_ms", peer.clock_skew_ms);
  comparison(call, call.replica.divergence().about(peer.region));
  entry(call, "vector", to_string(peer.durable));
}

std::string_view operation_of(const crdt::ConflictSide& side) {
  if (side.is_delete) return "delete";
  return side.is_increment ? "increment" : "write";
}

void reply_side(Call& call, const crdt::ConflictSide& side) {
  call.reply.map(6);
  entry(call, "region", call.replica.region_of(side.id.operation.origin));
  entry(call, "origin", to_string(side.id.operation.origin));
  entry(call, "hlc_ms", hlc_ms(side.hlc));
  entry(call, "kind", crdt::name(side.kind));
  entry(call, "operation", operation_of(side));
  call.reply.bulk("value");
  if (side.is_delete) return call.reply.null();
  call.reply.bulk(side.value);
}

void reply_conflict(Call& call, const audit::Entry& recorded) {
  const crdt::Conflict& conflict = recorded.conflict;
  const crdt::ConflictSide& winner = conflict.first_wins ? conflict.first : conflict.second;
  call.reply.map(8);
  entry(call, "id", hex(conflict.id));
  entry(call, "type", crdt::name(conflict.type));
  entry(call, "key", conflict.key);
  entry(call, "field", conflict.field);
  call.reply.bulk("values");
  call.reply.array(2);
  reply_side(call, conflict.first);
  reply_side(call, conflict.second);
  entry(call, "winner", conflict.first_wins ? "first" : "second");
  entry(call, "winning_value", winner.value);
  entry(call, "at_ms", recorded.at_ms);
}

// COUNT n; nothing after an error reply.
std::optional<std::size_t> count_option(Call& call, Args options) {
  if (options.empty()) return conflicts_shown;
  if (options.size() != 2 || !is_word(options[0], "count")) {
    call.reply.error(syntax_error);
    return std::nullopt;
  }
  const auto count = integer_argument(call, options[1]);
  if (!count) return std::nullopt;
  if (*count < 0) {
    call.reply.error("ERR value is out of range, must be positive");
    return std::nullopt;
  }
  return static_cast<std::size_t>(*count);
}

}  // namespace

namespace handle {

void ts_regions(Call& call, Args) {
  const auto peers = call.replica.peers();
  call.reply.array(1 + peers.size());
  reply_self(call);
  for (const sync::PeerView& peer : peers) reply_peer(call, peer);
}

void ts_conflicts(Call& call, Args args) {
  const auto count = count_option(call, args.subspan(1));
  if (!count) return;
  const auto conflicts = call.leader.newest_conflicts(*count);
  call.reply.array(conflicts.size());
  for (const audit::Entry& conflict : conflicts) reply_conflict(call, conflict);
}

void ts_link(Call& call, Args args) {
  const bool cut = is_word(args[1], "cut");
  if (!cut && !is_word(args[1], "heal")) return call.reply.error("ERR syntax error: TS.LINK CUT|HEAL peer");
  const auto done = call.leader.control_link(args[2], cut ? LinkAction::cut : LinkAction::heal);
  if (!done) return call.reply.error("ERR " + done.error().message);
  call.reply.ok();
}

void ts_digest(Call& call, Args) {
  call.reply.map(3);
  entry(call, "digest", hex(call.replica.keyspace().digest()));
  entry(call, "vector", to_string(call.replica.full_vector()));
  entry(call, "keys", static_cast<std::uint64_t>(call.replica.keyspace().size()));
}

void ts_help(Call& call, Args) {
  static constexpr std::string_view lines[] = {
      "TS.REGIONS",
      "    The regions, this one first: version vector, lag and link of each.",
      "TS.REGION ADD|REMOVE|LIST ...",
      "    What `turnstone region` asks leaders: regions join and leave while all run.",
      "    TS.REGION HELP has the details.",
      "TS.CONFLICTS [COUNT n]",
      "    The newest conflicts on record here: both values, the winner and the reason.",
      "TS.AUDIT LIST|SHOW|STATS ...",
      "    All conflicts on record, by key, region, type, rule and time; what `turnstone audit`",
      "    asks leaders. TS.AUDIT HELP has the details.",
      "TS.POLICY SET|UNSET|LIST|WHICH ...",
      "    By which rule siblings of the keys of a pattern become one value. TS.POLICY HELP has the",
      "    details.",
      "TS.MERGE LOAD|LIST|SHOW|RETIRE ...",
      "    Functions in Lua that policies name. TS.MERGE HELP has the details.",
      "TS.SIBLINGS key [FIELD name | MEMBER name]",
      "    All that concurrent writes left at a key: values, regions, clocks.",
      "TS.RESOLVE key [FIELD name | MEMBER name] VALUE value | TAKE id | DELETE",
      "           [BY person] [CONFLICT id] ALL | SIBLINGS id [id ...]",
      "    Writes in the place of these siblings; others stay.",
      "TS.DIGEST",
      "    The digest of the whole state. Leaders with equal vectors have equal digests. This",
      "    vector also names the runs of leaders that ended, which TS.REGIONS leaves out.",
      "TS.VERIFY DIGESTS|ROWS|REPAIR ...",
      "    What `turnstone verify` asks leaders: digests of buckets, rows of one, and to replace",
      "    those that differ. TS.VERIFY HELP has the details.",
      "TS.LINK CUT|HEAL peer",
      "    For demos and tests: stop, or go on, hearing from, asking and answering a peer.",
      "    Refused unless the leader was started with --allow-link-control.",
      "TS.HELP",
      "    This text.",
  };
  call.reply.array(std::size(lines));
  for (const std::string_view line : lines) call.reply.simple(line);
}

}  // namespace handle
}  // namespace turnstone::commands
