#pragma once
// From the settings to the keys that links are opened and batches are signed with.
#include <memory>
#include <optional>
#include <vector>

#include "core/error.hpp"
#include "regions/engine/link_members.hpp"
#include "regions/links/peer_links.hpp"
#include "regions/security/key_ring.hpp"
#include "regions/settings/settings.hpp"

namespace turnstone::regions {

// Null when the settings name no key file. Errors: config, io.
Result<std::shared_ptr<KeyRing>> key_ring(const Settings& settings);
// Whose signature counts, our own included.
SigningKeys signing_keys(const SecretKeys& own, const Settings& settings, const LinkMembers& members);

std::vector<PeerEndpoint> peer_endpoints(const LinkMembers& members);
// Borrows the secret from the ring. None when there is none.
std::optional<LinkKeys> link_keys(const KeyRing* ring, const LinkMembers& members);

}  // namespace turnstone::regions
