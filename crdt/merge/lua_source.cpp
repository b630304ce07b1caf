#include "crdt/merge/lua_source.hpp"

#include <algorithm>
#include <string>

namespace turnstone::crdt {
namespace {

// Length of a long bracket [[...]], [=[...]=] ... at the start; 0 when there is none.
std::size_t long_bracket(std::string_view text) {
  std::size_t level = 0;
  while (level + 1 < text.size() && text[level + 1] == '=') ++level;
  if (text.empty() || text[0] != '[' || level + 1 >= text.size() || text[level + 1] != '[') return 0;
  const std::string end = "]" + std::string(level, '=') + "]";
  const std::size_t found = text.find(end, level + 2);
  return found == std::string_view::npos ? text.size() : found + end.size();
}

// Length of '...' or "..." at the start.
std::size_t quoted(std::string_view text) {
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == text[0]) {
      return i + 1;
    }
  }
  return text.size();
}

}  // namespace

int line_with_power(std::string_view source) {
  int line = 1;
  while (!source.empty()) {
    if (source[0] == '^') return line;
    std::size_t length = 1;
    if (source.starts_with("--")) {
      const std::size_t bracket = long_bracket(source.substr(2));
      length = bracket > 0 ? bracket + 2 : std::min(source.find('\n'), source.size());
    } else if (source[0] == '"' || source[0] == '\'') {
      length = quoted(source);
    } else if (source[0] == '[') {
      length = std::max<std::size_t>(1, long_bracket(source));
    }
    line += static_cast<int>(std::ranges::count(source.substr(0, length), '\n'));
    source.remove_prefix(length);
  }
  return 0;
}

}  // namespace turnstone::crdt
