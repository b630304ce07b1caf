// build/fuzz/resp_parser_fuzz -max_total_time=60
#include "tests/fuzz/resp_parser_fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  turnstone::fuzz::check_parser(data, size);
  return 0;
}
