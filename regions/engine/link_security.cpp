#include "regions/engine/link_security.hpp"

#include "regions/security/key_file.hpp"

namespace turnstone::regions {

Result<std::optional<SecretKeys>> own_keys(const Settings& settings) {
  if (settings.key_file.empty()) return std::nullopt;
  auto keys = read_key_file(settings.key_file);
  if (!keys) return tl::make_unexpected(keys.error());
  return std::optional<SecretKeys>(*std::move(keys));
}

std::vector<PeerEndpoint> peer_endpoints(const Settings& settings) {
  std::vector<PeerEndpoint> endpoints;
  for (const PeerSettings& peer : settings.peers) {
    PeerEndpoint& endpoint =
        endpoints.emplace_back(PeerEndpoint{peer.name, to_string(peer.gossip), to_string(peer.pull), {}});
    for (const PublicKeys& keys : peer.keys) endpoint.keys.push_back(keys.curve);
  }
  return endpoints;
}

std::optional<LinkKeys> link_keys(const std::optional<SecretKeys>& own, const Settings& settings) {
  if (!own) return std::nullopt;
  LinkKeys keys{own->public_keys().curve, own->curve_secret(), {}};
  for (const PeerSettings& peer : settings.peers)
    for (const PublicKeys& allowed : peer.keys) keys.allowed.emplace(allowed.curve, peer.name);
  return keys;
}

}  // namespace turnstone::regions
