#pragma once
// Stored bytes with 8 bytes (little endian) of hash behind them, over what they are the
// value of (`salt`) and them: bytes under another name do not match.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace turnstone::storage {

std::string sealed(std::string bytes, std::uint64_t salt);
// The bytes without the hash; nothing when it does not match.
std::optional<std::string_view> unsealed(std::string_view bytes, std::uint64_t salt);

}  // namespace turnstone::storage
