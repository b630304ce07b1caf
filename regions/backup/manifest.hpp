#pragma once
// What a backup says of itself.
//
// A backup is an archive of members in this order: state.db, log.db and, where there is one,
// audit.db, which are what a data directory holds under these names, and manifest.txt, with a line "NAME:
// VALUE" for each member of Manifest and at the end the hash of these lines. It holds no key, and the
// restored region is named when it is restored.
#include <cstdint>
#include <string>
#include <string_view>

#include "core/error.hpp"
#include "core/version_vector.hpp"

namespace turnstone::backup {

inline constexpr const char* state_member = "state.db";
inline constexpr const char* log_member = "log.db";
inline constexpr const char* audit_member = "audit.db";
inline constexpr const char* manifest_member = "manifest.txt";

// What the two databases hold together.
struct Contents {
  std::string cluster;
  std::string region;           // where it was taken
  std::uint64_t state_lsn = 0;  // the state is that after this batch of the log
  std::uint64_t first_lsn = 0;  // of the log; 0: no batch
  std::uint64_t last_lsn = 0;
  std::uint64_t cells = 0;
  VersionVector vector;  // every write that is in it
  friend bool operator==(const Contents&, const Contents&) = default;
};

struct Manifest {
  Contents contents;
  std::string release;         // of the program that took it
  std::uint64_t taken_ms = 0;  // milliseconds since 1970
  std::uint64_t state_hash = 0;
  std::uint64_t log_hash = 0;
  std::uint64_t audit_hash = 0;  // 0: it holds none
  friend bool operator==(const Manifest&, const Manifest&) = default;
};

std::string encode(const Manifest& manifest);
// Errors: malformed; unsupported_version when it is of another format.
Result<Manifest> decode_manifest(std::string_view text);

}  // namespace turnstone::backup
