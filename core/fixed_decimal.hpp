#pragma once
// Decimal fixed point with 17 digits after the point in 128 bits: what counters are
// summed in. Addition is exact and wraps, so a sum depends only on which increments are
// in it, never on their order, as floating point would (and 0.1 + 0.2 is 0.3).
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace turnstone {

__extension__ using Int128 = __int128;

class FixedDecimal {
 public:
  static constexpr int digits = 17;

  constexpr FixedDecimal() = default;
  static FixedDecimal from_int(std::int64_t value);
  static constexpr FixedDecimal from_raw(Int128 raw) { return FixedDecimal(raw); }

  // Digits with an optional sign, point and exponent; digits beyond the 17th after the
  // point round half to even. Nothing for other text, or |value| >= 10^20.
  static std::optional<FixedDecimal> parse(std::string_view text);

  constexpr Int128 raw() const { return raw_; }
  bool is_integer() const;
  // Set only if the value is an integer within the signed 64-bit range.
  std::optional<std::int64_t> to_int64() const;
  // Shortest exact text: "3", "-0.5".
  std::string to_string() const;

  FixedDecimal operator-() const;
  FixedDecimal& operator+=(FixedDecimal other);
  friend FixedDecimal operator+(FixedDecimal a, FixedDecimal b) { return a += b; }
  friend constexpr auto operator<=>(FixedDecimal, FixedDecimal) = default;

 private:
  constexpr explicit FixedDecimal(Int128 raw) : raw_(raw) {}
  Int128 raw_ = 0;
};

}  // namespace turnstone
