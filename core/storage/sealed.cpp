#include "core/storage/sealed.hpp"

#include "core/hash.hpp"

namespace turnstone::storage {
namespace {

constexpr std::size_t seal_bytes = 8;

}  // namespace

std::string sealed(std::string bytes, std::uint64_t salt) {
  std::uint64_t hash = hash64(bytes, salt);
  for (std::size_t i = 0; i < seal_bytes; ++i, hash >>= 8) bytes += static_cast<char>(hash & 0xff);
  return bytes;
}

std::optional<std::string_view> unsealed(std::string_view bytes, std::uint64_t salt) {
  if (bytes.size() < seal_bytes) return std::nullopt;
  const std::string_view content = bytes.substr(0, bytes.size() - seal_bytes);
  std::uint64_t hash = 0;
  for (std::size_t i = bytes.size(); i > content.size(); --i) {
    hash = hash << 8 | static_cast<unsigned char>(bytes[i - 1]);
  }
  if (hash != hash64(content, salt)) return std::nullopt;
  return content;
}

}  // namespace turnstone::storage
