#pragma once
// Scripts on the disk.
#include <optional>
#include <string>
#include <string_view>

namespace turnstone::merging {

// None when it cannot be read.
std::optional<std::string> read_file(const std::string& path);
// What a function in this file is called: "examples/cart.lua" is cart.
std::string function_name(std::string_view path);

}  // namespace turnstone::merging
