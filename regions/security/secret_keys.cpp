#include "regions/security/secret_keys.hpp"

#include <sodium.h>

#include <algorithm>
#include <array>
#include <utility>

#include "regions/security/key_words.hpp"

namespace turnstone::regions {

struct SecretKeys::Secrets {
  std::array<std::uint8_t, crypto_box_SECRETKEYBYTES> curve;
  std::array<std::uint8_t, crypto_sign_SEEDBYTES> seed;
  // As libsodium signs with it: the seed and the public key.
  std::array<std::uint8_t, crypto_sign_SECRETKEYBYTES> signing;
};

void SecretKeys::Release::operator()(Secrets* secrets) const { sodium_free(secrets); }

Result<std::unique_ptr<SecretKeys::Secrets, SecretKeys::Release>> SecretKeys::allocate() {
  if (sodium_init() < 0)
    return fail(Errc::io, "libsodium cannot be used: the system gives no random numbers");
  void* memory = sodium_malloc(sizeof(Secrets));
  if (memory == nullptr) return fail(Errc::io, "there is no protected memory for secret keys");
  return std::unique_ptr<Secrets, Release>(new (memory) Secrets);
}

SecretKeys::SecretKeys(std::unique_ptr<Secrets, Release> secrets) : secrets_(std::move(secrets)) {
  crypto_scalarmult_base(public_.curve.data(), secrets_->curve.data());
  crypto_sign_seed_keypair(public_.signing.data(), secrets_->signing.data(), secrets_->seed.data());
}

Result<SecretKeys> SecretKeys::generate() {
  auto secrets = allocate();
  if (!secrets) return tl::make_unexpected(secrets.error());
  randombytes_buf((*secrets)->curve.data(), (*secrets)->curve.size());
  randombytes_buf((*secrets)->seed.data(), (*secrets)->seed.size());
  return SecretKeys(*std::move(secrets));
}

Result<SecretKeys> SecretKeys::parse(std::string_view word) {
  auto secrets = allocate();
  if (!secrets) return tl::make_unexpected(secrets.error());
  std::array<std::uint8_t, key_word_bytes> bytes{};
  const bool read = read_key_word(word, secret_prefix, bytes);
  std::copy_n(bytes.begin(), (*secrets)->curve.size(), (*secrets)->curve.begin());
  std::copy_n(bytes.begin() + (*secrets)->curve.size(), (*secrets)->seed.size(), (*secrets)->seed.begin());
  sodium_memzero(bytes.data(), bytes.size());
  if (!read) return fail(Errc::config, "holds no secret key as turnstone keygen writes it");
  return SecretKeys(*std::move(secrets));
}

std::span<const std::uint8_t, 32> SecretKeys::curve_secret() const { return secrets_->curve; }

std::string SecretKeys::sign(std::string_view bytes) const {
  std::string signature(crypto_sign_BYTES, '\0');
  crypto_sign_detached(reinterpret_cast<unsigned char*>(signature.data()), nullptr,
                       reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
                       secrets_->signing.data());
  return signature;
}

void SecretKeys::lend_word(const std::function<void(std::string_view word)>& use) const {
  std::array<std::uint8_t, key_word_bytes> bytes{};
  std::ranges::copy(secrets_->curve, bytes.begin());
  std::ranges::copy(secrets_->seed, bytes.begin() + secrets_->curve.size());
  std::string word = key_word(secret_prefix, bytes);
  use(word);
  sodium_memzero(word.data(), word.size());
  sodium_memzero(bytes.data(), bytes.size());
}

bool verify_signature(const Key32& signing, std::string_view bytes, std::string_view signature) {
  return signature.size() == crypto_sign_BYTES &&
         crypto_sign_verify_detached(reinterpret_cast<const unsigned char*>(signature.data()),
                                     reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
                                     signing.data()) == 0;
}

}  // namespace turnstone::regions
