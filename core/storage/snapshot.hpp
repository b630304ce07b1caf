#pragma once
// Copies of databases that another process may be writing: one read transaction each, on a
// connection that neither writes nor checkpoints. Any thread.
#include <filesystem>
#include <functional>
#include <string>

#include "core/error.hpp"
#include "core/storage/identity.hpp"

namespace turnstone::storage {

// Makes `to` (mode 0600; what was there is lost) a copy of `from` as it is at one moment,
// without the space that was free in it. While it is taken the WAL of `from` cannot be used
// anew, and grows. Given up when `go_on`, asked now and then, says false. Not synced.
// Errors: io, corrupt, naming the file.
Result<void> snapshot(const std::filesystem::path& from, const std::filesystem::path& to,
                      const std::function<bool()>& go_on = {});

// Whose a database is. Errors: corrupt, io.
Result<Identity> owner_of(const std::filesystem::path& file);

// Makes a database, which nobody has open, another region's. Errors: io, corrupt.
Result<void> hand_over(const std::filesystem::path& file, const std::string& region);

}  // namespace turnstone::storage
