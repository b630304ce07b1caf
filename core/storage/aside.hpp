#pragma once
// A batch that is kept and is not part of the log: it could not be applied when it came, or
// stood in the log behind one that cannot be. In the log's file, table
// aside(id INTEGER PRIMARY KEY, lsn, origin, first_seq, last_seq, checksum, at_ms, reason,
// bytes BLOB); the checksum is that of a log row of this lsn, 0 for what never was one. What is
// known of the author of one that an earlier run of the region wrote: table earlier(id INTEGER
// PRIMARY KEY, region TEXT, seen BLOB), which a checksum over both ends.
#include <cstdint>
#include <string>
#include <string_view>

#include "core/storage/log_row.hpp"

namespace turnstone::storage {

struct AsidePlace {
  std::int64_t id = 0;
  Lsn lsn = 0;  // where it stood in the log; 0 for nowhere
  Origin origin{};
  Seq first_seq = 0;
  Seq last_seq = 0;
  std::uint64_t at_ms = 0;  // when it was set aside
  std::string reason;
  std::size_t bytes = 0;
  // The region that wrote it, where it is the log's own, or was it under another name; else empty.
  std::string author = {};
};

// To be kept; views into what the caller holds.
struct AsideBatch {
  AsidePlace place;
  std::string_view bytes;
  std::string_view seen = {};
};

}  // namespace turnstone::storage
