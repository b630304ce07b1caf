#include <fmt/format.h>

#include <fstream>
#include <memory>
#include <system_error>
#include <vector>

#include "core/storage/data_directory.hpp"
#include "core/storage/snapshot.hpp"
#include "regions/backup/archive.hpp"
#include "regions/backup/backup.hpp"
#include "regions/backup/check.hpp"
#include "regions/durability/open_store.hpp"

namespace turnstone::backup {
namespace {

// Where the databases lie until they are known to be good.
constexpr const char* staging = "restoring";

// What a file system has at its root, and what an interrupted restore leaves, is nothing.
Result<void> expect_empty(const std::filesystem::path& data) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(data, error)) {
    const std::string name = entry.path().filename().string();
    if (name == "lock" || name == "lost+found" || name == staging) continue;
    return fail(Errc::config, fmt::format("the directory {} is not empty: it holds {}; a backup is restored "
                                          "into an empty or new one",
                                          data.string(), name));
  }
  if (!error) return {};
  return fail(Errc::io, fmt::format("cannot read {}: {}", data.string(), error.message()));
}

Result<void> note_joining(const std::filesystem::path& work) {
  const std::filesystem::path file = work / durability::joining_file;
  std::ofstream out(file);
  out << "This leader takes writes once it has caught up with another region.\n";
  out.close();
  if (!out) return fail(Errc::io, fmt::format("cannot write {}", file.string()));
  return {};
}

Result<void> unpack(const ArchiveReader& archive, const char* name, FileHash expected,
                    const std::filesystem::path& to) {
  const auto hash = archive.extract(*archive.find(name), to);
  if (!hash) return tl::make_unexpected(hash.error());
  if (*hash == expected) return {};
  return fail(Errc::corrupt, fmt::format("{} in the backup does not match its checksum", name));
}

Result<void> verify(const Manifest& manifest, const std::filesystem::path& directory) {
  const auto contents = inspect(directory / state_member, directory / log_member,
                                {manifest.contents.cluster, manifest.contents.region});
  if (!contents) return tl::make_unexpected(contents.error());
  if (*contents == manifest.contents && !has_gap(*contents)) return {};
  return fail(Errc::corrupt, "the backup does not hold what its manifest says");
}

// What `turnstone serve` does before it opens a door.
Result<Hash128> try_start(const std::filesystem::path& directory, const storage::Identity& identity) {
  const auto make_replica = [&] {
    sync::ReplicaConfig config;
    config.cluster = hash64(identity.cluster);
    config.region = identity.region;
    // Nothing is written under it, and nobody draws it.
    config.origin = Origin{UINT64_MAX};
    return std::make_unique<sync::Replica>(config);
  };
  auto store = durability::open_store(directory, identity, make_replica, 0);
  if (!store) return tl::make_unexpected(store.error());
  if (!store->report.alarms.empty()) return fail(Errc::corrupt, store->report.alarms.front());
  return store->replica->keyspace().digest();
}

// The log last: a state without a log is refused by serve, and is nothing to restore.
Result<void> move_into_place(const std::filesystem::path& from, const std::filesystem::path& to) {
  std::error_code error;
  std::vector<const char*> names = {state_member};
  if (std::filesystem::exists(from / audit_member, error)) names.push_back(audit_member);
  if (std::filesystem::exists(from / durability::joining_file, error))
    names.push_back(durability::joining_file);
  names.push_back(log_member);
  for (const char* name : names) {
    if (auto synced = sync_path(from / name); !synced) return synced;
  }
  for (const char* name : names) {
    if (!error) std::filesystem::rename(from / name, to / name, error);
  }
  if (error)
    return fail(Errc::io, fmt::format("cannot put the databases into {}: {}", to.string(), error.message()));
  std::filesystem::remove_all(from, error);
  return sync_path(to);
}

}  // namespace

Result<Restored> restore(const std::filesystem::path& file, const std::filesystem::path& data,
                         const std::string& region, FirstWrite first_write) {
  const auto archive = ArchiveReader::open(file);
  if (!archive) return tl::make_unexpected(archive.error());
  const auto manifest = read_manifest(*archive);
  if (!manifest) return tl::make_unexpected(manifest.error());

  const auto directory = storage::DataDirectory::open(data);
  if (!directory) return tl::make_unexpected(directory.error());
  if (auto expected = expect_empty(data); !expected) return tl::make_unexpected(expected.error());
  const std::filesystem::path work = directory->file(staging);
  std::error_code error;
  std::filesystem::remove_all(work, error);
  if (!error) std::filesystem::create_directory(work, data, error);
  if (error) return fail(Errc::io, fmt::format("cannot make {}: {}", work.string(), error.message()));

  const auto prepared = [&]() -> Result<Hash128> {
    if (auto done = unpack(*archive, state_member, manifest->state_hash, work / state_member); !done)
      return tl::make_unexpected(done.error());
    if (auto done = unpack(*archive, log_member, manifest->log_hash, work / log_member); !done)
      return tl::make_unexpected(done.error());
    const bool has_audit = archive->find(audit_member) != nullptr;
    if (has_audit) {
      if (auto done = unpack(*archive, audit_member, manifest->audit_hash, work / audit_member); !done)
        return tl::make_unexpected(done.error());
    }
    if (auto done = verify(*manifest, work); !done) return tl::make_unexpected(done.error());
    for (const char* name : {state_member, log_member, audit_member}) {
      if (name == audit_member && !has_audit) continue;
      if (auto done = storage::hand_over(work / name, region); !done)
        return tl::make_unexpected(done.error());
    }
    if (first_write == FirstWrite::once_caught_up) {
      if (auto noted = note_joining(work); !noted) return tl::make_unexpected(noted.error());
    }
    return try_start(work, {manifest->contents.cluster, region});
  }();
  if (!prepared) {
    std::filesystem::remove_all(work, error);
    return tl::make_unexpected(prepared.error());
  }
  if (auto moved = move_into_place(work, data); !moved) return tl::make_unexpected(moved.error());
  return Restored{*manifest, *prepared};
}

}  // namespace turnstone::backup
