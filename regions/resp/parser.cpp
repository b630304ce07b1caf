#include "regions/resp/parser.hpp"

#include <algorithm>

#include "regions/resp/inline_words.hpp"

namespace turnstone::resp {
namespace {

// More digits than any limit has.
constexpr std::size_t length_digits_max = 10;
// Room beside the arguments' own bytes when request_bytes_max is below bulk_bytes_max.
constexpr std::size_t request_overhead_bytes = 64 * 1024;
// Bookkeeping of a larger request is given back afterwards.
constexpr std::size_t args_kept = 1024;
constexpr std::size_t inline_bytes_kept = 4096;

enum class LengthStatus { need_more, valid, invalid };

struct Length {
  LengthStatus status;
  bool negative = false;
  std::size_t value = 0;
  std::size_t bytes = 0;  // with its CRLF
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// A decimal number and CRLF, in the one form that Redis takes: no plus sign, no leading
// zeros. A wrong byte is wrong as soon as it is there.
Length read_length(std::string_view text) {
  Length length{LengthStatus::valid};
  std::size_t at = !text.empty() && text[0] == '-' ? 1 : 0;
  length.negative = at == 1;
  const std::size_t first_digit = at;
  for (; at < text.size() && is_digit(text[at]); ++at) {
    if (at - first_digit == length_digits_max) return {LengthStatus::invalid};
    length.value = length.value * 10 + static_cast<std::size_t>(text[at] - '0');
  }
  const std::size_t digits = at - first_digit;
  if (digits > 0 && text[first_digit] == '0' && (digits > 1 || length.negative))
    return {LengthStatus::invalid};
  if (at == text.size()) return {LengthStatus::need_more};
  if (digits == 0 || text[at] != '\r') return {LengthStatus::invalid};
  if (at + 1 == text.size()) return {LengthStatus::need_more};
  if (text[at + 1] != '\n') return {LengthStatus::invalid};
  length.bytes = at + 2;
  return length;
}

std::string named_limit(std::string_view what, std::string_view name, std::size_t value) {
  return std::string(what) + ", " + std::string(name) + " is " + std::to_string(value);
}

}  // namespace

RequestParser::RequestParser(const ParserLimits& limits) : limits_(limits) {
  limits_.request_bytes_max =
      std::max(limits_.request_bytes_max, limits_.bulk_bytes_max + request_overhead_bytes);
}

ParseStatus RequestParser::parse(std::string_view input) {
  consumed_ = 0;
  if (!error_.empty()) return ParseStatus::error;
  while (consumed_ < input.size()) {
    const std::string_view rest = input.substr(consumed_);
    if (at_ == 0) begin_request();
    const Step step = rest.front() == '*' ? parse_array(rest) : parse_inline(rest);
    if (step == Step::error) return ParseStatus::error;
    if (step == Step::need_more) return ParseStatus::need_more;
    consumed_ += at_;
    at_ = 0;
    if (step == Step::request) return ParseStatus::request;
  }
  return ParseStatus::need_more;
}

void RequestParser::begin_request() {
  args_missing_ = 0;
  bulk_begun_ = false;
  slices_.clear();
  args_.clear();
  inline_bytes_.clear();
  if (slices_.capacity() > args_kept) slices_.shrink_to_fit();
  if (args_.capacity() > args_kept) args_.shrink_to_fit();
  if (inline_bytes_.capacity() > inline_bytes_kept) inline_bytes_.shrink_to_fit();
}

RequestParser::Step RequestParser::parse_array(std::string_view input) {
  if (at_ == 0) {
    const Step step = parse_count(input);
    if (step != Step::request) return step;
  }
  while (args_missing_ > 0) {
    const Step step = parse_bulk(input);
    if (step != Step::request) return step;
  }
  args_.reserve(slices_.size());
  for (const Slice& slice : slices_) args_.push_back(input.substr(slice.offset, slice.size));
  return Step::request;
}

RequestParser::Step RequestParser::parse_count(std::string_view input) {
  const Length count = read_length(input.substr(1));
  if (count.status == LengthStatus::need_more) return Step::need_more;
  if (count.status == LengthStatus::invalid) return protocol_error("invalid multibulk length");
  if (count.negative || count.value == 0) {
    at_ = 1 + count.bytes;
    return Step::nothing;
  }
  if (count.value > limits_.args_max) {
    return protocol_error(named_limit("invalid multibulk length", "args_max", limits_.args_max));
  }
  if (!authenticated_ && count.value > limits_.unauthenticated_args_max) {
    return protocol_error("unauthenticated multibulk length");
  }
  at_ = 1 + count.bytes;
  args_missing_ = count.value;
  return Step::request;
}

// One "$length\r\nbytes\r\n".
RequestParser::Step RequestParser::parse_bulk(std::string_view input) {
  if (at_ == input.size()) return Step::need_more;
  if (!bulk_begun_) {
    if (input[at_] != '$') return protocol_error(std::string("expected '$', got '") + input[at_] + "'");
    const Length length = read_length(input.substr(at_ + 1));
    if (length.status == LengthStatus::need_more) return Step::need_more;
    if (length.status == LengthStatus::invalid || length.negative)
      return protocol_error("invalid bulk length");
    if (length.value > limits_.bulk_bytes_max) {
      return protocol_error(named_limit("invalid bulk length", "bulk_bytes_max", limits_.bulk_bytes_max));
    }
    if (!authenticated_ && length.value > limits_.unauthenticated_bulk_bytes_max) {
      return protocol_error("unauthenticated bulk length");
    }
    at_ += 1 + length.bytes;
    bulk_bytes_ = length.value;
    if (at_ + bulk_bytes_ > limits_.request_bytes_max) {
      return protocol_error(named_limit("too big request", "request_bytes_max", limits_.request_bytes_max));
    }
    bulk_begun_ = true;
  }
  if (input.size() - at_ < bulk_bytes_ + 2) return Step::need_more;
  if (input.substr(at_ + bulk_bytes_, 2) != "\r\n")
    return protocol_error("expected CRLF after a bulk string");
  slices_.push_back({at_, bulk_bytes_});
  at_ += bulk_bytes_ + 2;
  --args_missing_;
  bulk_begun_ = false;
  return Step::request;
}

RequestParser::Step RequestParser::parse_inline(std::string_view input) {
  const std::size_t newline = input.find('\n', at_);
  if (std::min(newline, input.size()) > limits_.inline_bytes_max)
    return protocol_error("too big inline request");
  if (newline == std::string_view::npos) {
    at_ = input.size();
    return Step::need_more;
  }
  std::string_view line = input.substr(0, newline);
  if (line.ends_with('\r')) line.remove_suffix(1);
  at_ = newline + 1;
  if (!split_inline_words(line, inline_bytes_, args_)) return protocol_error("unbalanced quotes in request");
  return args_.empty() ? Step::nothing : Step::request;
}

RequestParser::Step RequestParser::protocol_error(std::string_view what) {
  error_ = "Protocol error: " + std::string(what);
  return Step::error;
}

}  // namespace turnstone::resp
