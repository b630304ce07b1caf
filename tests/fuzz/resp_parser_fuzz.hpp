#pragma once
// The property that the request parser is fuzzed for, shared by libFuzzer's target and by
// the ordinary tests.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace turnstone::fuzz {

// Everything that the parser says of a stream, fed in pieces of `piece_bytes`: each
// request's arguments, and the error that ended it. `consumed` gets the bytes used.
std::string parse_stream(std::string_view bytes, std::size_t piece_bytes, std::size_t& consumed);

// Ends the process unless the verdict is the same however the stream is cut.
void check_parser(const std::uint8_t* data, std::size_t size);

}  // namespace turnstone::fuzz
