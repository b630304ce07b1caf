#pragma once
// The writing side of the log: what makes a write durable. Rows are appended, never
// changed, and cut from the old end.
//
// Schema, format 1: batch(lsn INTEGER PRIMARY KEY, origin, first_seq, last_seq, checksum,
// bytes BLOB); unsigned numbers are stored as the signed ones with the same bits. floor(origin
// INTEGER PRIMARY KEY, seq): the newest of each origin that was cut, changed in the
// transaction that cuts. Beside it, what is kept and cannot be applied: core/storage/aside.hpp.
//
// One thread at a time.
#include <filesystem>
#include <memory>
#include <span>

#include "core/error.hpp"
#include "core/storage/aside.hpp"
#include "core/storage/identity.hpp"
#include "core/storage/log_floor.hpp"
#include "core/storage/log_row.hpp"

namespace turnstone::storage {

struct LogOptions {
  int page_bytes = 8192;
  // The WAL is filled to this size when the log is opened, and used over and over: a sync
  // that need not record a new file size takes half the time.
  std::size_t wal_bytes = 4 << 20;
};

class LogDb {
 public:
  // Opens the log, or makes an empty one. The caller holds the lock of the directory.
  // Errors: wrong_cluster (naming both), unsupported_version, corrupt, io (with the path).
  static Result<LogDb> open(const std::filesystem::path& file, const Identity& identity,
                            const LogOptions& options = {});
  LogDb(LogDb&&) noexcept;
  LogDb& operator=(LogDb&&) noexcept;
  ~LogDb();

  // The newest row's, or the floor's when there is none.
  Lsn last_lsn() const;
  const LogFloor& floor() const;

  // An empty log begins behind a place: that of a state that is not its own work. Durable.
  // Errors: io, as append.
  Result<void> begin_behind(const LogFloor& floor);

  // One durable transaction: all of it survives power loss once this returns. The first
  // entry follows last_lsn(), each next one its predecessor. After an error it is unknown
  // what is on the disk: nothing more is appended, every later call fails, and the process
  // must stop and recover from what a fresh open finds. Errors: io.
  Result<void> append(std::span<const LogEntry> entries);

  // Cuts rows from the old end, up to `up_to` and at most `rows_max` of them, in one durable
  // transaction. The file keeps its size; the space is used again. Errors: io, as append.
  Result<void> truncate(Lsn up_to, std::size_t rows_max);
  // Rows are cut with the appends to come, a few more than are appended, so that a log
  // under load pays no sync of its own for it.
  void truncate_with_appends(Lsn up_to);

  // Keeps batches that are not part of the log, under place.id; with what their author had seen,
  // where the place names one. One durable transaction. Errors: io, as append.
  Result<void> keep_aside(std::span<const AsideBatch> batches);
  // Takes the newest part of the log, from `from` on, out of it, into what is kept aside. One
  // durable transaction; the log then ends with the row before. Errors: io, as append.
  Result<void> set_tail_aside(Lsn from, std::string_view reason, std::uint64_t at_ms);
  // Errors: io, as append.
  Result<void> forget_aside(std::span<const std::int64_t> ids);

  // Bytes of the WAL that are not in the database file yet. They may be many for a while
  // (a reader may hold them back); beyond LogOptions::wal_bytes syncs become slower.
  std::size_t wal_bytes() const;
  // Copies the WAL into the database file, so that the next append uses it from the start.
  // Takes as long as some appends. Errors: io.
  Result<void> checkpoint_wal();

 private:
  struct Impl;
  explicit LogDb(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace turnstone::storage
