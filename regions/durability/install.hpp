#pragma once
// Putting a mirrored state in the place of a leader's own, so that a crash at any moment
// leaves either the old databases or the new ones.
//
// A mirror is taken and verified in the directory `mirror`: state.db, and a log.db that
// begins where the state ends. Renaming it to `mirrored` decides: from then on every start
// finishes what is left to do before it opens anything.
#include <filesystem>

#include "core/error.hpp"
#include "core/storage/data_directory.hpp"

namespace turnstone::durability {

inline constexpr const char* staging_directory = "mirror";
inline constexpr const char* mirrored_directory = "mirrored";

// The staged databases will be this leader's. They are synced; so is their directory.
// Nothing may be appended to the old log from here on. Errors: io.
Result<void> decide_install(const std::filesystem::path& data);
// Does what was decided, if it was, while no database is open. True when the databases are
// new ones. Errors: io; the next start goes on.
Result<bool> finish_install(const storage::DataDirectory& directory);

// Makes the contents of a file, or the names in a directory, durable. Errors: io.
Result<void> sync_path(const std::filesystem::path& path);

}  // namespace turnstone::durability
