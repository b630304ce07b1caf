#pragma once
// What JSON and MessagePack values are to merge functions: one tree, whatever its bytes were.
#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/error.hpp"

namespace turnstone::crdt {

// Deeper nesting and larger documents are refused: nothing recursive overflows the stack, and
// one value does not take a leader's memory.
inline constexpr std::size_t document_depth_max = 64;
inline constexpr std::size_t document_bytes_max = 16u * 1024 * 1024;

struct Document {
  struct Null {
    friend auto operator<=>(Null, Null) = default;
  };
  // Bytes that are no text; MessagePack's alone.
  struct Binary {
    std::string bytes;
    friend bool operator==(const Binary&, const Binary&) = default;
  };
  // Above the signed 64-bit range; smaller integers are always std::int64_t.
  using Unsigned = std::uint64_t;
  using Array = std::vector<Document>;
  using Object = std::map<std::string, Document, std::less<>>;

  std::variant<Null, bool, std::int64_t, Unsigned, double, std::string, Binary, Array, Object> value;

  const Array* array() const { return std::get_if<Array>(&value); }
  const Object* object() const { return std::get_if<Object>(&value); }
};

// A total order: null, false, true, numbers by value, text and binary by bytes, arrays element
// by element, objects by their fields in order. Equal numbers: the integer is the smaller.
std::strong_ordering compare(const Document& a, const Document& b);
inline bool operator==(const Document& a, const Document& b) { return compare(a, b) == 0; }
inline bool operator<(const Document& a, const Document& b) { return compare(a, b) < 0; }

// JSON (RFC 8259). Integers of 64 bits are exact; other numbers are the nearest double. Errors:
// merge_failed, with what is wrong: no JSON, an integer or exponent out of range, a field that
// occurs twice, one of the limits.
Result<Document> decode_json(std::string_view text);
// The one text of a document: fields sorted by their bytes, no spaces, shortest numbers (3, not
// 3.0), no escape that is not needed. Errors: merge_failed for what JSON cannot say: NaN,
// infinity, binary, text that is not UTF-8; and for the limits.
Result<std::string> encode_json(const Document& document);

// MessagePack. Errors: merge_failed: malformed, bytes that follow the value, a key that is no
// text, a field that occurs twice, an extension type, NaN or infinity, one of the limits.
Result<Document> decode_msgpack(std::string_view bytes);
// Fields sorted by their bytes, shortest integers, doubles as such. Errors as above.
Result<std::string> encode_msgpack(const Document& document);

}  // namespace turnstone::crdt
