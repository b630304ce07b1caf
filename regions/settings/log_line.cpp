#include "regions/settings/log_line.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <iterator>

namespace turnstone::regions::log {
namespace {

std::string_view level_name(LogLevel level) {
  switch (level) {
    case LogLevel::trace:
      return "trace";
    case LogLevel::debug:
      return "debug";
    case LogLevel::info:
      return "info";
    case LogLevel::warning:
      return "warning";
    case LogLevel::error:
      return "error";
  }
  return "";
}

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

// The length of the well-formed UTF-8 character at the front, 0 if there is none:
// overlong forms, surrogates and what lies beyond U+10FFFF are not well-formed.
std::size_t utf8_length(std::string_view text) {
  const auto first = static_cast<unsigned char>(text[0]);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < length) return 0;
  if (!std::ranges::all_of(text.substr(1, length - 1), is_continuation)) return 0;
  const auto second = static_cast<unsigned char>(text[1]);
  if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) ||
      (first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f))
    return 0;
  return length;
}

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    const char c = text.front();
    const std::size_t length = utf8_length(text);
    if (length == 0)
      out += "\\ufffd";
    else if (c == '"' || c == '\\')
      (out += '\\') += c;
    else if (c == '\n')
      out += "\\n";
    else if (is_control(c))
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned char>(c));
    else
      out += text.substr(0, length);
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  out += '"';
}

void append_json_value(std::string& out, const Value& value) {
  if (const auto* text = std::get_if<std::string_view>(&value)) return append_json_string(out, *text);
  if (const auto* number = std::get_if<double>(&value); number != nullptr && !std::isfinite(*number)) {
    out += "null";
    return;
  }
  std::visit([&out](const auto& plain) { fmt::format_to(std::back_inserter(out), "{}", plain); }, value);
}

void append_json_field(std::string& out, const Field& field) {
  if (out.size() > 1) out += ',';
  append_json_string(out, field.name);
  out += ':';
  append_json_value(out, field.value);
}

// On a terminal a control character could move the cursor or begin a new line.
void append_visible(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (c == '\n')
      out += "\\n";
    else if (is_control(c))
      fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<unsigned char>(c));
    else
      out += c;
  }
}

bool needs_quotes(std::string_view text) {
  return text.empty() || std::ranges::any_of(text, [](char c) {
           return c == ' ' || c == '"' || c == '=' || c == '\\' || is_control(c);
         });
}

void append_text_value(std::string& out, const Value& value) {
  const auto* text = std::get_if<std::string_view>(&value);
  if (text == nullptr)
    return std::visit([&out](const auto& plain) { fmt::format_to(std::back_inserter(out), "{}", plain); },
                      value);
  if (!needs_quotes(*text)) {
    out += *text;
    return;
  }
  out += '"';
  for (const char c : *text) {
    if (c == '"' || c == '\\') out += '\\';
    append_visible(out, std::string_view(&c, 1));
  }
  out += '"';
}

}  // namespace

// RFC 3339 in UTC, to the millisecond.
std::string time_text(std::int64_t unix_ms) {
  const std::time_t seconds = unix_ms / 1000;
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", utc.tm_year + 1900, utc.tm_mon + 1,
                     utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec, unix_ms % 1000);
}

std::string text_line(const Line& line) {
  std::string out = fmt::format("{} {:<7} ", time_text(line.unix_ms), level_name(line.level));
  append_visible(out, line.message);
  const auto append = [&out](const Field& field) {
    fmt::format_to(std::back_inserter(out), " {}=", field.name);
    append_text_value(out, field.value);
  };
  if (!line.region.empty()) append({"region", line.region});
  std::ranges::for_each(line.fields, append);
  return out;
}

std::string json_line(const Line& line) {
  std::string out = "{";
  const auto append = [&out](const Field& field) { append_json_field(out, field); };
  append({"time", time_text(line.unix_ms)});
  append({"level", level_name(line.level)});
  append({"message", line.message});
  if (!line.region.empty()) append({"region", line.region});
  std::ranges::for_each(line.fields, append);
  return out + '}';
}

std::string json_object(std::span<const Field> fields) {
  std::string out = "{";
  for (const Field& field : fields) append_json_field(out, field);
  return out + '}';
}

}  // namespace turnstone::regions::log
