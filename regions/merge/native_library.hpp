#pragma once
// Merge functions of shared libraries (turnstone_merge.h).
#include <string>
#include <vector>

#include "core/error.hpp"
#include "crdt/merge/native.hpp"

namespace turnstone::merging {

// Loads it for the rest of the process and adds what it has to the process's native functions.
// Before a leader starts. Errors: config, in words for who named the path.
Result<std::vector<crdt::NativeName>> load_native_library(const std::string& path);

}  // namespace turnstone::merging
