#pragma once
// Backups of a leader's data directory: taken while the leader runs, checked, and made a data
// directory again.
#include <filesystem>
#include <string>

#include "core/error.hpp"
#include "core/hash.hpp"
#include "regions/backup/manifest.hpp"

namespace turnstone::backup {

// Reads the data directory of a leader, which may be running, and makes the file `out` (mode
// 0600), which may not be there yet. Until it is whole, verified and synced it lies in the
// directory `out`.partial, which a killed backup leaves and the next one of that name empties.
// The leader is not stopped and not asked; it needs no space but that of its logs' growth
// meanwhile. Beside `out` there must be room for twice its size for a moment.
// Errors: io; corrupt (the data directory is damaged); config (`out` is there); in_use
// (another backup is writing it).
Result<Manifest> take(const std::filesystem::path& data, const std::filesystem::path& out);

// Reads all of a backup: every byte is as it was when the backup was verified after it was
// taken. Errors: io, corrupt, malformed, unsupported_version.
Result<Manifest> check(const std::filesystem::path& file);

struct Restored {
  Manifest manifest;
  Hash128 digest;  // of the state with all of the log; what TS.DIGEST shows
};

// When the restored leader takes its first write. What it writes before it knows how far the
// others are, they cannot take if their logs were cut since the backup.
enum class FirstWrite { at_once, once_caught_up };

// Makes `data`, an empty or new directory, the data directory of `region`. The databases get
// their names in it only after everything was verified and a start was tried on them.
// Errors: as check(); config (the directory is not empty); in_use.
Result<Restored> restore(const std::filesystem::path& file, const std::filesystem::path& data,
                         const std::string& region, FirstWrite first_write = FirstWrite::at_once);

}  // namespace turnstone::backup
