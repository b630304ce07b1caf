#include "core/storage/log_db.hpp"

#include <SQLiteCpp/SQLiteCpp.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <functional>
#include <optional>
#include <system_error>
#include <vector>

#include "core/hash.hpp"
#include "core/storage/sealed.hpp"
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
  LogFloor floor;
  Lsn cut_up_to = 0;  // with the appends to come
  int wal_frames = 0;
  int wal_copied = 0;  // of these, in the database file already
  std::optional<Error> failure;
  // Statements must go before their database.
  std::unique_ptr<SQLite::Database> database;
  std::optional<SQLite::Statement> begin;
  std::optional<SQLite::Statement> insert;
  std::optional<SQLite::Statement> commit;
  std::optional<SQLite::Statement> oldest;
  std::optional<SQLite::Statement> remove;
  std::optional<SQLite::Statement> set_floor;

  void prepare() {
    begin.emplace(*database, "BEGIN IMMEDIATE");
    insert.emplace(
        *database,
        "INSERT INTO batch(lsn, origin, first_seq, last_seq, checksum, bytes) VALUES(?, ?, ?, ?, ?, ?)");
    commit.emplace(*database, "COMMIT");
    page_bytes = database->execAndGet("PRAGMA page_size").getInt();
    oldest.emplace(*database, "SELECT lsn, origin, last_seq FROM batch WHERE lsn <= ? ORDER BY lsn LIMIT ?");
    remove.emplace(*database, "DELETE FROM batch WHERE lsn <= ?");
    set_floor.emplace(*database, "INSERT OR REPLACE INTO floor(origin, seq) VALUES(?, ?)");
    floor = load_floor(*database);
    last_lsn = number_of("SELECT ifnull(max(lsn), 0) FROM batch");
    if (last_lsn == 0) last_lsn = floor.lsn;
    sqlite3_wal_hook(
        database->getHandle(),
        [](void* self, sqlite3*, const char*, int frames) {
          static_cast<Impl*>(self)->note_wal(frames);
          return SQLITE_OK;
        },
        this);
  }

  Lsn number_of(const char* query) const {
    return std::bit_cast<Lsn>(database->execAndGet(query).getInt64());
  }

  // The row of no origin holds the lsn.
  void store_floor(Origin origin, std::uint64_t seq) {
    set_floor->bind(1, stored(static_cast<std::uint64_t>(origin)));
    set_floor->bind(2, stored(seq));
    run(*set_floor);
  }

  // Within a transaction.
  void cut(Lsn up_to, std::size_t rows_max) {
    if (up_to <= floor.lsn) return;
    VersionVector cut;
    oldest->bind(1, stored(up_to));
    oldest->bind(2, static_cast<std::int64_t>(rows_max));
    while (oldest->executeStep()) {
      floor.lsn = number(oldest->getColumn(0));
      cut.set(Origin{number(oldest->getColumn(1))}, number(oldest->getColumn(2)));
    }
    oldest->reset();
    remove->bind(1, stored(floor.lsn));
    run(*remove);
    for (const auto& [origin, seq] : cut.entries()) {
      floor.vector.set(origin, seq);
      store_floor(origin, seq);
    }
    store_floor(Origin{}, floor.lsn);
  }

  // One durable transaction; nothing more is written after an error.
  Result<void> transact(const std::function<void()>& body) {
    if (failure) return tl::make_unexpected(*failure);
    auto done = guarded(file, [&]() -> Result<void> {
      run(*begin);
      body();
      run(*commit);
      return {};
    });
    if (!done) failure = done.error();
    return done;
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
      db.exec("CREATE TABLE floor(origin INTEGER PRIMARY KEY, seq INTEGER NOT NULL)");
    });
    if (!claimed) return tl::make_unexpected(claimed.error());
    // Logs of the first releases have none.
    db.exec(
        "CREATE TABLE IF NOT EXISTS aside(id INTEGER PRIMARY KEY, lsn INTEGER NOT NULL, origin INTEGER NOT "
        "NULL, "
        "first_seq INTEGER NOT NULL, last_seq INTEGER NOT NULL, checksum INTEGER NOT NULL, "
        "at_ms INTEGER NOT NULL, reason TEXT NOT NULL, bytes BLOB NOT NULL)");
    db.exec(
        "CREATE TABLE IF NOT EXISTS earlier(id INTEGER PRIMARY KEY, region TEXT NOT NULL, seen BLOB NOT "
        "NULL)");
    impl->prepare();
    fill_wal(file, options.wal_bytes);
    return LogDb(std::move(impl));
  });
}

