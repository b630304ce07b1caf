#include "regions/settings/values.hpp"

#include <fmt/format.h>

#include <charconv>
#include <limits>
#include <optional>
#include <utility>

namespace turnstone::regions {
namespace {

constexpr std::pair<std::string_view, std::uint64_t> units[] = {
    {"GiB", 1024ull * 1024 * 1024}, {"MiB", 1024ull * 1024}, {"KiB", 1024}};

std::optional<std::uint64_t> digits(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

Result<std::uint64_t> parse_number(std::string_view text, std::uint64_t min, std::uint64_t max) {
  const auto value = digits(text);
  if (!value || *value < min || *value > max)
    return fail(Errc::config, fmt::format("\"{}\" is not a number from {} to {}", text, min, max));
  return *value;
}

Result<std::uint64_t> parse_size(std::string_view text, std::uint64_t min, std::uint64_t max) {
  const auto refuse = [&] {
    return fail(Errc::config, fmt::format("\"{}\" is not a size from {} to {}, such as 4096 or 64KiB", text,
                                          size_text(min), size_text(max)));
  };
  std::uint64_t unit = 1;
  std::string_view number = text;
  for (const auto& [name, bytes] : units)
    if (number.ends_with(name)) {
      unit = bytes;
      number.remove_suffix(name.size());
      break;
    }
  const auto count = digits(number);
  if (!count || *count > std::numeric_limits<std::uint64_t>::max() / unit) return refuse();
  const std::uint64_t bytes = *count * unit;
  if (bytes < min || bytes > max) return refuse();
  return bytes;
}

std::string size_text(std::uint64_t bytes) {
  for (const auto& [name, unit] : units)
    if (bytes != 0 && bytes % unit == 0) return fmt::format("{}{}", bytes / unit, name);
  return fmt::format("{}", bytes);
}

Result<bool> parse_flag(std::string_view text) {
  for (const std::string_view yes : {"true", "yes", "on", "1"})
    if (text == yes) return true;
  for (const std::string_view no : {"false", "no", "off", "0"})
    if (text == no) return false;
  return fail(Errc::config, fmt::format("\"{}\" is neither true nor false", text));
}

Result<PeerSettings> parse_peer(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == text.npos || equals == 0)
    return fail(Errc::config,
                fmt::format("\"{}\" is not NAME=HOST:PORT, such as tokyo=127.0.0.1:7111", text));
  const std::string_view addresses = text.substr(equals + 1);
  const std::size_t comma = addresses.find(',');
  const auto gossip = parse_connect(addresses.substr(0, comma));
  if (!gossip) return tl::make_unexpected(gossip.error());
  const auto pull = comma == addresses.npos ? next_port(*gossip) : parse_connect(addresses.substr(comma + 1));
  if (!pull) return tl::make_unexpected(pull.error());
  return PeerSettings{std::string(text.substr(0, equals)), *gossip, *pull, {}};
}

Result<RegionKey> parse_region_key(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == text.npos || equals == 0)
    return fail(Errc::config, fmt::format("\"{}\" is not NAME=PUBLICKEY, such as tokyo=tspub1-...", text));
  const auto keys = parse_public_keys(text.substr(equals + 1));
  if (!keys) return tl::make_unexpected(keys.error());
  return RegionKey{std::string(text.substr(0, equals)), *keys};
}

std::string quote(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\')
      out += fmt::format("\\{}", c);
    else if (byte < 0x20 || byte == 0x7f)
      out += fmt::format("\\u{:04X}", byte);
    else
      out += c;
  }
  return out + '"';
}

}  // namespace turnstone::regions
