#include "regions/durability/install.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>

#include "regions/durability/open_store.hpp"

namespace turnstone::durability {
namespace {

tl::unexpected<Error> io_error(const char* what, const std::filesystem::path& path,
                               const std::error_code& error) {
  return fail(Errc::io, fmt::format("cannot {} {}: {}", what, path.string(), error.message()));
}

}  // namespace

Result<void> decide_install(const std::filesystem::path& data) {
  std::error_code error;
  std::filesystem::rename(data / staging_directory, data / mirrored_directory, error);
  if (error) return io_error("rename", data / staging_directory, error);
  return sync_path(data);
}

Result<bool> finish_install(const storage::DataDirectory& directory) {
  const std::filesystem::path mirrored = directory.file(mirrored_directory);
  std::error_code error;
  if (!std::filesystem::exists(mirrored, error)) return false;
  // A write-ahead log of an old database would be replayed into the new one: it has to be
  // gone for sure before the new one has its name.
  for (const char* name : {state_file, log_file}) {
    for (const char* suffix : {"-wal", "-shm"}) {
      const auto file = directory.file((std::string(name) + suffix).c_str());
      std::filesystem::remove(file, error);
      if (error) return io_error("remove", file, error);
    }
  }
  if (auto synced = sync_path(directory.path()); !synced) return tl::make_unexpected(synced.error());
  for (const char* name : {state_file, log_file}) {
    if (!std::filesystem::exists(mirrored / name, error)) continue;  // an earlier start did it
    std::filesystem::rename(mirrored / name, directory.file(name), error);
    if (error) return io_error("rename", mirrored / name, error);
  }
  if (auto synced = sync_path(directory.path()); !synced) return tl::make_unexpected(synced.error());
  std::filesystem::remove_all(mirrored, error);
  if (error) return io_error("remove", mirrored, error);
  // Were it there again after a power loss, the new databases would lose their logs.
  if (auto synced = sync_path(directory.path()); !synced) return tl::make_unexpected(synced.error());
  return true;
}

Result<void> sync_path(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const bool synced = fd >= 0 && ::fsync(fd) == 0;
  const std::error_code error(errno, std::generic_category());
  if (fd >= 0) ::close(fd);
  if (!synced) return io_error("sync", path, error);
  return {};
}

}  // namespace turnstone::durability
