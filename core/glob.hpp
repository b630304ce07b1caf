#pragma once
// Redis's patterns for keys: ? one byte, * any bytes, [abc] [a-z] [^a] one of a class,
// \x the byte x itself.
#include <string_view>

namespace turnstone {

enum class GlobCase { sensitive, insensitive };

// At most pattern times text steps, and no recursion, whatever the pattern.
bool glob_match(std::string_view pattern, std::string_view text, GlobCase letters = GlobCase::sensitive);

}  // namespace turnstone
