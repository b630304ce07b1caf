#pragma once
// The secrets of one region's leader: who has them can speak as that region. They live in
// memory that is locked, fenced by guard pages and wiped when released (libsodium's own
// allocation), and leave this class only as signatures and towards ZeroMQ. Move-only; const
// methods from any thread.
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "core/error.hpp"
#include "regions/security/public_keys.hpp"

namespace turnstone::regions {

class SecretKeys {
 public:
  // From the system's random generator. Errors: io, when it cannot be had.
  static Result<SecretKeys> generate();
  // From the word of a key file, tssec1-... Errors: config, io.
  static Result<SecretKeys> parse(std::string_view word);

  const PublicKeys& public_keys() const { return public_; }
  std::span<const std::uint8_t, 32> curve_secret() const;
  // Ed25519, 64 bytes.
  std::string sign(std::string_view bytes) const;
  // Lends the word that a key file holds, and wipes it afterwards.
  void lend_word(const std::function<void(std::string_view word)>& use) const;

 private:
  struct Secrets;
  struct Release {
    void operator()(Secrets* secrets) const;
  };
  explicit SecretKeys(std::unique_ptr<Secrets, Release> secrets);
  static Result<std::unique_ptr<Secrets, Release>> allocate();

  std::unique_ptr<Secrets, Release> secrets_;
  PublicKeys public_;
};

// Whether `signature` is the 64 bytes that the owner of the signing key made over `bytes`.
bool verify_signature(const Key32& signing, std::string_view bytes, std::string_view signature);

}  // namespace turnstone::regions
