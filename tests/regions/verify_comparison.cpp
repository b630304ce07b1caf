#include "regions/verify/comparison.hpp"
#include "regions/verify/report.hpp"
#include "tests/catch.hpp"

using namespace turnstone;
using namespace turnstone::verify;

namespace {

const Origin paris{1};
const Origin tokyo{2};

crdt::CellName name(const std::string& key) { return {key, {}, crdt::Kind::string}; }

std::string image(const std::string& key, const std::string& value) {
  crdt::Cell cell;
  cell.add({{{paris, 7}, 0}, hlc_from_ms(1000), value});
  return image_of(name(key), &cell, crdt::CellPart::state).bytes;
}

Bucket bucket(std::initializer_list<std::pair<std::string, std::string>> rows) {
  Bucket made;
  for (const auto& [key, value] : rows) made.rows[name(key)] = image(key, value);
  return made;
}

}  // namespace

TEST_CASE("verify: two answers are compared only when each leader has all that the other takes as settled") {
  const Moment a{"paris", "1", {{paris, 5}, {tokyo, 3}}, {{paris, 4}, {tokyo, 3}}};
  Moment b{"tokyo", "2", {{paris, 4}, {tokyo, 6}}, {{paris, 4}, {tokyo, 2}}};
  CHECK(comparable(a, b));
  CHECK(comparable(b, a));
  b.settled = {{paris, 4}, {tokyo, 4}};
  CHECK(!comparable(a, b));
  b.settled = {{tokyo, 2}};
  b.applied = {{paris, 3}, {tokyo, 6}};
  CHECK(!comparable(a, b));
  CHECK(!comparable(b, a));
}

TEST_CASE("verify: rows differ by value and by being there") {
  const std::vector<Bucket> buckets{bucket({{"a", "1"}, {"b", "2"}, {"c", "3"}}),
                                    bucket({{"a", "1"}, {"b", "x"}})};
  CHECK(differing_rows(buckets) == std::vector{name("b"), name("c")});
  CHECK(differing_rows({buckets[0], buckets[0]}).empty());
  const Rows wanted{{name("b"), image("b", "2")}, {name("c"), image("c", "3")}};
  CHECK(rows_to_replace(buckets[0].rows, buckets[1].rows) == wanted);
  const Rows back{{name("b"), image("b", "x")}, {name("c"), {}}};
  CHECK(rows_to_replace(buckets[1].rows, buckets[0].rows) == back);
}

TEST_CASE("verify: a majority is more than half of all regions, asked or not") {
  const Bucket good = bucket({{"a", "1"}});
  const Bucket bad = bucket({{"a", "2"}});
  const Bucket worse = bucket({{"a", "3"}});
  CHECK(*majority({bad, good, good}, 3) == 1);
  CHECK(*majority({good, good, bad}, 3) == 0);
  CHECK(!majority({bad, good, worse}, 3)->has_value());
  CHECK(!majority({bad, good}, 2)->has_value());
  CHECK(!majority({good, good, bad}, 4)->has_value());
  CHECK(!majority({good, good, bad, bad}, 4)->has_value());
  Bucket torn = good;
  torn.rows.begin()->second.pop_back();
  CHECK(!majority({torn, good, good}, 3).has_value());
}

TEST_CASE("verify: a row is told in one printable line") {
  CHECK(text_of(name("k"), {}) == "-");
  CHECK(text_of(name("k"), image("k", "a\n\x1b\\")) ==
        "\"a\\x0a\\x1b\\x5c\" by 0000000000000001:7.0 at 1000");
  crdt::Cell counter;
  counter.increment({{tokyo, 2}, 1}, {{tokyo, 2}, hlc_from_ms(5), 2, nullptr}, FixedDecimal::from_int(12));
  CHECK(text_of(name("n"), image_of(name("n"), &counter).bytes) ==
        "total 12, newest by 0000000000000002:2.1 at 5");
  CHECK(text_of(name("k"), "torn").starts_with("cannot be read"));
}

TEST_CASE("verify: a row that was replaced is kept with its bytes") {
  const std::string bytes = image("k", "v");
  const std::string line = kept_line("tokyo", 9, name("k"), bytes);
  CHECK(line.find("\"region\":\"tokyo\",\"bucket\":9,\"key\":\"k\",\"kind\":\"string\",\"field\":\"\"") !=
        std::string::npos);
  CHECK(line.find("\"key_hex\":\"6b\"") != std::string::npos);
  CHECK(line.find("\"image_hex\":\"") != std::string::npos);
}
