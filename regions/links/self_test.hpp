#pragma once
// Does the lock hold? A stranger's key is tried on our own door.
#include <string>

#include "core/error.hpp"
#include "regions/security/public_keys.hpp"

namespace turnstone::regions {

// Connects to the socket bound to `address` (tcp://...) as a leader would, with a key that was
// drawn just now. Fine only when that is refused for its key; takes a round trip, and five
// seconds at most. Errors: config, when the key was let in, or when nobody said that it is not.
Result<void> require_strangers_refused(const std::string& address, bool to_publisher,
                                       const Key32& server_key);

}  // namespace turnstone::regions
