#pragma once
// The directory that holds everything of one leader. Held by one process at a time,
// through a lock on the file `lock` in it; the lock ends with the process, however that
// ends.
#include <cstdint>
#include <filesystem>

#include "core/error.hpp"

namespace turnstone::storage {

class DataDirectory {
 public:
  // Makes the directory (mode 0700) if need be, and locks it.
  // Errors: io, naming the path (missing rights, read-only file system, not a directory);
  // in_use, naming the directory and the process that holds it.
  static Result<DataDirectory> open(const std::filesystem::path& path);

  DataDirectory(DataDirectory&& other) noexcept;
  DataDirectory& operator=(DataDirectory&& other) noexcept;
  ~DataDirectory();

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path file(const char* name) const { return path_ / name; }
  bool has(const char* name) const;

  // Bytes that may still be written on this file system. Any thread. Errors: io.
  Result<std::uint64_t> free_bytes() const;
  // Renames a database and the files beside it (-wal, -shm), which nobody may have open.
  // Errors: io.
  Result<void> set_aside(const char* name, const std::string& new_name) const;

 private:
  DataDirectory(std::filesystem::path path, int lock) : path_(std::move(path)), lock_(lock) {}

  std::filesystem::path path_;
  int lock_ = -1;  // descriptor of the lock file
};

}  // namespace turnstone::storage
