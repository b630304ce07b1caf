#include "regions/engine/link_security.hpp"

#include <utility>

#include "regions/security/key_file.hpp"

namespace turnstone::regions {

Result<std::shared_ptr<KeyRing>> key_ring(const Settings& settings) {
  if (settings.key_file.empty()) return nullptr;
  auto own = read_key_file(settings.key_file);
  if (!own) return tl::make_unexpected(own.error());
  SigningKeys trusted = signing_keys(*own, settings, {settings.peers, {}, {}});
  return std::make_shared<KeyRing>(*std::move(own), std::move(trusted));
}

SigningKeys signing_keys(const SecretKeys& own, const Settings& settings, const LinkMembers& members) {
  SigningKeys trusted;
  trusted[settings.region].push_back(own.public_keys().signing);
  for (const auto* regions : {&members.peers, &members.gone})
    for (const PeerSettings& peer : *regions)
      for (const PublicKeys& keys : peer.keys) trusted[peer.name].push_back(keys.signing);
  for (const RegionKey& key : settings.earlier_keys) trusted[key.region].push_back(key.keys.signing);
  return trusted;
}

std::vector<PeerEndpoint> peer_endpoints(const LinkMembers& members) {
  std::vector<PeerEndpoint> endpoints;
  for (const PeerSettings& peer : members.peers) {
    PeerEndpoint& endpoint =
        endpoints.emplace_back(PeerEndpoint{peer.name, to_string(peer.gossip), to_string(peer.pull), {}});
    for (const PublicKeys& keys : peer.keys) endpoint.keys.push_back(keys.curve);
  }
  return endpoints;
}

std::optional<LinkKeys> link_keys(const KeyRing* ring, const LinkMembers& members) {
  if (ring == nullptr) return std::nullopt;
  LinkKeys keys{ring->own().public_keys().curve, ring->own().curve_secret(), {}, {}};
  for (const PeerSettings& peer : members.peers)
    for (const PublicKeys& allowed : peer.keys) keys.allowed.emplace(allowed.curve, peer.name);
  for (const PeerSettings& peer : members.gone)
    for (const PublicKeys& known : peer.keys) keys.may_ask.emplace(known.curve, peer.name);
  return keys;
}

}  // namespace turnstone::regions
