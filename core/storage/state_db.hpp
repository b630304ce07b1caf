#pragma once
// The checkpointed state: exactly the state after the log up to a position, and the
// position, changed together in one transaction. Knows nothing of what the bytes mean.
//
// Schema, format 2:
//   cell(key BLOB, kind INTEGER, field BLOB, image BLOB, PRIMARY KEY(key, kind, field))
//   origin(origin INTEGER PRIMARY KEY, image BLOB)
//   meta: format, cluster, region, and position: the record
//     [lsn hlc protocol cells cells_sum origins origins_sum]
//   image of an origin, position: followed by 8 bytes of hash over
//   the name and them. The sums add up the hashes of all rows, so that a row that is
//   missing or of another checkpoint is seen too.
//
// One thread at a time.
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "core/ids.hpp"
#include "core/storage/identity.hpp"
#include "core/storage/log_row.hpp"

namespace turnstone::storage {

// Views must live until the call that takes them returns.
struct StoredCell {
  std::string_view key;
  std::uint8_t kind = 0;
  std::string_view field;
  // Carries its own checksum, with the name in it. Empty: the cell is no more.
  std::string_view image;
};

struct StoredOrigin {
  Origin origin{};
  std::string image;
  friend bool operator==(const StoredOrigin&, const StoredOrigin&) = default;
};

struct StatePosition {
  Lsn lsn = 0;
  std::uint64_t hlc = 0;   // how far the leader's clock had come
  std::string protocol{};  // what else the protocol keeps with a position
  friend bool operator==(const StatePosition&, const StatePosition&) = default;
};

// What changed between two positions.
struct StateChange {
  StatePosition position;
  std::vector<StoredCell> cells;      // each cell once, in any order
  std::vector<StoredOrigin> origins;  // all of them
};

class StateDb {
 public:
  // Opens the state, or makes an empty one at position 0. The caller holds the lock of the
  // directory. Errors: wrong_cluster (naming both), unsupported_version, corrupt, io.
  static Result<StateDb> open(const std::filesystem::path& file, const Identity& identity);
  StateDb(StateDb&&) noexcept;
  StateDb& operator=(StateDb&&) noexcept;
  ~StateDb();

  StatePosition position() const;

  // Applies a change in one durable transaction: after a crash either none or all of it is
  // there. The position does not go back. The log must be durable up to the new position
  // before this is called: a state ahead of its log is refused at the next start.
  // After an error every later call fails. Errors: io, corrupt. Where `go_on` says false, all
  // of it is given up: io.
  Result<void> apply(
      StateChange change, const std::function<bool()>& go_on = [] { return true; });

  // All cells in order of (key, kind, field); the views are valid during the visit. At the
  // end it is known that they are exactly the cells of the position: until this returns
  // well, nothing of it may be used. Errors: corrupt, io, and the visitor's.
  Result<void> for_each_cell(const std::function<Result<void>(const StoredCell&)>& visit) const;
  // Sorted by number as stored. Errors: corrupt, io.
  Result<std::vector<StoredOrigin>> origins() const;

 private:
  struct Impl;
  explicit StateDb(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace turnstone::storage
