#pragma once
// 64 bytes as one word: a prefix that says what they are, and base64. What keys look like in
// files and settings.
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace turnstone::regions {

inline constexpr std::size_t key_word_bytes = 64;
inline constexpr std::string_view public_prefix = "tspub1-";
inline constexpr std::string_view secret_prefix = "tssec1-";

// False when the word is not the prefix and exactly that many bytes.
bool read_key_word(std::string_view word, std::string_view prefix,
                   std::span<std::uint8_t, key_word_bytes> bytes);
std::string key_word(std::string_view prefix, std::span<const std::uint8_t, key_word_bytes> bytes);

}  // namespace turnstone::regions
