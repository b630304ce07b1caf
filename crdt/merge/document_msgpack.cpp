#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <msgpack.hpp>
#include <utility>

#include "crdt/merge/document.hpp"
#include "crdt/merge/document_builder.hpp"

namespace turnstone::crdt {
namespace {

// Events instead of the library's own objects: those allocate what a length claims, at every
// level of nesting anew, before there are bytes for it.
class Events : public msgpack::null_visitor {
 public:
  DocumentBuilder builder;

  bool visit_nil() { return value({Document::Null{}}); }
  bool visit_boolean(bool v) { return value({v}); }
  bool visit_positive_integer(std::uint64_t v) {
    if (std::in_range<std::int64_t>(v)) return value({static_cast<std::int64_t>(v)});
    return value({Document::Unsigned{v}});
  }
  bool visit_negative_integer(std::int64_t v) { return value({v}); }
  bool visit_float32(float v) { return real(static_cast<double>(v)); }
  bool visit_float64(double v) { return real(v); }
  bool visit_str(const char* data, std::uint32_t size) {
    if (in_key_) return builder.key(std::string(data, size));
    return builder.add({std::string(data, size)});
  }
  bool visit_bin(const char* data, std::uint32_t size) {
    return value({Document::Binary{std::string(data, size)}});
  }
  bool visit_ext(const char*, std::uint32_t) { return builder.refuse("it holds an extension type"); }
  bool start_array(std::uint32_t) { return !refuse_as_key() && builder.open({Document::Array{}}); }
  bool end_array() { return builder.close(); }
  bool start_map(std::uint32_t) { return !refuse_as_key() && builder.open({Document::Object{}}); }
  bool end_map() { return builder.close(); }
  bool start_map_key() { return in_key_ = true; }
  bool end_map_key() {
    in_key_ = false;
    return true;
  }
  void parse_error(std::size_t, std::size_t) { builder.refuse("it is no MessagePack"); }
  void insufficient_bytes(std::size_t, std::size_t) { builder.refuse("it is no MessagePack: it ends early"); }

 private:
  bool refuse_as_key() { return in_key_ && !builder.refuse("a field's name is no text"); }
  bool value(Document document) { return !refuse_as_key() && builder.add(std::move(document)); }
  bool real(double v) {
    if (!std::isfinite(v)) return builder.refuse("it holds NaN or infinity");
    return value({v});
  }

  bool in_key_ = false;
};

class Writer {
 public:
  std::string out;
  std::string problem;

  bool write(const Document& document, std::size_t depth) {
    if (out.size() > document_bytes_max) return too_large();
    return std::visit([&](const auto& value) { return put(value, depth); }, document.value);
  }
  bool too_large() { return refuse(fmt::format("the result is larger than {} bytes", document_bytes_max)); }

 private:
  struct Sink {
    std::string& out;
    void write(const char* data, std::size_t size) { out.append(data, size); }
  };

  bool refuse(std::string text) {
    problem = std::move(text);
    return false;
  }
  bool put(Document::Null, std::size_t) {
    packer_.pack_nil();
    return true;
  }
  bool put(bool value, std::size_t) {
    value ? packer_.pack_true() : packer_.pack_false();
    return true;
  }
  bool put(std::int64_t value, std::size_t) {
    packer_.pack_int64(value);
    return true;
  }
  bool put(Document::Unsigned value, std::size_t) {
    packer_.pack_uint64(value);
    return true;
  }
  bool put(double value, std::size_t) {
    if (!std::isfinite(value)) return refuse("the result holds NaN or infinity");
    // The library would make an integer of a whole one, which typed readers do not take for it.
    const auto bits = std::bit_cast<std::uint64_t>(value);
    out += '\xcb';
    for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>(bits >> shift & 0xff);
    return true;
  }
  bool put(const std::string& text, std::size_t) {
    if (text.size() > document_bytes_max) return too_large();
    packer_.pack_str(static_cast<std::uint32_t>(text.size()));
    packer_.pack_str_body(text.data(), static_cast<std::uint32_t>(text.size()));
    return true;
  }
  bool put(const Document::Binary& binary, std::size_t) {
    if (binary.bytes.size() > document_bytes_max) return too_large();
    packer_.pack_bin(static_cast<std::uint32_t>(binary.bytes.size()));
    packer_.pack_bin_body(binary.bytes.data(), static_cast<std::uint32_t>(binary.bytes.size()));
    return true;
  }
  bool put(const Document::Array& array, std::size_t depth) {
    if (too_deep(depth)) return false;
    packer_.pack_array(static_cast<std::uint32_t>(array.size()));
    for (const Document& element : array) {
      if (!write(element, depth + 1)) return false;
    }
    return true;
  }
  bool put(const Document::Object& object, std::size_t depth) {
    if (too_deep(depth)) return false;
    packer_.pack_map(static_cast<std::uint32_t>(object.size()));
    for (const auto& [name, element] : object) {
      if (!put(name, depth) || !write(element, depth + 1)) return false;
    }
    return true;
  }
  bool too_deep(std::size_t depth) {
    if (depth < document_depth_max) return false;
    return !refuse(fmt::format("the result is nested more than {} levels deep", document_depth_max));
  }

  Sink sink_{out};
  msgpack::packer<Sink> packer_{sink_};
};

}  // namespace

Result<Document> decode_msgpack(std::string_view bytes) {
  if (bytes.size() > document_bytes_max)
    return fail(Errc::merge_failed, fmt::format("it is larger than {} bytes", document_bytes_max));
  Events events;
  std::size_t end = 0;
  if (!msgpack::parse(bytes.data(), bytes.size(), end, events)) {
    const std::string& problem = events.builder.problem();
    return fail(Errc::merge_failed, problem.empty() ? "it is no MessagePack" : problem);
  }
  if (end != bytes.size())
    return fail(Errc::merge_failed, fmt::format("{} bytes follow the value", bytes.size() - end));
  return events.builder.take();
}

Result<std::string> encode_msgpack(const Document& document) {
  Writer writer;
  if (!writer.write(document, 0)) return fail(Errc::merge_failed, writer.problem);
  if (writer.out.size() > document_bytes_max) {
    writer.too_large();
    return fail(Errc::merge_failed, writer.problem);
  }
  return std::move(writer.out);
}

}  // namespace turnstone::crdt
