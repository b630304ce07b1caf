#pragma once
// The property that the decoders of stored and received bytes are fuzzed for, shared by
// libFuzzer's target and by the ordinary tests.
#include <cstddef>
#include <cstdint>

namespace turnstone::fuzz {

// Gives the bytes to every decoder. Ends the process unless what one accepts comes out the
// same from its own encoding.
void check_decoders(const std::uint8_t* data, std::size_t size);

}  // namespace turnstone::fuzz
