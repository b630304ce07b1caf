#pragma once
// Who vouches for a batch: its origin signs what it seals, and everybody checks the signature
// whoever relays the batch. The keys are the host's; nothing here knows how a signature is made.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/ids.hpp"

namespace turnstone::sync {

inline constexpr std::size_t signature_bytes = 64;

// An origin's number says of which region it is: it begins with 16 bits of a hash of the
// region's name. So nobody can begin, or call its own, the origin of another region before the
// others have heard of it; a signature alone would not tell whose it is then.
Origin origin_of(std::string_view region, std::uint64_t random);
bool is_origin_of(Origin origin, std::string_view region);

class Signatures {
 public:
  virtual ~Signatures() = default;
  // This leader's signature: signature_bytes.
  virtual std::string sign(std::string_view bytes) const = 0;
  // Whether the region, with any key that it has or had, made this signature over these bytes.
  virtual bool verify(std::string_view region, std::string_view bytes, std::string_view signature) const = 0;
};

}  // namespace turnstone::sync
