#include "core/fixed_decimal.hpp"

#include <rapidcheck.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

#include "tests/catch.hpp"

using namespace turnstone;

namespace {

std::string parsed(const char* text) {
  const auto value = FixedDecimal::parse(text);
  return value ? value->to_string() : "none";
}

}  // namespace

TEST_CASE("fixed decimal: numbers are read as people and clients write them") {
  CHECK(parsed("0") == "0");
  CHECK(parsed("-0") == "0");
  CHECK(parsed("+12") == "12");
  CHECK(parsed("007.50") == "7.5");
  CHECK(parsed(".5") == "0.5");
  CHECK(parsed("5.") == "5");
  CHECK(parsed("-1.25e2") == "-125");
  CHECK(parsed("3E-3") == "0.003");
  CHECK(parsed("1e+3") == "1000");
  CHECK(parsed("99999999999999999999.99999999999999999") == "99999999999999999999.99999999999999999");
}

TEST_CASE("fixed decimal: other text is no number") {
  for (const char* text : {"",
                           "-",
                           "+",
                           ".",
                           "e5",
                           "1e",
                           "1e+",
                           "1 ",
                           " 1",
                           "1,5",
                           "0x10",
                           "nan",
                           "inf",
                           "1.2.3",
                           "--1",
                           "1e5x",
                           "1e++5",
                           "1e1001",
                           "100000000000000000000",
                           "-1e20",
                           "1e999"}) {
    INFO(text);
    CHECK(parsed(text) == "none");
  }
}

TEST_CASE("fixed decimal: digits beyond the seventeenth round half to even") {
  CHECK(parsed("0.000000000000000005") == "0");
  CHECK(parsed("0.0000000000000000050001") == "0.00000000000000001");
  CHECK(parsed("0.000000000000000015") == "0.00000000000000002");
  CHECK(parsed("0.000000000000000025") == "0.00000000000000002");
  CHECK(parsed("-0.000000000000000015") == "-0.00000000000000002");
  CHECK(parsed("1e-18") == "0");
  CHECK(parsed("6e-18") == "0.00000000000000001");
  CHECK(parsed("1e-900") == "0");
  CHECK(parsed("99999999999999999999.999999999999999999") == "none");
}

TEST_CASE("fixed decimal: a tenth and two tenths are three tenths") {
  CHECK((*FixedDecimal::parse("0.1") + *FixedDecimal::parse("0.2")).to_string() == "0.3");
}

TEST_CASE("fixed decimal: integers pass unchanged, and only integers in range do") {
  rc::check("from_int, to_int64", [](std::int64_t value) {
    const FixedDecimal decimal = FixedDecimal::from_int(value);
    RC_ASSERT(decimal.is_integer());
    RC_ASSERT(decimal.to_int64() == value);
    RC_ASSERT(decimal.to_string() == std::to_string(value));
  });
  CHECK(FixedDecimal::from_int(INT64_MIN).to_int64() == INT64_MIN);
  CHECK(FixedDecimal::from_int(INT64_MAX).to_int64() == INT64_MAX);
  CHECK_FALSE(FixedDecimal::parse("9223372036854775808")->to_int64());
  CHECK_FALSE(FixedDecimal::parse("1.5")->to_int64());
  CHECK_FALSE(FixedDecimal::parse("1.5")->is_integer());
}

TEST_CASE("fixed decimal: its text is read back as itself") {
  CHECK(rc::check("to_string, parse", [](std::int64_t high, std::uint64_t low) {
    // Within 10^37 in raw form: what parse accepts.
    const Int128 raw =
        ((Int128{high} << 58) + static_cast<Int128>(low)) % (Int128{INT64_MAX} * INT64_MAX / 9);
    const FixedDecimal value = FixedDecimal::from_raw(raw);
    const auto back = FixedDecimal::parse(value.to_string());
    RC_ASSERT(back.has_value());
    RC_ASSERT(back->raw() == raw);
  }));
}

TEST_CASE("fixed decimal: a sum depends on what is in it and not on the order, even when it wraps") {
  CHECK(rc::check("sums", [](const std::vector<std::pair<std::int64_t, std::uint64_t>>& parts) {
    std::vector<FixedDecimal> values;
    for (const auto& [high, low] : parts) {
      values.push_back(FixedDecimal::from_raw(static_cast<Int128>(Int128{high} << 64 | Int128{low})));
    }
    const auto sum = [](const std::vector<FixedDecimal>& terms) {
      FixedDecimal total;
      for (const FixedDecimal term : terms) total += term;
      return total;
    };
    const FixedDecimal before = sum(values);
    std::shuffle(values.begin(), values.end(), std::mt19937(7));
    RC_ASSERT(sum(values) == before);
    // Taking away what was added leaves nothing.
    FixedDecimal rest = before;
    for (const FixedDecimal value : values) rest += -value;
    RC_ASSERT(rest == FixedDecimal());
  }));
}
