// libFuzzer's target for the documents of merge functions.
#include "tests/fuzz/document_fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  turnstone::fuzz::check_documents(data, size);
  return 0;
}
