#pragma once
// The keys that a leader signs and checks batches with: its own secret ones, and the public
// ones of every region, also those that are used no more. Replaced as a whole when keys
// change. One thread.
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "regions/security/secret_keys.hpp"
#include "sync/signatures.hpp"

namespace turnstone::regions {

// By region: whose signature counts for it.
using SigningKeys = std::map<std::string, std::vector<Key32>, std::less<>>;

class KeyRing final : public sync::Signatures {
 public:
  KeyRing(SecretKeys own, SigningKeys trusted);
  void replace(SecretKeys own, SigningKeys trusted);
  void trust(SigningKeys trusted) { trusted_ = std::move(trusted); }

  const SecretKeys& own() const { return own_; }

  std::string sign(std::string_view bytes) const override { return own_.sign(bytes); }
  // The keys are tried in order: those in use stand before those of the past.
  bool verify(std::string_view region, std::string_view bytes, std::string_view signature) const override;

 private:
  SecretKeys own_;
  SigningKeys trusted_;
};

}  // namespace turnstone::regions
