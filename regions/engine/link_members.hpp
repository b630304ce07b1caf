#pragma once
// Whom the links lead to: the peers of the settings and the regions that deltas name, without
// those that have left. Where both say something of a region, the settings count: keys are
// changed there.
#include <string>
#include <vector>

#include "regions/settings/settings.hpp"
#include "sync/replica.hpp"

namespace turnstone::regions {

struct LinkMembers {
  std::vector<PeerSettings> peers;
  // Removed and let go: what they signed counts, and when they ask they are told.
  std::vector<PeerSettings> gone;
  // What cannot be linked to, a sentence each.
  std::vector<std::string> complaints;
};

LinkMembers link_members(const Settings& settings, const sync::Replica& replica);

// What a delta says of a region, as settings; links with keys need one there. Errors: config.
Result<PeerSettings> peer_of_record(const std::string& region, const std::string& address,
                                    const std::string& keys, bool encrypted);
// The same the other way: HOST:PORT,HOST:PULLPORT, and the public keys separated by blanks.
std::string record_address(const PeerSettings& peer);
std::string record_keys(const PeerSettings& peer);

}  // namespace turnstone::regions
