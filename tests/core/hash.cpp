#include "core/hash.hpp"

#include "tests/catch.hpp"

using namespace turnstone;

TEST_CASE("hash: the values are those of XXH3, so that stored ones stay readable") {
  CHECK(hash64("") == 0x2d06800538d394c2);
  CHECK(hash64("turnstone") == hash64(std::string_view("xturnstone").substr(1)));
  CHECK(hash128("") == Hash128{0x99aa06d3014798d8, 0x6001c324468d497f});
}

TEST_CASE("hash: the same bytes under another seed hash differently") {
  CHECK(hash64("paris", 1) != hash64("paris", 2));
  CHECK(hash64("paris", 1) != hash64("tokyo", 1));
  CHECK(hash64("paris", 0) == hash64("paris"));
}