Result<void> LogDb::keep_aside(std::span<const AsideBatch> batches) {
  return impl_->transact([&] {
    SQLite::Statement keep(*impl_->database, "INSERT INTO aside VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)");
    SQLite::Statement note(*impl_->database, "INSERT INTO earlier VALUES(?, ?, ?)");
    for (const auto& [place, bytes, seen] : batches) {
      keep.bind(1, place.id);
      keep.bind(2, stored(place.lsn));
      keep.bind(3, stored(static_cast<std::uint64_t>(place.origin)));
      keep.bind(4, stored(place.first_seq));
      keep.bind(5, stored(place.last_seq));
      keep.bind(6, stored(checksum({place.lsn, place.origin, place.first_seq, place.last_seq, bytes})));
      keep.bind(7, stored(place.at_ms));
      keep.bind(8, place.reason);
      bind_blob(keep, 9, bytes);
      run(keep);
      if (place.author.empty()) continue;
      const std::string with_checksum = sealed(std::string(seen), hash64(place.author));
      note.bind(1, place.id);
      note.bind(2, place.author);
      bind_blob(note, 3, with_checksum);
      run(note);
    }
  });
}

Result<void> LogDb::set_tail_aside(Lsn from, std::string_view reason, std::uint64_t at_ms) {
  TURNSTONE_CHECK(from > impl_->floor.lsn && from <= impl_->last_lsn);
  auto set = impl_->transact([&] {
    SQLite::Statement keep(
        *impl_->database,
        "INSERT INTO aside(lsn, origin, first_seq, last_seq, checksum, at_ms, reason, bytes) "
        "SELECT lsn, origin, first_seq, last_seq, checksum, ?, ?, bytes FROM batch WHERE lsn >= ? ORDER BY "
        "lsn");
    keep.bind(1, stored(at_ms));
    keep.bind(2, std::string(reason));
    keep.bind(3, stored(from));
    run(keep);
    SQLite::Statement take(*impl_->database, "DELETE FROM batch WHERE lsn >= ?");
    take.bind(1, stored(from));
    run(take);
  });
  if (set) impl_->last_lsn = from - 1;
  return set;
}

Result<void> LogDb::forget_aside(std::span<const std::int64_t> ids) {
  return impl_->transact([&] {
    for (const char* table : {"aside", "earlier"}) {
      SQLite::Statement forget(*impl_->database, fmt::format("DELETE FROM {} WHERE id = ?", table));
      for (const std::int64_t id : ids) {
        forget.bind(1, id);
        run(forget);
      }
    }
  });
}

Lsn LogDb::last_lsn() const { return impl_->last_lsn; }
const LogFloor& LogDb::floor() const { return impl_->floor; }

Result<void> LogDb::begin_behind(const LogFloor& floor) {
  TURNSTONE_CHECK(impl_->last_lsn == 0);
  if (impl_->failure) return tl::make_unexpected(*impl_->failure);
  auto begun = guarded(impl_->file, [&]() -> Result<void> {
    run(*impl_->begin);
    for (const auto& [origin, seq] : floor.vector.entries()) impl_->store_floor(origin, seq);
    impl_->store_floor(Origin{}, floor.lsn);
    run(*impl_->commit);
    return {};
  });
  if (begun) {
    impl_->floor = floor;
    impl_->last_lsn = floor.lsn;
  } else {
    impl_->failure = begun.error();
  }
  return begun;
}

Result<void> LogDb::append(std::span<const LogEntry> entries) {
  if (impl_->failure) return tl::make_unexpected(*impl_->failure);
  auto appended = guarded(impl_->file, [&]() -> Result<void> {
    run(*impl_->begin);
    for (const LogEntry& entry : entries) impl_->add(entry);
    impl_->cut(impl_->cut_up_to, 2 * entries.size());
    run(*impl_->commit);
    return {};
  });
  if (!appended) impl_->failure = appended.error();
  return appended;
}

Result<void> LogDb::truncate(Lsn up_to, std::size_t rows_max) {
  if (impl_->failure) return tl::make_unexpected(*impl_->failure);
  auto cut = guarded(impl_->file, [&]() -> Result<void> {
    run(*impl_->begin);
    impl_->cut(up_to, rows_max);
    run(*impl_->commit);
    return {};
  });
  if (!cut) impl_->failure = cut.error();
  return cut;
}

void LogDb::truncate_with_appends(Lsn up_to) { impl_->cut_up_to = up_to; }

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
