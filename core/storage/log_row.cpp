#include "core/storage/log_row.hpp"

#include "core/hash.hpp"

namespace turnstone::storage {

std::uint64_t checksum(const LogEntry& entry) {
  char place[32];
  std::size_t at = 0;
  for (std::uint64_t value :
       {entry.lsn, static_cast<std::uint64_t>(entry.origin), entry.first_seq, entry.last_seq}) {
    for (int i = 0; i < 8; ++i, value >>= 8) place[at++] = static_cast<char>(value & 0xff);
  }
  return hash64({place, sizeof place}, hash64(entry.bytes));
}

}  // namespace turnstone::storage
