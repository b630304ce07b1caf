#pragma once
// What happened to a key, in words.
#include <string>
#include <vector>

#include "regions/audit/cli/text.hpp"

namespace turnstone::audit {

// One conflict as a paragraph: who wrote what, who had seen what, which rule chose, what was lost.
// `where` is what the command that gets it back needs beside the id ("--at 127.0.0.1:7001").
std::string story(const Found& found, const Terminal& terminal, const std::string& where);

}  // namespace turnstone::audit
