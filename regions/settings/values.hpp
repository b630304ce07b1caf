#pragma once
// Single values of the settings, from and to text.
#include <cstdint>
#include <string>
#include <string_view>

#include "core/error.hpp"
#include "regions/settings/settings.hpp"

namespace turnstone::regions {

// A decimal number in [min, max].
Result<std::uint64_t> parse_number(std::string_view text, std::uint64_t min, std::uint64_t max);
// A number of bytes in [min, max]: "4096", "64KiB", "1MiB", "2GiB".
Result<std::uint64_t> parse_size(std::string_view text, std::uint64_t min, std::uint64_t max);
// In the largest of these units that divides it.
std::string size_text(std::uint64_t bytes);
// "true" or "false"; also yes, no, on, off, 1, 0.
Result<bool> parse_flag(std::string_view text);
// NAME=HOST:PORT[,HOST:PULLPORT]; pulls are at the next port if not named.
Result<PeerSettings> parse_peer(std::string_view text);
// NAME=PUBLICKEY
Result<RegionKey> parse_region_key(std::string_view text);

// A TOML basic string with its quotes.
std::string quote(std::string_view text);

}  // namespace turnstone::regions
