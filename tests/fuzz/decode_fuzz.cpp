// libFuzzer's target for the decoders of stored and received bytes.
#include "tests/fuzz/decode_fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  turnstone::fuzz::check_decoders(data, size);
  return 0;
}
