#include <string>
#include <string_view>

#include "crdt/merge/document.hpp"
#include "tests/fuzz/document_fuzz.hpp"

namespace turnstone::fuzz {
namespace {

using Decode = Result<crdt::Document> (*)(std::string_view);
using Encode = Result<std::string> (*)(const crdt::Document&);

void check(Decode decode, Encode encode, std::string_view bytes) {
  const auto document = decode(bytes);
  if (!document) {
    TURNSTONE_CHECK(!document.error().message.empty());
    return;
  }
  const auto once = encode(*document);
  TURNSTONE_CHECK(once.has_value());
  const auto again = decode(*once);
  TURNSTONE_CHECK(again.has_value());
  TURNSTONE_CHECK(compare(*again, *document) == 0);
  TURNSTONE_CHECK(encode(*again) == *once);
}

}  // namespace

void check_documents(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  check(crdt::decode_json, crdt::encode_json, bytes);
  check(crdt::decode_msgpack, crdt::encode_msgpack, bytes);
}

}  // namespace turnstone::fuzz
