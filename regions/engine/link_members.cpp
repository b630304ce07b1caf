#include "regions/engine/link_members.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>
#include <utility>

#include "regions/settings/values.hpp"

namespace turnstone::regions {
namespace {

const PeerSettings* find(const Settings& settings, const std::string& region) {
  const auto found = std::ranges::find(settings.peers, region, &PeerSettings::name);
  return found == settings.peers.end() ? nullptr : &*found;
}

}  // namespace

LinkMembers link_members(const Settings& settings, const sync::Replica& replica) {
  LinkMembers members;
  for (const std::string& region : replica.members().everyone()) {
    if (region == settings.region) continue;
    const bool is_peer = replica.is_peer(region);
    auto& list = is_peer ? members.peers : members.gone;
    if (const PeerSettings* known = find(settings, region)) {
      list.push_back(*known);
    } else if (const sync::Member* member = replica.members().find(region)) {
      auto peer = peer_of_record(region, member->address, member->keys, !settings.key_file.empty());
      if (peer) {
        list.push_back(*std::move(peer));
      } else if (is_peer) {
        members.complaints.push_back(
            fmt::format("there is no link to region '{}': {}; name it as a peer in the settings", region,
                        peer.error().message));
      }
    }
  }
  return members;
}

Result<PeerSettings> peer_of_record(const std::string& region, const std::string& address,
                                    const std::string& keys, bool encrypted) {
  if (!is_name(region))
    return fail(Errc::config,
                fmt::format("\"{}\" is no name of a region: 1 to 32 of a-z, 0-9 and -", region));
  if (address.empty()) return fail(Errc::config, "its address is not known");
  auto peer = parse_peer(region + "=" + address);
  if (!peer) return peer;
  std::istringstream words(keys);
  for (std::string word; words >> word;) {
    const auto parsed = parse_public_keys(word);
    if (!parsed) return tl::make_unexpected(parsed.error());
    peer->keys.push_back(*parsed);
  }
  if (encrypted == peer->keys.empty()) {
    return fail(Errc::config, encrypted ? "links are encrypted here, and its public key is not known"
                                        : "it has a public key, and links are in clear here");
  }
  return peer;
}

std::string record_address(const PeerSettings& peer) {
  // Where everything is listened to it is not known how others get there.
  const auto is_everywhere = [](const Endpoint& at) { return at.host == "0.0.0.0" || at.host == "::"; };
  if (is_everywhere(peer.gossip) || is_everywhere(peer.pull)) return {};
  return to_string(peer.gossip) + "," + to_string(peer.pull);
}

std::string record_keys(const PeerSettings& peer) {
  std::string text;
  for (const PublicKeys& keys : peer.keys) text += (text.empty() ? "" : " ") + to_string(keys);
  return text;
}

}  // namespace turnstone::regions
