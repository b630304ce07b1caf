#pragma once
// The keys with which links are opened. Bytes as CURVE wants them, 32 each.
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "regions/security/public_keys.hpp"

namespace turnstone::regions {

struct LinkKeys {
  Key32 public_key{};
  // Borrowed while the links are being opened; ZeroMQ keeps a copy of its own.
  std::span<const std::uint8_t, 32> secret_key;
  // Who may come in, and as which region.
  std::map<Key32, std::string> allowed;
  // Who may ask, and hears nothing else: regions that were removed, to be told so.
  std::map<Key32, std::string> may_ask = {};
};

}  // namespace turnstone::regions
