#include "core/storage/data_directory.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace turnstone::storage {
namespace {

std::string reason(int error) { return std::generic_category().message(error); }

tl::unexpected<Error> io_error(std::string_view what, const std::filesystem::path& path, int error) {
  return fail(Errc::io, fmt::format("cannot {} {}: {}", what, path.string(), reason(error)));
}

// A new name in a directory survives power loss only once the directory is synced.
Result<void> sync_directory(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return io_error("open", path, errno);
  const int synced = ::fsync(fd);
  const int error = errno;
  ::close(fd);
  if (synced != 0) return io_error("sync", path, error);
  return {};
}

Result<void> make_directory(const std::filesystem::path& path) {
  const auto make = [&path] { return ::mkdir(path.c_str(), 0700) == 0 ? 0 : errno; };
  int error = make();
  if (error == ENOENT && path.has_parent_path()) {
    if (auto parent = make_directory(path.parent_path()); !parent) return parent;
    // Once: where nothing can be made, such as in /proc, the answer stays the same.
    error = make();
  }
  if (error == 0) {
    return sync_directory(path.has_parent_path() ? path.parent_path() : std::filesystem::path("."));
  }
  if (error != EEXIST) return io_error("make the directory", path, error);
  std::error_code ignored;
  if (!std::filesystem::is_directory(path, ignored)) {
    return io_error("use as a data directory", path, ENOTDIR);
  }
  return {};
}

std::string holder(int lock) {
  char text[32] = {};
  const ssize_t size = ::pread(lock, text, sizeof text - 1, 0);
  const std::string_view digits(text, size > 0 ? static_cast<std::size_t>(size) : 0);
  const std::size_t end = digits.find_first_not_of("0123456789");
  const std::string_view pid = digits.substr(0, end);
  return pid.empty() ? std::string("another process") : fmt::format("process {}", pid);
}

Result<void> note_holder(int lock, const std::filesystem::path& path) {
  const std::string text = fmt::format("{}\n", ::getpid());
  if (::ftruncate(lock, 0) != 0 || ::pwrite(lock, text.data(), text.size(), 0) < 0) {
    return io_error("write", path, errno);
  }
  return {};
}

}  // namespace

Result<DataDirectory> DataDirectory::open(const std::filesystem::path& path) {
  // "data/" and "data" are one directory, and have one parent.
  const std::filesystem::path directory = path.has_filename() ? path : path.parent_path();
  if (auto made = make_directory(directory); !made) return tl::make_unexpected(made.error());
  const std::filesystem::path lock_path = directory / "lock";
  const int lock = ::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (lock < 0) return io_error("open", lock_path, errno);
  DataDirectory opened(directory, lock);
  if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return io_error("lock", lock_path, errno);
    return fail(Errc::in_use,
                fmt::format("the data directory {} is in use by {}", directory.string(), holder(lock)));
  }
  if (auto noted = note_holder(lock, lock_path); !noted) return tl::make_unexpected(noted.error());
  return opened;
}

DataDirectory::DataDirectory(DataDirectory&& other) noexcept
    : path_(std::move(other.path_)), lock_(std::exchange(other.lock_, -1)) {}

DataDirectory& DataDirectory::operator=(DataDirectory&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(lock_, other.lock_);
  return *this;
}

DataDirectory::~DataDirectory() {
  if (lock_ >= 0) ::close(lock_);
}

bool DataDirectory::has(const char* name) const {
  std::error_code ignored;
  return std::filesystem::exists(file(name), ignored);
}

Result<std::uint64_t> DataDirectory::free_bytes() const {
  struct statvfs info {};
  if (::statvfs(path_.c_str(), &info) != 0) return io_error("ask the free space of", path_, errno);
  return std::uint64_t{info.f_bavail} * info.f_frsize;
}

Result<void> DataDirectory::set_aside(const char* name, const std::string& new_name) const {
  for (const char* suffix : {"", "-wal", "-shm"}) {
    const std::filesystem::path from = path_ / (std::string(name) + suffix);
    const std::filesystem::path to = path_ / (new_name + suffix);
    if (::rename(from.c_str(), to.c_str()) != 0 && errno != ENOENT) return io_error("rename", from, errno);
  }
  return sync_directory(path_);
}

}  // namespace turnstone::storage
