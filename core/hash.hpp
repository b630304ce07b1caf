#pragma once
// XXH3, the one hash of the project: fast, seeded by nothing, equal on every machine.
// Guards against accidents, not against an adversary.
#include <compare>
#include <cstdint>
#include <string_view>

namespace turnstone {

struct Hash128 {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  // Sums modulo 2^128: the digest of a set is the sum over its members, in any order.
  Hash128& operator+=(const Hash128& other);
  Hash128& operator-=(const Hash128& other);
  friend auto operator<=>(const Hash128&, const Hash128&) = default;
};

std::uint64_t hash64(std::string_view bytes);
// Chained or salted: the same bytes under another seed hash differently.
std::uint64_t hash64(std::string_view bytes, std::uint64_t seed);
Hash128 hash128(std::string_view bytes);

}  // namespace turnstone
