#include "regions/security/key_ring.hpp"

#include <algorithm>
#include <utility>

namespace turnstone::regions {

KeyRing::KeyRing(SecretKeys own, SigningKeys trusted) : own_(std::move(own)), trusted_(std::move(trusted)) {}

void KeyRing::replace(SecretKeys own, SigningKeys trusted) {
  own_ = std::move(own);
  trusted_ = std::move(trusted);
}

bool KeyRing::verify(std::string_view region, std::string_view bytes, std::string_view signature) const {
  const auto found = trusted_.find(region);
  return found != trusted_.end() && std::ranges::any_of(found->second, [&](const Key32& key) {
           return verify_signature(key, bytes, signature);
         });
}

}  // namespace turnstone::regions
