#include "core/record.hpp"

#include <cstdint>
#include <string>

#include "tests/catch.hpp"

using namespace turnstone;

namespace {

std::string sample() {
  std::string bytes;
  RecordWriter out(bytes);
  out.record(3).uint(7).bytes("tokyo").uint(UINT64_MAX);
  out.record(0);
  out.record(1).bytes("");
  return bytes;
}

}  // namespace

TEST_CASE("record: what is written is read back, record by record") {
  const std::string bytes = sample();
  RecordReader in(bytes);
  REQUIRE(in.next());
  CHECK(in.size() == 3);
  CHECK(in.uint(0) == 7);
  CHECK(in.bytes(1) == "tokyo");
  CHECK(in.uint(2) == UINT64_MAX);
  REQUIRE(in.next());
  CHECK(in.size() == 0);
  REQUIRE(in.next());
  CHECK(in.bytes(0).empty());
  CHECK(in.offset() == bytes.size());
  CHECK_FALSE(in.next());
  CHECK_FALSE(in.malformed());
}

TEST_CASE("record: byte strings point into the input") {
  const std::string bytes = sample();
  RecordReader in(bytes);
  REQUIRE(in.next());
  const std::string_view value = in.bytes(1);
  CHECK(value.data() >= bytes.data());
  CHECK(value.data() + value.size() <= bytes.data() + bytes.size());
}

TEST_CASE("record: every cut within a record is malformed") {
  std::string bytes;
  RecordWriter(bytes).record(3).uint(300).bytes(std::string(300, 'x')).decimal(*FixedDecimal::parse("0.5"));
  for (std::size_t size = 1; size < bytes.size(); ++size) {
    RecordReader in(std::string_view(bytes).substr(0, size));
    CHECK_FALSE(in.next());
    CHECK(in.malformed());
  }
}

TEST_CASE("record: an item that is missing or of another type reads as nothing and is remembered") {
  std::string bytes;
  RecordWriter(bytes).record(2).uint(1).bytes("x");
  const auto reads_badly = [&](auto&& read) {
    RecordReader in(bytes);
    REQUIRE(in.next());
    read(in);
    return in.malformed() && !in.next();
  };
  CHECK(reads_badly([](RecordReader& in) { CHECK(in.uint(1) == 0); }));
  CHECK(reads_badly([](RecordReader& in) { CHECK(in.uint(2) == 0); }));
  CHECK(reads_badly([](RecordReader& in) { CHECK(in.bytes(0).empty()); }));
  CHECK(reads_badly([](RecordReader& in) { CHECK(in.decimal(1) == FixedDecimal()); }));
}

TEST_CASE("record: what is no array, or nested, or promises more than it brings is refused") {
  const std::string inputs[] = {
      "\x07",                                      // an integer
      std::string("\x91\x91\x00", 3),              // an array in an array
      std::string("\x91\x80", 2),                  // a map in an array
      std::string("\xdd\xff\xff\xff\xff"),         // four thousand million items
      std::string("\xdc\xff\xff\x00", 4),          // 65,535 items in one byte
      std::string("\x91\xc6\xff\xff\xff\xff", 6),  // a string of 4 GiB
      "\xc1",                                      // no MessagePack
  };
  for (const std::string& input : inputs) {
    RecordReader in(input);
    CHECK_FALSE(in.next());
    CHECK(in.malformed());
  }
}

TEST_CASE("record: decimals come back exactly, whole or broken, small or large") {
  for (const char* text :
       {"0", "1", "-1", "9223372036854775807", "-9223372036854775808", "0.1", "-0.00000000000000001",
        "99999999999999999999.99999999999999999", "9223372036854775808"}) {
    const FixedDecimal value = *FixedDecimal::parse(text);
    std::string bytes;
    RecordWriter(bytes).record(1).decimal(value);
    RecordReader in(bytes);
    REQUIRE(in.next());
    CHECK(in.decimal(0).to_string() == text);
    CHECK_FALSE(in.malformed());
  }
}
