#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "crdt/merge/document.hpp"
#include "crdt/merge/document_builder.hpp"

namespace turnstone::crdt {
namespace {

// Doubles up to here that are whole numbers are written as such, and read as integers.
constexpr double whole_max = 9007199254740992.0;  // 2^53

Document from_double(double number) {
  if (number == std::floor(number) && std::abs(number) <= whole_max)
    return {static_cast<std::int64_t>(number)};
  return {number};
}

// Its own tree would keep neither the depth within bounds nor integers that do not fit, and
// would take the last of two fields of one name.
class Events {
 public:
  DocumentBuilder builder;

  bool null() { return builder.add({Document::Null{}}); }
  bool boolean(bool value) { return builder.add({value}); }
  bool number_integer(std::int64_t value) { return builder.add({value}); }
  bool number_unsigned(std::uint64_t value) {
    if (std::in_range<std::int64_t>(value)) return builder.add({static_cast<std::int64_t>(value)});
    return builder.add({Document::Unsigned{value}});
  }
  bool number_float(double, const std::string& text) {
    if (text.find_first_of(".eE") == std::string::npos)
      return builder.refuse(fmt::format("the integer {} does not fit into 64 bits", text));
    double value = 0;
    if (std::from_chars(text.data(), text.data() + text.size(), value).ec != std::errc())
      return builder.refuse(fmt::format("the number {} is out of range", text));
    return builder.add(from_double(value));
  }
  bool string(std::string& value) { return builder.add({std::move(value)}); }
  bool binary(nlohmann::json::binary_t&) { return builder.refuse("JSON has no binary"); }
  bool start_object(std::size_t) { return builder.open({Document::Object{}}); }
  bool key(std::string& name) { return builder.key(std::move(name)); }
  bool end_object() { return builder.close(); }
  bool start_array(std::size_t) { return builder.open({Document::Array{}}); }
  bool end_array() { return builder.close(); }
  bool parse_error(std::size_t position, const std::string& last, const nlohmann::detail::exception& error) {
    constexpr int out_of_range = 406;
    if (error.id == out_of_range) return builder.refuse(fmt::format("the number {} is out of range", last));
    return builder.refuse(fmt::format("it is no JSON: wrong at byte {}", position));
  }
};

// Length of the UTF-8 sequence at the start (Unicode 15, table 3-7), 0 when it is none.
std::size_t utf8_length(std::string_view text) {
  const auto at = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const auto continues = [&](std::size_t i) { return (at(i) & 0xc0) == 0x80; };
  const unsigned first = at(0);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return continues(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    const bool shortest = first != 0xe0 || at(1) >= 0xa0;
    const bool surrogate = first == 0xed && at(1) >= 0xa0;
    return shortest && !surrogate && continues(1) && continues(2) ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    const bool in_range = (first != 0xf0 || at(1) >= 0x90) && (first != 0xf4 || at(1) <= 0x8f);
    return in_range && continues(1) && continues(2) && continues(3) ? 4 : 0;
  }
  return 0;
}

class Writer {
 public:
  bool write(const Document& document, std::size_t depth) {
    if (out_.size() > document_bytes_max)
      return refuse(fmt::format("the result is larger than {} bytes", document_bytes_max));
    return std::visit([&](const auto& value) { return put(value, depth); }, document.value);
  }
  std::string& out() { return out_; }
  const std::string& problem() const { return problem_; }

 private:
  bool refuse(std::string problem) {
    problem_ = std::move(problem);
    return false;
  }
  bool too_deep(std::size_t depth) {
    if (depth < document_depth_max) return false;
    return !refuse(fmt::format("the result is nested more than {} levels deep", document_depth_max));
  }
  bool put(Document::Null, std::size_t) {
    out_ += "null";
    return true;
  }
  bool put(bool value, std::size_t) {
    out_ += value ? "true" : "false";
    return true;
  }
  bool put(std::int64_t value, std::size_t) {
    out_ += std::to_string(value);
    return true;
  }
  bool put(Document::Unsigned value, std::size_t) {
    out_ += std::to_string(value);
    return true;
  }
  bool put(double value, std::size_t depth) {
    if (std::isnan(value)) return refuse("JSON has no NaN");
    if (std::isinf(value)) return refuse("JSON has no infinity");
    if (const Document same = from_double(value); std::holds_alternative<std::int64_t>(same.value))
      return put(std::get<std::int64_t>(same.value), depth);
    char text[32];
    const auto end = std::to_chars(std::begin(text), std::end(text), value).ptr;
    const std::string_view digits(text, static_cast<std::size_t>(end - text));
    out_ += digits;
    // Without a point or an exponent it would be read as an integer.
    if (digits.find_first_of(".e") == std::string_view::npos) out_ += ".0";
    return true;
  }
  bool put(const std::string& text, std::size_t) {
    out_ += '"';
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t length = utf8_length(std::string_view(text).substr(at));
      if (length == 0) return refuse("JSON has no text that is not UTF-8");
      if (length == 1) escape(text[at]);
      if (length > 1) out_.append(text, at, length);
      at += length;
    }
    out_ += '"';
    return true;
  }
  void escape(char c) {
    constexpr std::string_view escaped = "\"\\\b\f\n\r\t";
    constexpr std::string_view letters = "\"\\bfnrt";
    const std::size_t which = escaped.find(c);
    if (which != std::string_view::npos) {
      out_ += '\\';
      out_ += letters[which];
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out_ += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out_ += c;
    }
  }
  bool put(const Document::Binary&, std::size_t) { return refuse("JSON has no binary"); }
  bool put(const Document::Array& array, std::size_t depth) {
    if (too_deep(depth)) return false;
    out_ += '[';
    for (const Document& element : array) {
      if (&element != array.data()) out_ += ',';
      if (!write(element, depth + 1)) return false;
    }
    out_ += ']';
    return true;
  }
  bool put(const Document::Object& object, std::size_t depth) {
    if (too_deep(depth)) return false;
    out_ += '{';
    bool first = true;
    for (const auto& [name, element] : object) {
      if (!std::exchange(first, false)) out_ += ',';
      if (!put(name, depth)) return false;
      out_ += ':';
      if (!write(element, depth + 1)) return false;
    }
    out_ += '}';
    return true;
  }

  std::string out_;
  std::string problem_;
};

}  // namespace

Result<Document> decode_json(std::string_view text) {
  if (text.size() > document_bytes_max)
    return fail(Errc::merge_failed, fmt::format("it is larger than {} bytes", document_bytes_max));
  Events events;
  if (!nlohmann::json::sax_parse(text, &events)) return fail(Errc::merge_failed, events.builder.problem());
  return events.builder.take();
}

Result<std::string> encode_json(const Document& document) {
  Writer writer;
  if (!writer.write(document, 0)) return fail(Errc::merge_failed, writer.problem());
  if (writer.out().size() > document_bytes_max)
    return fail(Errc::merge_failed, fmt::format("the result is larger than {} bytes", document_bytes_max));
  return std::move(writer.out());
}

}  // namespace turnstone::crdt
