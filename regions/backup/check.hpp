#pragma once
// What taking, checking and restoring have in common.
#include <filesystem>

#include "core/storage/identity.hpp"
#include "regions/backup/archive.hpp"
#include "regions/backup/manifest.hpp"

namespace turnstone::backup {

// Reads every row of two databases that nobody else uses, and checks each against its
// checksum. Errors: corrupt, io, wrong_cluster, unsupported_version.
Result<Contents> inspect(const std::filesystem::path& state, const std::filesystem::path& log,
                         const storage::Identity& owner);

// The log was cut between the two copies: it begins behind what the state holds.
bool has_gap(const Contents& contents);

// The manifest of a backup that has the right members. Errors: corrupt, malformed, io,
// unsupported_version.
Result<Manifest> read_manifest(const ArchiveReader& archive);

// Syncs a file, or a directory (its names). Errors: io.
Result<void> sync_path(const std::filesystem::path& path);

// Removes everything in a directory but the lock file that it is held by. Errors: io.
Result<void> empty_directory(const std::filesystem::path& path);

}  // namespace turnstone::backup
