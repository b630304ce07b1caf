#include "core/storage/log_db.hpp"

#include <SQLiteCpp/SQLiteCpp.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <optional>
#include <system_error>
#include <vector>

#include "core/storage/sqlite_file.hpp"

namespace turnstone::storage {
namespace {

constexpr std::int64_t log_format = 1;

// Zeros behind the frames of a WAL are frames with a wrong salt: SQLite does not look at
// them. They must be written: an allocated but unwritten block changes its state, hence
// the file's metadata, at its first write. Without room for them the log is only slower.
void fill_wal(const std::filesystem::path& file, std::size_t bytes) {
  const std::string wal = file.string() + "-wal";
  const int fd = ::open(wal.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;
  const off_t size = ::lseek(fd, 0, SEEK_END);
  const auto from = static_cast<std::size_t>(std::max<off_t>(size, 0));
  const std::vector<char> zeros(from < bytes ? bytes - from : 0);
  const bool filled = ::pwrite(fd, zeros.data(), zeros.size(), size) == static_cast<ssize_t>(zeros.size()) &&
                      ::fdatasync(fd) == 0;
  ::close(fd);
  std::error_code ignored;
  if (!filled) std::filesystem::resize_file(wal, from, ignored);
}

}  // namespace

struct LogDb::Impl {
  std::filesystem::path file;
  int page_bytes = 0;
  Lsn last_lsn = 0;
  int wal_frames = 0;
  int wal_copied = 0;  // of these, in the database file already
  std::optional<Error> failure;
  // Statements must go before their database.
  std::unique_ptr<SQLite::Database> database;
  std::optional<SQLite::Statement> begin;
  std::optional<SQLite::Statement> insert;
  std::optional<SQLite::Statement> commit;

  void prepare() {
    begin.emplace(*database, "BEGIN IMMEDIATE");
    insert.emplace(
        *database,
        "INSERT INTO batch(lsn, origin, first_seq, last_seq, checksum, bytes) VALUES(?, ?, ?, ?, ?, ?)");
    commit.emplace(*database, "COMMIT");
    page_bytes = database->execAndGet("PRAGMA page_size").getInt();
    last_lsn = std::bit_cast<Lsn>(database->execAndGet("SELECT ifnull(max(lsn), 0) FROM batch").getInt64());
    sqlite3_wal_hook(
        database->getHandle(),
        [](void* self, sqlite3*, const char*, int frames) {
          static_cast<Impl*>(self)->note_wal(frames);
          return SQLITE_OK;
        },
        this);
  }

  void note_wal(int frames) {
    if (frames < wal_copied) wal_copied = 0;  // used anew from its start
    wal_frames = frames;
  }

  void add(const LogEntry& entry) {
    TURNSTONE_CHECK(entry.lsn == last_lsn + 1);
    insert->bind(1, stored(entry.lsn));
    insert->bind(2, stored(static_cast<std::uint64_t>(entry.origin)));
    insert->bind(3, stored(entry.first_seq));
    insert->bind(4, stored(entry.last_seq));
    insert->bind(5, stored(checksum(entry)));
    bind_blob(*insert, 6, entry.bytes);
    run(*insert);
    last_lsn = entry.lsn;
  }
};

LogDb::LogDb(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
LogDb::LogDb(LogDb&&) noexcept = default;
LogDb& LogDb::operator=(LogDb&&) noexcept = default;
LogDb::~LogDb() = default;

Result<LogDb> LogDb::open(const std::filesystem::path& file, const Identity& identity,
                          const LogOptions& options) {
  return guarded(file, [&]() -> Result<LogDb> {
    auto impl = std::make_unique<Impl>();
    impl->file = file;
    auto database = open_sqlite(file, Access::write, {.page_bytes = options.page_bytes});
    if (!database) return tl::make_unexpected(database.error());
    impl->database = std::move(*database);
    SQLite::Database& db = *impl->database;
    auto claimed = claim(db, file, log_format, identity, [&db] {
      db.exec(
          "CREATE TABLE batch(lsn INTEGER PRIMARY KEY, origin INTEGER NOT NULL, first_seq INTEGER NOT NULL, "
          "last_seq INTEGER NOT NULL, checksum INTEGER NOT NULL, bytes BLOB NOT NULL)");
    });
    if (!claimed) return tl::make_unexpected(claimed.error());
    impl->prepare();
    fill_wal(file, options.wal_bytes);
    return LogDb(std::move(impl));
  });
}

Lsn LogDb::last_lsn() const { return impl_->last_lsn; }

Result<void> LogDb::append(std::span<const LogEntry> entries) {
  if (impl_->failure) return tl::make_unexpected(*impl_->failure);
  auto appended = guarded(impl_->file, [&]() -> Result<void> {
    run(*impl_->begin);
    for (const LogEntry& entry : entries) impl_->add(entry);
    run(*impl_->commit);
    return {};
  });
  if (!appended) impl_->failure = appended.error();
  return appended;
}

std::size_t LogDb::wal_bytes() const {
  return static_cast<std::size_t>(impl_->wal_frames - impl_->wal_copied) *
         static_cast<std::size_t>(impl_->page_bytes);
}

Result<void> LogDb::checkpoint_wal() {
  if (impl_->failure) return tl::make_unexpected(*impl_->failure);
  int frames = 0;
  int copied = 0;
  const int code = sqlite3_wal_checkpoint_v2(impl_->database->getHandle(), nullptr, SQLITE_CHECKPOINT_PASSIVE,
                                             &frames, &copied);
  if (code == SQLITE_OK || code == SQLITE_BUSY) {
    impl_->wal_copied = std::clamp(copied, 0, impl_->wal_frames);
    return {};
  }
  impl_->failure = Error{Errc::io, fmt::format("{}: {} (SQLite code {})", impl_->file.string(),
                                               sqlite3_errmsg(impl_->database->getHandle()), code)};
  return tl::make_unexpected(*impl_->failure);
}

}  // namespace turnstone::storage
