#include "regions/settings/settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

namespace turnstone::regions {
namespace {

using Problems = std::vector<std::string>;

constexpr std::size_t name_bytes_max = 32;
// The one in use, and the next one while the peer changes over.
constexpr std::size_t peer_keys_max = 2;

void check_name(std::string_view what, std::string_view name, Problems& problems) {
  if (!is_name(name))
    problems.push_back(fmt::format("{} \"{}\" must be 1 to 32 characters of a-z, 0-9 and \"-\"", what, name));
}

void check_peers(const Settings& settings, Problems& problems) {
  const auto& peers = settings.peers;
  for (auto peer = peers.begin(); peer != peers.end(); ++peer) {
    check_name("peer", peer->name, problems);
    if (peer->name == settings.region)
      problems.push_back(fmt::format("peer {} is this leader's own region", peer->name));
    for (const Endpoint* address : {&peer->gossip, &peer->pull})
      if (*address == settings.gossip || *address == settings.pull || *address == settings.resp)
        problems.push_back(
            fmt::format("peer {} at {} is this leader's own address", peer->name, to_string(*address)));
    for (auto other = peers.begin(); other != peer; ++other) {
      if (other->name == peer->name) problems.push_back(fmt::format("peer {} is named twice", peer->name));
      if (other->gossip == peer->gossip)
        problems.push_back(fmt::format("peers {} and {} have the same address {}", other->name, peer->name,
                                       to_string(peer->gossip)));
    }
  }
}

void check_doors_differ(const Settings& settings, Problems& problems) {
  const std::pair<std::string_view, const Endpoint*> doors[] = {
      {"resp", &settings.resp}, {"gossip", &settings.gossip}, {"pull", &settings.pull}};
  for (const auto* a = std::begin(doors); a != std::end(doors); ++a)
    for (const auto* b = std::begin(doors); b != a; ++b)
      if (clash(*a->second, *b->second))
        problems.push_back(
            fmt::format("{} and {} cannot both listen on {}", b->first, a->first, to_string(*a->second)));
}

void check_keys(const Settings& settings, Problems& problems) {
  std::map<Key32, std::string> owners;
  for (const PeerSettings& peer : settings.peers) {
    if (settings.key_file.empty() && !peer.keys.empty())
      problems.push_back(
          fmt::format("peer {} has a key and this leader has none: name its key_file", peer.name));
    if (!settings.key_file.empty() && peer.keys.empty())
      problems.push_back(
          fmt::format("peer {} has no key: name the one that turnstone keygen printed for it", peer.name));
    if (peer.keys.size() > peer_keys_max)
      problems.push_back(fmt::format("peer {} has {} keys; more than {} are never valid at once", peer.name,
                                     peer.keys.size(), peer_keys_max));
    for (const PublicKeys& keys : peer.keys)
      for (const Key32& key : {keys.curve, keys.signing})
        if (const auto [owner, added] = owners.try_emplace(key, peer.name); !added)
          problems.push_back(
              owner->second == peer.name
                  ? fmt::format("peer {} has the same key twice", peer.name)
                  : fmt::format("peers {} and {} have the same key: then each could speak as the "
                                "other",
                                owner->second, peer.name));
  }
  for (const RegionKey& earlier : settings.earlier_keys) {
    check_name("the region of an earlier_key", earlier.region, problems);
    for (const Key32& key : {earlier.keys.curve, earlier.keys.signing})
      if (const auto [owner, added] = owners.try_emplace(key, earlier.region);
          !added && owner->second != earlier.region) {
        problems.push_back(
            fmt::format("{} has an earlier_key that is a key of {}: then each could write as the "
                        "other",
                        earlier.region, owner->second));
        break;
      }
  }
}

// Peers' addresses count for the gossip door: over a link in clear anybody on the way
// can write as that peer.
std::vector<std::string> gossip_outside(const Settings& settings) {
  std::vector<std::string> outside;
  if (!is_loopback(settings.gossip)) outside.push_back("gossip " + to_string(settings.gossip));
  if (!is_loopback(settings.pull)) outside.push_back("pull " + to_string(settings.pull));
  for (const PeerSettings& peer : settings.peers) {
    const Endpoint& address = is_loopback(peer.gossip) ? peer.pull : peer.gossip;
    if (!is_loopback(address)) outside.push_back(fmt::format("peer {} at {}", peer.name, to_string(address)));
  }
  return outside;
}

void check_exposure(const Settings& settings, Problems& problems) {
  if (!is_loopback(settings.resp)) {
    if (!settings.resp_without_tls)
      problems.push_back(fmt::format(
          "resp {} is not a loopback address, and this release has no TLS: passwords and data would "
          "travel in clear. Listen on 127.0.0.1, or accept that with --resp-without-tls",
          to_string(settings.resp)));
    if (settings.requirepass.empty())
      problems.push_back(
          fmt::format("resp {} is not a loopback address and there is no password: set --requirepass-file",
                      to_string(settings.resp)));
  }
  if (settings.gossip_without_curve || !settings.key_file.empty()) return;
  for (const std::string& door : gossip_outside(settings))
    problems.push_back(fmt::format(
        "{} is not a loopback address and there is no key file: anybody who reaches the link could "
        "read and write as a peer. Make keys with turnstone keygen and name them with --key-file, use "
        "127.0.0.1, or accept that with --gossip-without-curve",
        door));
}

void check_limits(const Settings& settings, Problems& problems) {
  if (settings.client_output_bytes_max < settings.value_bytes_max)
    problems.push_back(fmt::format(
        "client_output_bytes_max ({} bytes) is smaller than value_bytes_max ({} bytes): a client that "
        "reads such a value would be disconnected",
        settings.client_output_bytes_max, settings.value_bytes_max));
}

}  // namespace

bool is_name(std::string_view text) {
  const auto allowed = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
  return !text.empty() && text.size() <= name_bytes_max && std::ranges::all_of(text, allowed);
}

std::vector<std::string> check_settings(const Settings& settings) {
  Problems problems;
  if (settings.region.empty())
    problems.emplace_back("region is not set: name this leader's region with --region");
  else
    check_name("region", settings.region, problems);
  check_name("cluster", settings.cluster, problems);
  if (settings.data_directory.empty())
    problems.emplace_back("data is not set: name the directory for this leader's files with --data");
  if (settings.join && settings.peers.empty())
    problems.emplace_back("join is set and there is no peer to take the data from: name one with --peer");
  check_doors_differ(settings, problems);
  check_peers(settings, problems);
  check_keys(settings, problems);
  check_exposure(settings, problems);
  check_limits(settings, problems);
  return problems;
}

std::vector<std::string> exceptions_used(const Settings& settings) {
  std::vector<std::string> used;
  if (settings.resp_without_tls && !is_loopback(settings.resp))
    used.push_back(
        fmt::format("resp_without_tls: Redis clients at {} are not encrypted", to_string(settings.resp)));
  if (settings.gossip_without_curve && settings.key_file.empty())
    for (const std::string& door : gossip_outside(settings))
      used.push_back(fmt::format("gossip_without_curve: {} is neither encrypted nor authenticated", door));
  return used;
}

std::uint64_t disk_reserve(const Settings& settings, std::uint64_t capacity_bytes) {
  constexpr std::uint64_t automatic_max = 256ull * 1024 * 1024;
  return settings.disk_reserve_bytes.value_or(std::min(automatic_max, capacity_bytes / 20));
}

}  // namespace turnstone::regions
