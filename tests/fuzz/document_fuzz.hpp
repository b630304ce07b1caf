#pragma once
// The property that the documents of merge functions are fuzzed for, shared by libFuzzer's target
// and by the ordinary tests.
#include <cstddef>
#include <cstdint>

namespace turnstone::fuzz {

// Takes the bytes for JSON and for MessagePack. Ends the process unless what is read comes out
// the same from its own text, which is the same again.
void check_documents(const std::uint8_t* data, std::size_t size);

}  // namespace turnstone::fuzz
