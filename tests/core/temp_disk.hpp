#pragma once
// A small file system of a test's own, in memory, unmounted at its end. Mounting needs
// rights that not every place where tests run gives.
#include <sys/mount.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "tests/catch.hpp"
#include "tests/core/temp_directory.hpp"

namespace turnstone::test {

class TempDisk {
 public:
  // `size` as tmpfs understands it: "2m".
  explicit TempDisk(const std::string& size, unsigned long flags = 0) {
    std::filesystem::create_directory(path_);
    mounted_ = ::mount("tmpfs", path_.c_str(), "tmpfs", flags, ("size=" + size).c_str()) == 0;
    if (!mounted_) WARN("SKIPPED: a file system cannot be mounted here: " << std::strerror(errno));
  }
  ~TempDisk() {
    if (mounted_) ::umount2(path_.c_str(), MNT_DETACH);
  }
  TempDisk(const TempDisk&) = delete;
  TempDisk& operator=(const TempDisk&) = delete;

  // False when the test has to be skipped, which was said.
  bool mounted() const { return mounted_; }
  void grow_to(const std::string& size) {
    REQUIRE(::mount("tmpfs", path_.c_str(), "tmpfs", MS_REMOUNT, ("size=" + size).c_str()) == 0);
  }

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  TempDirectory parent_;
  std::filesystem::path path_ = parent_ / "disk";
  bool mounted_ = false;
};

}  // namespace turnstone::test
