#pragma once
// A table for a terminal: columns as wide as their widest item, two blanks apart.
#include <string>
#include <vector>

namespace turnstone::regions {

// The first line has the heads. Every line ends with a newline.
std::string columns(const std::vector<std::vector<std::string>>& lines);

}  // namespace turnstone::regions
