#include <fmt/format.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <system_error>

#include "core/storage/data_directory.hpp"
#include "core/storage/snapshot.hpp"
#include "regions/backup/archive.hpp"
#include "regions/backup/backup.hpp"
#include "regions/backup/check.hpp"
#include "regions/settings/command_line.hpp"

namespace turnstone::backup {
namespace {

// The log is cut seldom, and the state is copied in less time than lies between two cuts.
constexpr int attempts_max = 5;

std::uint64_t unix_ms() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
}

Result<void> expect_databases(const std::filesystem::path& data) {
  for (const char* name : {log_member, state_member}) {
    std::error_code error;
    if (!std::filesystem::exists(data / name, error)) {
      return fail(Errc::io, fmt::format("{} is not the data directory of a leader: {} is missing{}",
                                        data.string(), name, error ? " (" + error.message() + ")" : ""));
    }
  }
  return {};
}

// The directory that a backup is made in, held by one process, gone at the end of its life
// unless that is a kill -9.
class Workshop {
 public:
  static Result<Workshop> open(const std::filesystem::path& path) {
    auto directory = storage::DataDirectory::open(path);
    if (!directory) {
      if (directory.error().code != Errc::in_use) return tl::make_unexpected(directory.error());
      return fail(Errc::in_use,
                  fmt::format("another backup is being written: {}", directory.error().message));
    }
    if (auto emptied = empty_directory(path); !emptied) return tl::make_unexpected(emptied.error());
    return Workshop(std::move(*directory));
  }
  Workshop(Workshop&& other) noexcept = default;
  ~Workshop() {
    std::error_code ignored;
    if (!directory_.path().empty()) std::filesystem::remove_all(directory_.path(), ignored);
  }

  std::filesystem::path state() const { return directory_.file(state_member); }
  std::filesystem::path log() const { return directory_.file(log_member); }
  std::filesystem::path audit() const { return directory_.file(audit_member); }
  std::filesystem::path archive() const { return directory_.file("backup"); }

 private:
  explicit Workshop(storage::DataDirectory directory) : directory_(std::move(directory)) {}
  storage::DataDirectory directory_;
};

// The state first: a log that is copied later holds at least what the state does, and so does a
// record of the conflicts in it.
Result<Contents> copy_databases(const std::filesystem::path& data, const Workshop& workshop) {
  for (int attempt = 0; attempt < attempts_max; ++attempt) {
    if (auto copied = storage::snapshot(data / state_member, workshop.state()); !copied)
      return tl::make_unexpected(copied.error());
    if (auto copied = storage::snapshot(data / log_member, workshop.log()); !copied)
      return tl::make_unexpected(copied.error());
    if (std::error_code none; std::filesystem::exists(data / audit_member, none)) {
      if (auto copied = storage::snapshot(data / audit_member, workshop.audit()); !copied)
        return tl::make_unexpected(copied.error());
    }
    const auto owner = storage::owner_of(workshop.log());
    if (!owner) return tl::make_unexpected(owner.error());
    auto contents = inspect(workshop.state(), workshop.log(), *owner);
    if (!contents || !has_gap(*contents)) return contents;
  }
  return fail(Errc::corrupt,
              fmt::format("the log in {} begins behind what {} holds", data.string(), state_member));
}

Result<FileHash> pack(ArchiveWriter& archive, const char* name, const std::filesystem::path& file) {
  auto hash = archive.add_file(name, file);
  std::error_code error;
  // Not needed any more, and its room may be.
  std::filesystem::remove(file, error);
  return hash;
}

Result<void> pack_all(Manifest& manifest, const Workshop& workshop) {
  auto archive = ArchiveWriter::open(workshop.archive());
  if (!archive) return tl::make_unexpected(archive.error());
  const auto state = pack(*archive, state_member, workshop.state());
  if (!state) return tl::make_unexpected(state.error());
  const auto log = pack(*archive, log_member, workshop.log());
  if (!log) return tl::make_unexpected(log.error());
  manifest.state_hash = *state;
  manifest.log_hash = *log;
  if (std::error_code none; std::filesystem::exists(workshop.audit(), none)) {
    const auto audit = pack(*archive, audit_member, workshop.audit());
    if (!audit) return tl::make_unexpected(audit.error());
    manifest.audit_hash = *audit;
  }
  if (auto added = archive->add_text(manifest_member, encode(manifest)); !added) return added;
  return archive->finish();
}

Result<void> expect_nothing_at(const std::filesystem::path& out) {
  std::error_code ignored;
  if (!std::filesystem::exists(std::filesystem::symlink_status(out, ignored))) return {};
  return fail(Errc::config, fmt::format("{} is there already, and is not replaced", out.string()));
}

// A mistyped name would put the backup on another disk than the one that was meant.
Result<void> expect_directory_for(const std::filesystem::path& out) {
  const std::filesystem::path directory = out.has_parent_path() ? out.parent_path() : ".";
  std::error_code error;
  if (std::filesystem::is_directory(directory, error)) return {};
  return fail(Errc::io,
              fmt::format("cannot make {}: there is no directory {}", out.string(), directory.string()));
}

}  // namespace

Result<Manifest> take(const std::filesystem::path& data, const std::filesystem::path& out) {
  if (auto expected = expect_databases(data); !expected) return tl::make_unexpected(expected.error());
  if (auto expected = expect_nothing_at(out); !expected) return tl::make_unexpected(expected.error());
  if (auto expected = expect_directory_for(out); !expected) return tl::make_unexpected(expected.error());
  const auto workshop = Workshop::open(out.string() + ".partial");
  if (!workshop) return tl::make_unexpected(workshop.error());
  auto contents = copy_databases(data, *workshop);
  if (!contents) return tl::make_unexpected(contents.error());
  Manifest manifest{*std::move(contents), std::string(regions::version()), unix_ms(), 0, 0, 0};
  if (auto packed = pack_all(manifest, *workshop); !packed) return tl::make_unexpected(packed.error());
  if (auto expected = expect_nothing_at(out); !expected) return tl::make_unexpected(expected.error());
  if (::rename(workshop->archive().c_str(), out.c_str()) != 0) {
    return fail(Errc::io,
                fmt::format("cannot make {}: {}", out.string(), std::generic_category().message(errno)));
  }
  if (auto synced = sync_path(out.parent_path()); !synced) return tl::make_unexpected(synced.error());
  return manifest;
}

}  // namespace turnstone::backup
