#include "core/record.hpp"

#include <msgpack.hpp>

namespace turnstone {
namespace {

__extension__ using UInt128 = unsigned __int128;

struct StringSink {
  std::string& out;
  void write(const char* data, std::size_t size) { out.append(data, size); }
};

bool by_reference(msgpack::type::object_type, std::size_t, void*) { return true; }

}  // namespace

RecordWriter& RecordWriter::record(std::uint32_t items) {
  StringSink sink{out_};
  msgpack::packer(sink).pack_array(items);
  return *this;
}

RecordWriter& RecordWriter::uint(std::uint64_t value) {
  StringSink sink{out_};
  msgpack::packer(sink).pack_uint64(value);
  return *this;
}

RecordWriter& RecordWriter::bytes(std::string_view value) {
  StringSink sink{out_};
  msgpack::packer packer(sink);
  packer.pack_bin(static_cast<std::uint32_t>(value.size()));
  packer.pack_bin_body(value.data(), static_cast<std::uint32_t>(value.size()));
  return *this;
}

RecordWriter& RecordWriter::decimal(FixedDecimal value) {
  if (const auto whole = value.to_int64()) {
    StringSink sink{out_};
    msgpack::packer(sink).pack_int64(*whole);
    return *this;
  }
  char raw[16];
  Int128 rest = value.raw();
  for (int i = 15; i >= 0; --i, rest >>= 8) raw[i] = static_cast<char>(rest & 0xff);
  return bytes({raw, sizeof raw});
}

struct RecordReader::Parsed {
  msgpack::zone zone;
  msgpack::object_array array{0, nullptr};
};

RecordReader::RecordReader(std::string_view input) : input_(input), parsed_(std::make_unique<Parsed>()) {}
RecordReader::~RecordReader() = default;

bool RecordReader::next() {
  parsed_->array = {0, nullptr};
  if (malformed_ || offset_ == input_.size()) return false;
  parsed_->zone.clear();
  // Depth 1 refuses nesting; every limit is checked by the library before it allocates.
  static const msgpack::unpack_limit limit(record_items_max, 0, UINT32_MAX, UINT32_MAX, 0, 1);
  try {
    // An item takes at least a byte: a count beyond the rest of the input is a lie.
    const std::size_t rest = input_.size() - offset_;
    const auto bounded =
        rest < record_items_max ? msgpack::unpack_limit(rest, 0, UINT32_MAX, UINT32_MAX, 0, 1) : limit;
    bool referenced = false;
    const msgpack::object object = msgpack::unpack(parsed_->zone, input_.data(), input_.size(), offset_,
                                                   referenced, by_reference, nullptr, bounded);
    if (object.type != msgpack::type::ARRAY) {
      malformed_ = true;
      return false;
    }
    parsed_->array = object.via.array;
    return true;
  } catch (const msgpack::unpack_error&) {
    malformed_ = true;
    return false;
  }
}

std::uint32_t RecordReader::size() const { return parsed_->array.size; }

std::uint64_t RecordReader::uint(std::uint32_t index) {
  if (index >= size() || parsed_->array.ptr[index].type != msgpack::type::POSITIVE_INTEGER) {
    malformed_ = true;
    return 0;
  }
  return parsed_->array.ptr[index].via.u64;
}

std::string_view RecordReader::bytes(std::uint32_t index) {
  if (index >= size() || parsed_->array.ptr[index].type != msgpack::type::BIN) {
    malformed_ = true;
    return {};
  }
  const auto& bin = parsed_->array.ptr[index].via.bin;
  return {bin.ptr, bin.size};
}

FixedDecimal RecordReader::decimal(std::uint32_t index) {
  if (index < size()) {
    const msgpack::object& item = parsed_->array.ptr[index];
    if (item.type == msgpack::type::NEGATIVE_INTEGER) return FixedDecimal::from_int(item.via.i64);
    if (item.type == msgpack::type::POSITIVE_INTEGER && item.via.u64 <= INT64_MAX) {
      return FixedDecimal::from_int(static_cast<std::int64_t>(item.via.u64));
    }
    if (item.type == msgpack::type::BIN && item.via.bin.size == 16) {
      UInt128 raw = 0;
      for (int i = 0; i < 16; ++i) raw = raw * 256 + static_cast<unsigned char>(item.via.bin.ptr[i]);
      return FixedDecimal::from_raw(static_cast<Int128>(raw));
    }
  }
  malformed_ = true;
  return {};
}

}  // namespace turnstone
