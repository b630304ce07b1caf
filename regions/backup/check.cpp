#include "regions/backup/check.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "core/storage/log_db.hpp"
#include "core/storage/log_reader.hpp"
#include "core/storage/state_db.hpp"
#include "regions/backup/backup.hpp"
#include "regions/durability/stored_forms.hpp"

namespace turnstone::backup {
namespace {

Result<void> inspect_state(const std::filesystem::path& file, const storage::Identity& owner,
                           Contents& contents) {
  const auto state = storage::StateDb::open(file, owner);
  if (!state) return tl::make_unexpected(state.error());
  contents.state_lsn = state->position().lsn;
  const auto origins = state->origins();
  if (!origins) return tl::make_unexpected(origins.error());
  for (const storage::StoredOrigin& stored : *origins) {
    const auto origin = durability::decode_origin(stored.image);
    if (!origin) return tl::make_unexpected(origin.error());
    contents.vector.set(stored.origin, origin->seq);
  }
  return state->for_each_cell([&](const storage::StoredCell&) -> Result<void> {
    ++contents.cells;
    return {};
  });
}

Result<void> inspect_log(const std::filesystem::path& file, const storage::Identity& owner,
                         Contents& contents) {
  const auto log = storage::LogDb::open(file, owner);
  if (!log) return tl::make_unexpected(log.error());
  contents.last_lsn = log->last_lsn();
  const auto reader = storage::LogReader::open(file);
  if (!reader) return tl::make_unexpected(reader.error());
  return reader->for_each(1, [&](const storage::LogEntry& entry) -> Result<void> {
    if (contents.first_lsn == 0) contents.first_lsn = entry.lsn;
    if (entry.lsn > contents.state_lsn)
      contents.vector.set(entry.origin, std::max(contents.vector.get(entry.origin), entry.last_seq));
    return {};
  });
}

}  // namespace

Result<Contents> inspect(const std::filesystem::path& state, const std::filesystem::path& log,
                         const storage::Identity& owner) {
  Contents contents;
  contents.cluster = owner.cluster;
  contents.region = owner.region;
  if (auto read = inspect_state(state, owner, contents); !read) return tl::make_unexpected(read.error());
  if (auto read = inspect_log(log, owner, contents); !read) return tl::make_unexpected(read.error());
  if (contents.state_lsn > contents.last_lsn) {
    return fail(Errc::corrupt, fmt::format("the state holds the log up to batch {}, but the log ends with "
                                           "batch {}",
                                           contents.state_lsn, contents.last_lsn));
  }
  return contents;
}

bool has_gap(const Contents& contents) { return contents.first_lsn > contents.state_lsn + 1; }

Result<Manifest> read_manifest(const ArchiveReader& archive) {
  const Member* manifest = archive.find(manifest_member);
  const std::size_t databases = archive.find(audit_member) == nullptr ? 2 : 3;
  if (archive.members().size() != databases + 1 || archive.members()[0].name != state_member ||
      archive.members()[1].name != log_member || manifest == nullptr) {
    return fail(Errc::corrupt, "it is not a backup of turnstone");
  }
  const auto text = archive.text(*manifest);
  if (!text) return tl::make_unexpected(text.error());
  return decode_manifest(*text);
}

Result<Manifest> check(const std::filesystem::path& file) {
  const auto archive = ArchiveReader::open(file);
  if (!archive) return tl::make_unexpected(archive.error());
  auto manifest = read_manifest(*archive);
  if (!manifest) return manifest;
  for (const auto& [name, expected] :
       {std::pair{state_member, manifest->state_hash}, std::pair{log_member, manifest->log_hash},
        std::pair{audit_member, manifest->audit_hash}}) {
    if (archive->find(name) == nullptr && expected == 0) continue;
    if (archive->find(name) == nullptr)
      return fail(Errc::corrupt, fmt::format("{} is missing in {}", name, file.string()));
    const auto hash = archive->hash(*archive->find(name));
    if (!hash) return tl::make_unexpected(hash.error());
    if (*hash != expected)
      return fail(Errc::corrupt, fmt::format("{} in {} does not match its checksum", name, file.string()));
  }
  return manifest;
}

Result<void> sync_path(const std::filesystem::path& path) {
  const int fd = ::open(path.empty() ? "." : path.c_str(), O_RDONLY | O_CLOEXEC);
  const bool synced = fd >= 0 && ::fsync(fd) == 0;
  const int error = errno;
  if (fd >= 0) ::close(fd);
  if (synced) return {};
  return fail(Errc::io,
              fmt::format("cannot sync {}: {}", path.string(), std::generic_category().message(error)));
}

Result<void> empty_directory(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::directory_iterator entries(path, error);
  for (const auto& entry : entries) {
    if (entry.path().filename() != "lock" && !error) std::filesystem::remove_all(entry.path(), error);
  }
  if (!error) return {};
  return fail(Errc::io, fmt::format("cannot empty {}: {}", path.string(), error.message()));
}

}  // namespace turnstone::backup
