#pragma once
// The record of conflicts of one leader, apart from its state: a state is a function of what
// was applied, this is what the leader saw while it applied it. Knows nothing of what the
// records mean, only what they are looked for by.
//
// Schema, format 1:
//   conflict(number INTEGER PRIMARY KEY, id BLOB UNIQUE, at, found, type, by_clock INTEGER,
//            key BLOB, rule, regions TEXT, record BLOB)
//     indexes on (at, id), (key, at, id), (type, at, id)
//   author(region TEXT, at INTEGER, id BLOB, PRIMARY KEY(region, at, id)): a row for each
//     region of a conflict
//   settlement(conflict BLOB, origin, seq, at INTEGER, region TEXT, person BLOB,
//              PRIMARY KEY(conflict, origin, seq)), with an index on at
//   meta: format, cluster, region
//   number counts what was added here; regions are separated by commas; record is followed by
//   8 bytes of hash over it, the id, the key and the numbers; and so is person.
//
// One thread at a time; the reader may be used while another thread, or process, writes.
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "core/ids.hpp"
#include "core/storage/identity.hpp"

namespace turnstone::storage {

struct AuditRow {
  std::string id;              // 16 bytes, the same in every region
  std::uint64_t at_ms = 0;     // when the later of the two was written, the same in every region
  std::uint64_t found_ms = 0;  // when this leader found it; both in milliseconds since 1970
  std::uint8_t type = 0;
  bool by_clock = false;  // the clocks alone decided
  std::string key;
  std::string rule;
  std::vector<std::string> regions;  // of the authors, each once
  std::string record;
  friend bool operator==(const AuditRow&, const AuditRow&) = default;
};

// Somebody has chosen between the two, by a write.
struct AuditSettlement {
  std::string conflict;  // its id
  Stamp operation;
  std::uint64_t at_ms = 0;
  std::string region;
  std::string person;  // as named by who asked for it
  friend bool operator==(const AuditSettlement&, const AuditSettlement&) = default;
};

// What is kept: the newest, as they were found.
struct AuditRetention {
  std::uint64_t found_from_ms = 0;       // found earlier: removed
  std::uint64_t bytes_max = UINT64_MAX;  // of the file, free pages not counted
};

// The writing end.
class AuditDb {
 public:
  // Opens it, or makes an empty one. The caller holds the lock of the directory.
  // Errors: wrong_cluster, unsupported_version, corrupt, io.
  static Result<AuditDb> open(const std::filesystem::path& file, const Identity& identity);
  AuditDb(AuditDb&&) noexcept;
  AuditDb& operator=(AuditDb&&) noexcept;
  ~AuditDb();

  // Nothing was ever in it: it is new, or the one before was lost.
  bool is_new() const;
  // Durable when it returns, all or none. What has the id of a row that is there is left out.
  // Errors: io, corrupt.
  Result<void> add(const std::vector<AuditRow>& rows, const std::vector<AuditSettlement>& settlements = {});
  // Removes some of what is not to be kept: at most `removals_max` rows, so that nobody waits
  // long; true when there is more to remove. Errors: io, corrupt.
  static constexpr std::uint64_t removals_max = 2'000;
  Result<bool> retain(const AuditRetention& retention);

 private:
  struct Impl;
  explicit AuditDb(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// A place between rows, in the order of (at_ms, id).
struct AuditPlace {
  std::uint64_t at_ms = 0;
  std::string id;
  friend auto operator<=>(const AuditPlace&, const AuditPlace&) = default;
};

enum class AuditOrder : std::uint8_t {
  newest_first,  // by (at_ms, id)
  oldest_first,
  found_last_first,  // as they were added here, the last one first
};

// What of the rows is to be looked through: all that fits is given, and more may be. Of the
// conditions the one that leaves fewest is used, by an index.
struct AuditRange {
  AuditOrder order = AuditOrder::newest_first;
  std::optional<AuditPlace> beyond;  // in the order's direction; not for found_last_first
  std::optional<std::uint64_t> at_from_ms;
  std::optional<std::uint64_t> at_before_ms;
  std::optional<std::string> key;
  std::optional<std::string> region;
  std::optional<std::uint8_t> type;
};

// A reading end, on a connection of its own.
class AuditReader {
 public:
  // Errors: io, corrupt, unsupported_version.
  static Result<AuditReader> open(const std::filesystem::path& file);
  AuditReader(AuditReader&&) noexcept;
  AuditReader& operator=(AuditReader&&) noexcept;
  ~AuditReader();

  // One moment's rows, until `visit` says that it has enough (false). Errors: io; corrupt, naming
  // the file, when a row does not match its checksum.
  Result<void> scan(const AuditRange& range, const std::function<bool(AuditRow row)>& visit) const;
  Result<std::optional<AuditRow>> find(std::string_view id) const;
  // Of one conflict, in the order of their clocks. Errors: io, corrupt.
  Result<std::vector<AuditSettlement>> settlements(std::string_view conflict) const;
  // Whose it is. Errors: io, corrupt.
  Result<Identity> owner() const;

 private:
  struct Impl;
  explicit AuditReader(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace turnstone::storage
