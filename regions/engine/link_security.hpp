#pragma once
// From the settings to what the links are opened with.
#include <optional>
#include <vector>

#include "core/error.hpp"
#include "regions/links/peer_links.hpp"
#include "regions/security/secret_keys.hpp"
#include "regions/settings/settings.hpp"

namespace turnstone::regions {

// This leader's keys; none when the settings name no key file. Errors: config, io.
Result<std::optional<SecretKeys>> own_keys(const Settings& settings);

std::vector<PeerEndpoint> peer_endpoints(const Settings& settings);
// Borrows the secret from `own`. None when there is none.
std::optional<LinkKeys> link_keys(const std::optional<SecretKeys>& own, const Settings& settings);

}  // namespace turnstone::regions
