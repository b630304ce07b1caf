#pragma once
// What the leaders of other regions must know of one: the CURVE key that its links show and
// the Ed25519 key that its batches are signed with. Both travel as one word, "tspub1-" and 86
// letters of base64 (the file-name alphabet), which `turnstone keygen` prints and an operator
// pastes into the peers' settings. Not secret.
#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/error.hpp"

namespace turnstone::regions {

using Key32 = std::array<std::uint8_t, 32>;

struct PublicKeys {
  Key32 curve{};
  Key32 signing{};
  friend auto operator<=>(const PublicKeys&, const PublicKeys&) = default;
};

// Errors: config, for anything else than one such word.
Result<PublicKeys> parse_public_keys(std::string_view text);
std::string to_string(const PublicKeys& keys);

}  // namespace turnstone::regions
