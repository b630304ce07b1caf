#include "regions/merge/source_file.hpp"

#include <fstream>
#include <sstream>

namespace turnstone::merging {

std::optional<std::string> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (file) text << file.rdbuf();
  if (!file) return std::nullopt;
  return text.str();
}

std::string function_name(std::string_view path) {
  path = path.substr(path.find_last_of('/') + 1);
  return std::string(path.substr(0, path.find_last_of('.')));
}

}  // namespace turnstone::merging
