#pragma once
// Settings as TOML: the file that an operator writes, and what `--check` prints.
#include <string>
#include <string_view>
#include <vector>

#include "regions/settings/settings.hpp"

namespace turnstone::regions {

// One setting as a source gave it.
struct Given {
  std::string name;  // "value_bytes_max"
  std::string text;  // "1MiB"
  std::string
      where;  // "turnstone.toml:3:1: value_bytes_max", "TURNSTONE_VALUE_BYTES_MAX", "--value-bytes-max"
};

struct TomlReading {
  std::vector<Given> given;
  std::vector<std::string> problems;  // each begins with FILE:LINE:COLUMN
};

// Reads the text of a file. Unknown keys and values of a wrong type are problems; what the
// values mean is for the keys to judge.
TomlReading read_toml(std::string_view text, const std::string& file_name);

// All settings as a file that reads back to the same settings. The password itself is
// not in it, only the name of its file.
std::string toml_text(const Settings& settings);

}  // namespace turnstone::regions
