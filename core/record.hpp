#pragma once
// The one shape of everything that is stored or sent: a sequence of records, each a
// MessagePack array of unsigned integers and byte strings. No nesting, so a decoder
// needs no recursion and lengths cannot ask for memory that the input does not pay for.
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/fixed_decimal.hpp"

namespace turnstone {

// Appends records to a string. A record is begun with its number of items, then the
// items follow.
class RecordWriter {
 public:
  explicit RecordWriter(std::string& out) : out_(out) {}

  RecordWriter& record(std::uint32_t items);
  RecordWriter& uint(std::uint64_t value);
  RecordWriter& bytes(std::string_view value);
  // One item: a signed integer when it is one, otherwise 16 bytes, big endian.
  RecordWriter& decimal(FixedDecimal value);

 private:
  std::string& out_;
};

// Reads records one by one; byte strings point into the input. An item that is missing or
// of another type reads as zero or empty and marks the reader malformed, so a decoder
// reads straight through and asks once, before it believes anything.
class RecordReader {
 public:
  // A record with more items than this is malformed.
  static constexpr std::uint32_t record_items_max = 65'536;

  explicit RecordReader(std::string_view input);
  ~RecordReader();
  RecordReader(const RecordReader&) = delete;
  RecordReader& operator=(const RecordReader&) = delete;

  // Moves to the next record. False at the end of the input and on malformed input.
  bool next();
  bool malformed() const { return malformed_; }
  // For a caller that finds an item of the right type with a wrong value.
  void mark_malformed() { malformed_ = true; }
  // Offset of the byte behind the current record.
  std::size_t offset() const { return offset_; }

  std::uint32_t size() const;
  std::uint64_t uint(std::uint32_t index);
  std::string_view bytes(std::uint32_t index);
  FixedDecimal decimal(std::uint32_t index);

 private:
  struct Parsed;
  std::string_view input_;
  std::size_t offset_ = 0;
  bool malformed_ = false;
  std::unique_ptr<Parsed> parsed_;
};

}  // namespace turnstone
