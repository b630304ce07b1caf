#pragma once
// The file that holds the secret keys of one region's leader: comment lines and one word. It
// must be a regular file of the user who runs the leader, or of root, that nobody else may
// read or write.
#include <string>

#include "core/error.hpp"
#include "regions/security/secret_keys.hpp"

namespace turnstone::regions {

// Errors: config, naming the file and what is wrong with it; io.
Result<SecretKeys> read_key_file(const std::string& path);

// Makes fresh keys and writes them, synced, to a new file with mode 0600. Never overwrites.
// Errors: config, when there is a file of that name; io.
Result<PublicKeys> make_key_file(const std::string& path);

}  // namespace turnstone::regions
