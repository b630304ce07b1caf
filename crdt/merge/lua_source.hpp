#pragma once
// What is looked for in a script before it is compiled.
#include <string_view>

namespace turnstone::crdt {

// The line of the first operator ^, 0 without one. Those in text and comments are none.
int line_with_power(std::string_view source);

}  // namespace turnstone::crdt
