#pragma once
// A row of the log: one batch of one origin, as it was applied here.
#include <cstdint>
#include <string_view>

#include "core/ids.hpp"

namespace turnstone::storage {

// Local log sequence number: 1, 2, 3 ... in the order in which batches were applied.
using Lsn = std::uint64_t;

struct LogHeader {
  Lsn lsn = 0;
  Origin origin{};
  Seq first_seq = 0;
  Seq last_seq = 0;
  std::size_t bytes = 0;  // length of the batch
};

struct LogEntry {
  Lsn lsn = 0;
  Origin origin{};
  Seq first_seq = 0;
  Seq last_seq = 0;
  std::string_view bytes;
};

// Over the bytes and the place of a row: a row that was moved or altered does not match.
std::uint64_t checksum(const LogEntry& entry);

}  // namespace turnstone::storage
