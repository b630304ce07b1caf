#pragma once
// Writing what a conflict has lost: an ordinary write, which has seen both sides and so wins
// everywhere, with the name of who asked for it on every region's record.
#include <string>
#include <vector>

#include "core/error.hpp"
#include "regions/audit/cli/source.hpp"

namespace turnstone::audit {

// The words for TS.RESOLVE. `to` is "first", "second", "lost" (the side that is not shown), or, with
// a colon before it, a value: ":11". Errors: config, why this cannot be written.
Result<std::vector<std::string>> revert_words(const Found& found, const std::string& to,
                                              const std::string& person);
// What that will write, in words: "price = 11".
std::string revert_text(const std::vector<std::string>& words);

}  // namespace turnstone::audit
