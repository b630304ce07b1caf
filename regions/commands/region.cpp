// TS.REGION: regions are added and removed while all leaders run.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "regions/commands/entries.hpp"
#include "regions/commands/handlers.hpp"
#include "regions/commands/help.hpp"
#include "regions/commands/leader_port.hpp"
#include "regions/commands/link_names.hpp"
#include "regions/commands/values.hpp"

namespace turnstone::commands {
namespace {

// Null when the region is no peer.
const sync::PeerView* peer_named(const std::vector<sync::PeerView>& peers, const std::string& region) {
  const auto peer = std::ranges::find(peers, region, &sync::PeerView::region);
  return peer == peers.end() ? nullptr : &*peer;
}

// How far it has come to be a member, or to be none any more.
std::string_view state_of(const sync::Replica& replica, const std::string& region) {
  if (replica.members().is_removed(region)) return replica.has_left(region) ? "removed" : "leaving";
  return replica.is_new(region) ? "new" : "member";
}

// Why a region cannot be removed, as an error; nothing when it can.
std::optional<std::string> not_to_be_removed(Call& call, const std::string& region, bool accept_loss) {
  const sync::Members& members = call.replica.members();
  const sync::Regions everyone = members.everyone();
  if (!everyone.contains(region)) return fmt::format("ERR there is no region '{}'", region);
  if (members.is_removed(region)) return fmt::format("ERR region '{}' was removed already", region);
  const bool is_last = std::none_of(everyone.begin(), everyone.end(), [&](const std::string& other) {
    return other != region && !members.is_removed(other);
  });
  if (is_last) return fmt::format("ERR region '{}' is the last one", region);
  const auto peers = call.replica.peers();
  const sync::PeerView* peer = peer_named(peers, region);
  if (peer != nullptr && !peer->is_heard && !accept_loss) {
    return fmt::format(
        "ERR region '{}' is not heard: what it wrote and no other region has would stay behind in its data "
        "directory. Say LOST to remove it all the same",
        region);
  }
  return std::nullopt;
}

}  // namespace

namespace handle {

void ts_region_add(Call& call, Args args) {
  if (args.size() > 5) return call.reply.error(syntax_error);
  const std::string region(args[2]);
  const sync::Members& members = call.replica.members();
  if (members.is_removed(region)) {
    return call.reply.error(
        fmt::format("ERR region '{}' was removed, and its name is not used again: take another one", region));
  }
  // One that all settings name may yet be without a record while others have theirs.
  const bool is_known = members.recorded().empty() && members.everyone().contains(region);
  if (is_known || members.find(region) != nullptr)
    return call.reply.error(fmt::format("ERR region '{}' is a member already", region));
  const auto records =
      call.leader.records_for(region, std::string(args[3]), std::string(args.size() == 5 ? args[4] : ""));
  if (!records) return call.reply.error("ERR " + records.error().message);
  if (members.recorded().size() + records->size() > sync::members_max)
    return call.reply.error(fmt::format("ERR too many regions, members_max is {}", sync::members_max));
  for (const MemberRecord& record : *records)
    call.replica.apply(crdt::AddMember{record.region, record.address, record.keys, record.founding});
  call.reply.ok();
}

void ts_region_remove(Call& call, Args args) {
  const bool accept_loss = args.size() == 4 && is_word(args[3], "lost");
  if (args.size() > 3 && !accept_loss) return call.reply.error(syntax_error);
  const std::string region(args[2]);
  if (const auto reason = not_to_be_removed(call, region, accept_loss)) return call.reply.error(*reason);
  call.replica.apply(crdt::RemoveMember{region, sync::join_regions(call.replica.members().everyone())});
  call.reply.ok();
}

void ts_region_list(Call& call, Args) {
  const sync::Replica& replica = call.replica;
  const sync::Regions everyone = replica.members().everyone();
  const auto peers = replica.peers();
  call.reply.array(everyone.size());
  for (const std::string& region : everyone) {
    const bool is_self = region == replica.config().region;
    const std::string_view state = state_of(replica, region);
    const sync::PeerView* peer = peer_named(peers, region);
    call.reply.map(7);
    entry(call, "region", region);
    entry(call, "state", state);
    entry(call, "address", call.leader.address_of(region));
    const bool is_peer = peer != nullptr;
    entry(call, "link", is_self ? "self" : is_peer ? link_name(call.leader.link_state(region)) : "none");
    entry(call, "last_heard_ms_ago", is_self ? 0 : is_peer ? heard_ms_ago(*peer, call.now_ms) : -1);
    entry(call, "lag_deltas_behind_us", is_peer ? peer->behind_us : 0);
    entry(call, "waits_for",
          state == "leaving" ? fmt::format("{}", fmt::join(replica.waited_for_by(region), ",")) : "");
  }
}

void ts_region_help(Call& call, Args) { reply_help(call, "TS.REGION", "ts.region"); }

}  // namespace handle
}  // namespace turnstone::commands
