#include "regions/resp/reply.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace turnstone::resp {
namespace {

std::string_view write_real(double value, char (&buffer)[40]) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  const auto end = std::to_chars(buffer, buffer + sizeof(buffer), value).ptr;
  return {buffer, static_cast<std::size_t>(end - buffer)};
}

}  // namespace

void ReplyWriter::begin() {
  start_ = out_.size();
  overflowed_ = false;
}

void ReplyWriter::rewind() {
  out_.resize(start_);
  overflowed_ = false;
}

// With room for the type, the line ends and the length of whatever the bytes are.
bool ReplyWriter::room_for(std::size_t bytes) {
  constexpr std::size_t frame_bytes_max = 32;
  overflowed_ = overflowed_ || out_.size() - start_ + bytes + frame_bytes_max > bytes_max_;
  return !overflowed_;
}

void ReplyWriter::head(char type, std::size_t count) {
  char buffer[24];
  buffer[0] = type;
  char* end = std::to_chars(buffer + 1, buffer + sizeof(buffer) - 2, count).ptr;
  *end++ = '\r';
  *end++ = '\n';
  if (room_for(0)) out_.append(buffer, static_cast<std::size_t>(end - buffer));
}

void ReplyWriter::line(char type, std::string_view text) {
  if (!room_for(text.size())) return;
  out_ += type;
  out_ += text;
  out_ += "\r\n";
}

void ReplyWriter::simple(std::string_view text) { line('+', text); }

void ReplyWriter::error(std::string_view text) {
  const auto is_break = [](char c) { return c == '\r' || c == '\n'; };
  if (std::none_of(text.begin(), text.end(), is_break)) return line('-', text);
  std::string one_line(text);
  std::replace_if(one_line.begin(), one_line.end(), is_break, ' ');
  line('-', one_line);
}

void ReplyWriter::integer(std::int64_t value) {
  char buffer[24];
  const char* end = std::to_chars(buffer, buffer + sizeof(buffer), value).ptr;
  line(':', {buffer, static_cast<std::size_t>(end - buffer)});
}

void ReplyWriter::bulk(std::string_view bytes) {
  if (!room_for(bytes.size())) return;
  head('$', bytes.size());
  out_ += bytes;
  out_ += "\r\n";
}

void ReplyWriter::verbatim(std::string_view text) {
  if (protocol_ < 3) return bulk(text);
  if (!room_for(text.size())) return;
  head('=', text.size() + 4);
  out_ += "txt:";
  out_ += text;
  out_ += "\r\n";
}

void ReplyWriter::real(double value) {
  char buffer[40];
  const std::string_view text = write_real(value, buffer);
  if (protocol_ < 3) return bulk(text);
  line(',', text);
}

void ReplyWriter::boolean(bool value) {
  if (protocol_ < 3) return integer(value ? 1 : 0);
  line('#', value ? "t" : "f");
}

void ReplyWriter::null() {
  if (protocol_ < 3) return line('$', "-1");
  line('_', {});
}

void ReplyWriter::null_array() {
  if (protocol_ < 3) return line('*', "-1");
  line('_', {});
}

void ReplyWriter::array(std::size_t elements) { head('*', elements); }

void ReplyWriter::set(std::size_t elements) { head(protocol_ < 3 ? '*' : '~', elements); }

void ReplyWriter::map(std::size_t pairs) {
  if (protocol_ < 3) return head('*', 2 * pairs);
  head('%', pairs);
}

void ReplyWriter::push(std::size_t elements) { head(protocol_ < 3 ? '*' : '>', elements); }

}  // namespace turnstone::resp
