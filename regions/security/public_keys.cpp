#include "regions/security/public_keys.hpp"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>

#include "regions/security/key_words.hpp"

namespace turnstone::regions {

bool read_key_word(std::string_view word, std::string_view prefix,
                   std::span<std::uint8_t, key_word_bytes> bytes) {
  if (!word.starts_with(prefix)) return false;
  word.remove_prefix(prefix.size());
  std::size_t length = 0;
  const char* end = nullptr;
  return sodium_base642bin(bytes.data(), bytes.size(), word.data(), word.size(), nullptr, &length, &end,
                           sodium_base64_VARIANT_URLSAFE_NO_PADDING) == 0 &&
         length == bytes.size() && end == word.data() + word.size();
}

std::string key_word(std::string_view prefix, std::span<const std::uint8_t, key_word_bytes> bytes) {
  constexpr auto variant = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
  std::string word(prefix);
  word.resize(prefix.size() + sodium_base64_ENCODED_LEN(key_word_bytes, variant));
  sodium_bin2base64(word.data() + prefix.size(), word.size() - prefix.size(), bytes.data(), bytes.size(),
                    variant);
  word.pop_back();  // the terminating zero
  return word;
}

Result<PublicKeys> parse_public_keys(std::string_view text) {
  std::array<std::uint8_t, key_word_bytes> bytes{};
  if (text.starts_with(secret_prefix))
    return fail(Errc::config, "is a secret key: only public keys, which begin with tspub1-, belong here");
  if (!read_key_word(text, public_prefix, bytes))
    return fail(Errc::config,
                fmt::format("\"{}\" is not a public key as turnstone keygen prints it, tspub1-...", text));
  PublicKeys keys;
  std::copy_n(bytes.begin(), keys.curve.size(), keys.curve.begin());
  std::copy_n(bytes.begin() + keys.curve.size(), keys.signing.size(), keys.signing.begin());
  return keys;
}

std::string to_string(const PublicKeys& keys) {
  std::array<std::uint8_t, key_word_bytes> bytes{};
  std::ranges::copy(keys.curve, bytes.begin());
  std::ranges::copy(keys.signing, bytes.begin() + keys.curve.size());
  return key_word(public_prefix, bytes);
}

}  // namespace turnstone::regions
