#pragma once
// A directory of a test's own, removed at its end.
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

namespace turnstone::test {

class TempDirectory {
 public:
  TempDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "turnstone-test-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary directory");
    path_ = name;
  }
  ~TempDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDirectory(const TempDirectory&) = delete;
  TempDirectory& operator=(const TempDirectory&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

inline std::string file_bytes(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// Changes one bit of the last place where `pattern` stands in the file.
inline void flip_bit(const std::filesystem::path& file, const std::string& pattern) {
  std::string bytes = file_bytes(file);
  const std::size_t at = bytes.rfind(pattern);
  if (at == std::string::npos) throw std::runtime_error("the pattern is not in the file");
  bytes[at] = static_cast<char>(bytes[at] ^ 1);
  std::ofstream(file, std::ios::binary) << bytes;
}

// What a kill -9, or a loss of power, leaves of a running process's files.
inline void copy_files(const std::filesystem::path& from, const std::filesystem::path& to) {
  std::filesystem::create_directories(to);
  for (const auto& entry : std::filesystem::directory_iterator(from)) {
    // The shared memory file is rebuilt by whoever opens the copy.
    if (entry.path().string().ends_with("-shm") || !entry.is_regular_file()) continue;
    std::filesystem::copy_file(entry.path(), to / entry.path().filename());
  }
}

}  // namespace turnstone::test
