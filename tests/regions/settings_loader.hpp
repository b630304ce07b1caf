#pragma once
// Loads settings as the process would, from a command line written as one string.
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "regions/settings/load.hpp"
#include "tests/catch.hpp"

namespace turnstone::regions {

inline auto load(const std::string& command_line, const Environment& environment = {}) {
  std::istringstream words(command_line);
  return load_settings({std::istream_iterator<std::string>(words), {}}, environment);
}

inline Settings load_good(const std::string& command_line, const Environment& environment = {}) {
  const auto request = load(command_line, environment);
  INFO(command_line << "\n" << (request ? "" : request.error().text));
  REQUIRE(request.has_value());
  return request->settings;
}

inline Refusal refusal(const std::string& command_line, const Environment& environment = {}) {
  const auto request = load(command_line, environment);
  INFO(command_line);
  REQUIRE_FALSE(request.has_value());
  return request.error();
}

// A file that lives as long as the object.
class ScratchFile {
 public:
  explicit ScratchFile(const std::string& text) {
    std::string name = (std::filesystem::temp_directory_path() / "turnstone-settings-XXXXXX").string();
    const int descriptor = mkstemp(name.data());
    REQUIRE(descriptor >= 0);
    close(descriptor);
    path_ = name;
    std::ofstream(path_, std::ios::binary) << text;
  }
  ~ScratchFile() { std::filesystem::remove(path_); }
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace turnstone::regions
