#include "core/fixed_decimal.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

namespace turnstone {
namespace {

__extension__ using UInt128 = unsigned __int128;

constexpr Int128 power_of_ten(int exponent) {
  Int128 value = 1;
  while (exponent-- > 0) value *= 10;
  return value;
}
constexpr Int128 scale = power_of_ten(FixedDecimal::digits);
// 10^20 in raw form: the largest 64-bit counter fits with a margin of a hundred regions.
constexpr Int128 raw_limit = power_of_ten(20) * scale;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

FixedDecimal FixedDecimal::from_int(std::int64_t value) { return FixedDecimal(Int128{value} * scale); }

std::optional<FixedDecimal> FixedDecimal::parse(std::string_view text) {
  std::size_t at = 0;
  const bool negative = !text.empty() && text[0] == '-';
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) ++at;

  // The significant digits without leading zeros, and the power of ten of the last one.
  std::string significant;
  int exponent = 0;
  bool any_digit = false;
  bool after_point = false;
  for (; at < text.size() && (is_digit(text[at]) || (text[at] == '.' && !after_point)); ++at) {
    if (text[at] == '.') {
      after_point = true;
      continue;
    }
    any_digit = true;
    if (!significant.empty() || text[at] != '0') significant += text[at];
    if (after_point) --exponent;
  }
  if (!any_digit || significant.size() > 400) return std::nullopt;
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && text[at] == '+') ++at;
    int written = 0;
    const auto [end, error] = std::from_chars(text.data() + at, text.data() + text.size(), written);
    if (error != std::errc{} || written > 1000 || written < -1000) return std::nullopt;
    exponent += written;
    at = static_cast<std::size_t>(end - text.data());
  }
  if (at != text.size()) return std::nullopt;
  if (significant.empty()) return FixedDecimal();

  // How many of the significant digits stand above 10^-17; the rest decides the rounding.
  const int kept = static_cast<int>(significant.size()) + exponent + digits;
  if (kept > 38) return std::nullopt;
  Int128 raw = 0;
  for (int i = 0; i < kept; ++i) {
    const auto index = static_cast<std::size_t>(i);
    raw = raw * 10 + (index < significant.size() ? significant[index] - '0' : 0);
  }
  if (kept >= 0 && static_cast<std::size_t>(kept) < significant.size()) {
    const std::string_view rest = std::string_view(significant).substr(static_cast<std::size_t>(kept));
    const bool exact_half =
        rest[0] == '5' && std::all_of(rest.begin() + 1, rest.end(), [](char c) { return c == '0'; });
    if (rest[0] > '5' || (rest[0] == '5' && (!exact_half || raw % 2 != 0))) ++raw;
  }
  if (raw >= raw_limit) return std::nullopt;
  return FixedDecimal(negative ? -raw : raw);
}

bool FixedDecimal::is_integer() const { return raw_ % scale == 0; }

std::optional<std::int64_t> FixedDecimal::to_int64() const {
  const Int128 whole = raw_ / scale;
  if (!is_integer() || whole < std::numeric_limits<std::int64_t>::min() ||
      whole > std::numeric_limits<std::int64_t>::max()) {
    return std::nullopt;
  }
  return static_cast<std::int64_t>(whole);
}

std::string FixedDecimal::to_string() const {
  // Negating the lowest value overflows in signed arithmetic; unsigned wraps to itself.
  UInt128 rest = raw_ < 0 ? -static_cast<UInt128>(raw_) : static_cast<UInt128>(raw_);
  std::string text;
  bool significant = false;
  for (int position = 0; rest != 0 || position <= digits; ++position) {
    const char digit = static_cast<char>('0' + static_cast<int>(rest % 10));
    rest /= 10;
    if (position == digits && significant) text += '.';
    if (position >= digits || digit != '0') significant = significant || position < digits;
    if (position >= digits || significant) text += digit;
  }
  if (raw_ < 0) text += '-';
  std::reverse(text.begin(), text.end());
  return text;
}

FixedDecimal FixedDecimal::operator-() const {
  return FixedDecimal(static_cast<Int128>(-static_cast<UInt128>(raw_)));
}

FixedDecimal& FixedDecimal::operator+=(FixedDecimal other) {
  raw_ = static_cast<Int128>(static_cast<UInt128>(raw_) + static_cast<UInt128>(other.raw_));
  return *this;
}

}  // namespace turnstone
