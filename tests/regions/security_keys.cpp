#include <algorithm>

#include "regions/security/key_ring.hpp"
#include "regions/security/secret_keys.hpp"
#include "tests/catch.hpp"

using namespace turnstone;
using namespace turnstone::regions;

namespace {

SecretKeys generated() {
  auto keys = SecretKeys::generate();
  REQUIRE(keys.has_value());
  return *std::move(keys);
}

}  // namespace

TEST_CASE("keys: a public key is read back from the word that is printed") {
  const PublicKeys keys = generated().public_keys();
  const std::string word = to_string(keys);
  CHECK(word.size() == 7 + 86);
  CHECK(word.starts_with("tspub1-"));
  REQUIRE(parse_public_keys(word).has_value());
  CHECK(*parse_public_keys(word) == keys);
}

TEST_CASE("keys: a word that is cut short, too long, of other letters or of another kind is refused") {
  const std::string word = to_string(generated().public_keys());
  for (std::size_t size = 0; size < word.size(); ++size) CHECK(!parse_public_keys(word.substr(0, size)));
  for (const std::string& wrong : {word + "A", word + "=", " " + word, word + "\n",
                                   "tspub2-" + word.substr(7), word.substr(0, 20) + "+" + word.substr(21)})
    CHECK(!parse_public_keys(wrong));
}

TEST_CASE("keys: a secret key in the place of a public one is refused without being repeated") {
  generated().lend_word([](std::string_view secret) {
    const auto parsed = parse_public_keys(secret);
    REQUIRE(!parsed);
    CHECK(parsed.error().message.find(secret) == std::string::npos);
    CHECK(parsed.error().message.find("secret key") != std::string::npos);
  });
}

TEST_CASE("keys: the secrets are the same again after a trip through their word") {
  const SecretKeys keys = generated();
  keys.lend_word([&](std::string_view word) {
    const auto again = SecretKeys::parse(word);
    REQUIRE(again.has_value());
    CHECK(again->public_keys() == keys.public_keys());
    CHECK(std::ranges::equal(again->curve_secret(), keys.curve_secret()));
    CHECK(again->sign("x") == keys.sign("x"));
  });
  CHECK(!SecretKeys::parse("tssec1-").has_value());
  CHECK(generated().public_keys() != keys.public_keys());
}

TEST_CASE("keys: a signature holds for its bytes and its key alone") {
  const SecretKeys keys = generated();
  const Key32 signing = keys.public_keys().signing;
  const std::string signature = keys.sign("some bytes");
  CHECK(signature.size() == 64);
  CHECK(verify_signature(signing, "some bytes", signature));
  CHECK(!verify_signature(signing, "some byteS", signature));
  CHECK(!verify_signature(generated().public_keys().signing, "some bytes", signature));
  CHECK(!verify_signature(signing, "some bytes", signature.substr(1)));
  CHECK(!verify_signature(signing, "some bytes", ""));
  for (std::size_t i = 0; i < signature.size(); ++i) {
    std::string wrong = signature;
    wrong[i] = static_cast<char>(wrong[i] ^ 1);
    CHECK(!verify_signature(signing, "some bytes", wrong));
  }
}

TEST_CASE("keys: a ring checks with every key that a region has or had, and signs with its own newest") {
  SecretKeys old = generated(), next = generated();
  const Key32 old_key = old.public_keys().signing, next_key = next.public_keys().signing;
  const std::string by_next = next.sign("bytes"), by_old = old.sign("bytes");
  KeyRing ring(std::move(old), {{"paris", {old_key}}});
  CHECK(ring.sign("bytes") == by_old);
  CHECK(ring.verify("paris", "bytes", by_old));
  CHECK_FALSE(ring.verify("paris", "bytes", by_next));
  ring.replace(std::move(next), {{"paris", {next_key, old_key}}, {"tokyo", {}}});
  CHECK(ring.sign("bytes") == by_next);
  CHECK(ring.verify("paris", "bytes", by_old));
  CHECK(ring.verify("paris", "bytes", by_next));
  for (const char* other : {"tokyo", "dallas", ""}) CHECK_FALSE(ring.verify(other, "bytes", by_next));
  ring.replace(generated(), {{"paris", {next_key}}});
  CHECK_FALSE(ring.verify("paris", "bytes", by_old));
}
