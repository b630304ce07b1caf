// JSON and MessagePack as merge functions see them.
#include "crdt/merge/document.hpp"

#include <random>

#include "tests/catch.hpp"
#include "tests/fuzz/document_fuzz.hpp"

using namespace turnstone;
using namespace turnstone::crdt;

namespace {

std::string canonical(std::string_view text) {
  const auto document = decode_json(text);
  if (!document) return document.error().message;
  const auto again = encode_json(*document);
  return again ? *again : again.error().message;
}

std::string canonical_msgpack(std::string_view bytes) {
  const auto document = decode_msgpack(bytes);
  if (!document) return document.error().message;
  const auto again = encode_msgpack(*document);
  return again ? *again : again.error().message;
}

template <std::size_t size>
std::string_view bytes(const char (&text)[size]) {
  return {text, size - 1};
}

}  // namespace

TEST_CASE("document: JSON has one text: sorted fields, no spaces, no needless escape") {
  CHECK(canonical(R"( { "b" : [ true , null ], "a" : "\u00e4\/\u0001\n" } )") ==
        "{\"a\":\"\xc3\xa4/\\u0001\\n\",\"b\":[true,null]}");
  CHECK(canonical(R"("\ud83d\ude00")") == "\"\xf0\x9f\x98\x80\"");
}

TEST_CASE("document: integers of 64 bits stay exact, whole doubles are integers") {
  for (const char* same :
       {"9223372036854775807", "-9223372036854775808", "18446744073709551615", "0.1", "1e+300"})
    CHECK(canonical(same) == same);
  CHECK(canonical("1.0") == "1");
  CHECK(canonical("-0.0") == "0");
  CHECK(canonical("1e3") == "1000");
  CHECK(canonical("123456789012345678901.5") == "123456789012345683968.0");
  CHECK(canonical(canonical("123456789012345678901.5")) == "123456789012345683968.0");
  CHECK(canonical("18446744073709551616") == "the integer 18446744073709551616 does not fit into 64 bits");
  CHECK(canonical("1e999") == "the number 1e999 is out of range");
}

TEST_CASE("document: JSON that is wrong or ambiguous is refused") {
  for (const char* wrong :
       {"", "{", "[1,]", "nul", "\"\xff\"", "1 2", "{\"a\":1,}", "NaN", "Infinity", "\"\\ud800\""})
    CHECK_THAT(canonical(wrong), Catch::StartsWith("it is no JSON: wrong at byte"));
  CHECK(canonical(R"({"a":1,"b":{},"a":2})") == "the field \"a\" occurs twice");
}

TEST_CASE("document: nesting and size are limited both ways") {
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  CHECK(canonical(nested(document_depth_max)) == nested(document_depth_max));
  CHECK(canonical(nested(document_depth_max + 1)) == "it is nested more than 64 levels deep");
  CHECK(canonical(std::string(5'000'000, '[')) == "it is nested more than 64 levels deep");
  CHECK(canonical_msgpack(std::string(5'000'000, '\x91')) == "it is nested more than 64 levels deep");
  Document deep;
  for (std::size_t i = 0; i <= document_depth_max; ++i) deep = Document{Document::Array{deep}};
  CHECK(encode_json(deep).error().message == "the result is nested more than 64 levels deep");
  CHECK(encode_msgpack(deep).error().message == "the result is nested more than 64 levels deep");
  const std::string large(document_bytes_max + 1, ' ');
  CHECK(canonical(large) == "it is larger than 16777216 bytes");
  CHECK(canonical_msgpack(large) == "it is larger than 16777216 bytes");
  CHECK(encode_json({large}).error().message == "the result is larger than 16777216 bytes");
  CHECK(encode_msgpack({large}).error().message == "the result is larger than 16777216 bytes");
}

TEST_CASE("document: MessagePack has one form: sorted fields, shortest integers") {
  CHECK(canonical_msgpack(bytes("\x82\xa1"
                                "b\xcd\x00\x05\xa1"
                                "a\x90")) == bytes("\x82\xa1"
                                                   "a\x90\xa1"
                                                   "b\x05"));
  CHECK(canonical_msgpack(bytes("\xca\x3f\x80\x00\x00")) == bytes("\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00"));
  CHECK(canonical_msgpack(bytes("\xc4\x01x")) == bytes("\xc4\x01x"));
  CHECK(canonical_msgpack(bytes("\xcf\xff\xff\xff\xff\xff\xff\xff\xff")) ==
        bytes("\xcf\xff\xff\xff\xff\xff\xff\xff\xff"));
}

TEST_CASE("document: MessagePack that is wrong, or that a merge could not treat, is refused") {
  CHECK(canonical_msgpack("") == "it is no MessagePack: it ends early");
  CHECK(canonical_msgpack(bytes("\xdd\xff\xff\xff\xff\xdd\xff\xff\xff\xff")) ==
        "it is no MessagePack: it ends early");
  CHECK(canonical_msgpack(bytes("\xc1")) == "it is no MessagePack");
  CHECK(canonical_msgpack(bytes("\x01\x02")) == "1 bytes follow the value");
  CHECK(canonical_msgpack(bytes("\x81\x01\x02")) == "a field's name is no text");
  CHECK(canonical_msgpack(bytes("\x81\x91\xa1x\x02")) == "a field's name is no text");
  CHECK(canonical_msgpack(bytes("\x82\xa1x\x01\xa1x\x02")) == "the field \"x\" occurs twice");
  CHECK(canonical_msgpack(bytes("\xd4\x01\x02")) == "it holds an extension type");
  CHECK(canonical_msgpack(bytes("\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00")) == "it holds NaN or infinity");
}

TEST_CASE("document: the order is total, and puts numbers of all kinds in one") {
  const std::vector<Document> sorted{
      {Document::Null{}},
      {false},
      {true},
      {-1e300},
      {std::int64_t{-1}},
      {std::int64_t{1}},
      {1.0},
      {1.5},
      {std::int64_t{9007199254740992}},
      {9007199254740992.0},
      {std::int64_t{9007199254740993}},
      {Document::Unsigned{18446744073709551615u}},
      {18446744073709551616.0},
      {std::string("")},
      {std::string("a")},
      {std::string("\x80")},
      {Document::Binary{""}},
      {Document::Array{}},
      {Document::Array{{std::int64_t{1}}}},
      {Document::Array{{std::int64_t{2}}}},
      {Document::Object{}},
      {Document::Object{{"a", {std::int64_t{2}}}}},
      {Document::Object{{"a", {std::int64_t{2}}}, {"b", {false}}}},
      {Document::Object{{"b", {std::int64_t{1}}}}},
  };
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    for (std::size_t k = 0; k < sorted.size(); ++k) CHECK((compare(sorted[i], sorted[k]) < 0) == (i < k));
  }
}

TEST_CASE("document: whatever is read comes out the same from its own text") {
  std::mt19937_64 random(7);
  const std::string letters =
      "{}[]:,\"\\ntrue0123456789.-+eE u\x80\x81\x82\x90\x91\x92\xa0\xa1\xa2\xc0\xc4\xcb\xcf\xd9\xff";
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes(random() % 24, 0);
    for (char& c : bytes) c = letters[random() % letters.size()];
    fuzz::check_documents(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  }
}
