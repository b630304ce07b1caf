#pragma once
// Who vouches for a batch: its origin signs what it seals, and everybody checks the signature
// whoever relays the batch. The keys are the host's; nothing here knows how a signature is made.
#include <cstddef>
#include <string>
#include <string_view>

namespace turnstone::sync {

inline constexpr std::size_t signature_bytes = 64;

class Signatures {
 public:
  virtual ~Signatures() = default;
  // This leader's signature: signature_bytes.
  virtual std::string sign(std::string_view bytes) const = 0;
  // Whether the region, with any key that it has or had, made this signature over these bytes.
  virtual bool verify(std::string_view region, std::string_view bytes, std::string_view signature) const = 0;
};

}  // namespace turnstone::sync
