#pragma once
// What changes when a running leader reads its settings again, as far as keys are concerned.
// Pure: nothing is opened or read here, and a reading that is refused changes nothing.
#include <string>
#include <vector>

#include "core/error.hpp"
#include "regions/security/public_keys.hpp"
#include "regions/settings/settings.hpp"

namespace turnstone::regions {

struct KeyChange {
  // Those in force, with the keys of the reading.
  Settings settings;
  // A phrase each, for people; none: the keys are the same.
  std::vector<std::string> changes;
  // What the operator may not have meant, a sentence each.
  std::vector<std::string> warnings;
  // The links speak with other keys than before: they have to be opened anew. Keys of the past
  // count for signatures alone.
  bool concerns_links = false;
};

// From the settings in force and the leader's own keys to those of the reading. Errors:
// config, when the reading has no keys for the peers that this leader has.
Result<KeyChange> change_of_keys(const Settings& in_force, const PublicKeys& own, const Settings& read,
                                 const PublicKeys& own_read);

}  // namespace turnstone::regions
