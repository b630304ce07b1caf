#include "core/storage/sqlite_file.hpp"

#include <SQLiteCpp/SQLiteCpp.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <system_error>

namespace turnstone::storage {
namespace {

Errc code_of(int extended) {
  switch (extended) {
    case SQLITE_IOERR_READ:
    case SQLITE_IOERR_SHORT_READ:
    case SQLITE_IOERR_DATA:
    case SQLITE_IOERR_CORRUPTFS:
      return Errc::corrupt;
    default:
      break;
  }
  switch (extended & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT:
    case SQLITE_SCHEMA:
      return Errc::corrupt;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return Errc::in_use;
    default:
      return Errc::io;
  }
}

// The library would make it readable to all (SQLITE_DEFAULT_FILE_PERMISSIONS); the files
// beside it take the mode of the database itself.
Result<void> make_private(const std::filesystem::path& file) {
  const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) {
    return fail(Errc::io,
                fmt::format("cannot open {}: {}", file.string(), std::generic_category().message(errno)));
  }
  ::close(fd);
  return {};
}

// A database may come from elsewhere: a backup, or another leader's copy. What it holds is
// checked row by row; nothing that it brings along may run or stand in a table's place.
void harden(sqlite3* handle) {
  sqlite3_extended_result_codes(handle, 1);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_VIEW, 0, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
}

std::string text_of(SQLite::Database& database, const char* key) {
  SQLite::Statement query(database, "SELECT value FROM meta WHERE key = ?");
  query.bind(1, key);
  return query.executeStep() ? query.getColumn(0).getString() : std::string();
}

void put_text(SQLite::Database& database, const char* key, const std::string& value) {
  SQLite::Statement insert(database, "INSERT INTO meta(key, value) VALUES(?, ?)");
  insert.bind(1, key);
  insert.bind(2, value);
  insert.exec();
}

}  // namespace

std::int64_t stored(std::uint64_t value) { return std::bit_cast<std::int64_t>(value); }

std::uint64_t number(const SQLite::Column& column) { return std::bit_cast<std::uint64_t>(column.getInt64()); }

std::string_view blob(const SQLite::Column& column) {
  const void* data = column.getBlob();
  return {static_cast<const char*>(data), static_cast<std::size_t>(column.getBytes())};
}

void bind_blob(SQLite::Statement& statement, int index, std::string_view bytes) {
  // A null pointer would be bound as NULL.
  statement.bindNoCopy(index, bytes.empty() ? "" : bytes.data(), static_cast<int>(bytes.size()));
}

void run(SQLite::Statement& statement) {
  statement.exec();
  statement.reset();
}

Error current_error(const std::filesystem::path& file) {
  try {
    throw;
  } catch (const SQLite::Exception& exception) {
    const int extended = exception.getExtendedErrorCode();
    const int code = extended > 0 ? extended : exception.getErrorCode();
    return {code_of(code), fmt::format("{}: {} (SQLite code {})", file.string(), exception.what(), code)};
  }
}

Result<std::unique_ptr<SQLite::Database>> open_sqlite(const std::filesystem::path& file, Access access,
                                                      const FileOptions& options) {
  const bool writes = access == Access::write;
  if (writes) {
    if (auto made = make_private(file); !made) return tl::make_unexpected(made.error());
  }
  auto database = std::make_unique<SQLite::Database>(
      file.string(), (writes ? SQLite::OPEN_READWRITE : SQLite::OPEN_READONLY) | SQLITE_OPEN_NOMUTEX, 1000);
  harden(database->getHandle());
  database->exec("PRAGMA cell_size_check=ON; PRAGMA mmap_size=0;");
  database->exec(fmt::format("PRAGMA cache_size=-{};", options.cache_kib));
  if (!writes) {
    sqlite3_db_config(database->getHandle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    return database;
  }
  // The page size takes effect only while the database is empty.
  database->exec(fmt::format("PRAGMA page_size={};", options.page_bytes));
  const std::string mode = database->execAndGet("PRAGMA journal_mode=WAL").getString();
  if (mode != "wal") {
    return fail(Errc::io, fmt::format("{} cannot be used with a write-ahead log", file.string()));
  }
  database->exec("PRAGMA synchronous=FULL; PRAGMA secure_delete=OFF; PRAGMA wal_autocheckpoint=0;");
  database->exec(fmt::format("PRAGMA journal_size_limit={};", options.wal_bytes_kept));
  return database;
}

Result<bool> claim(SQLite::Database& database, const std::filesystem::path& file, std::int64_t format,
                   const Identity& identity, const std::function<void()>& make_tables) {
  if (database.execAndGet("SELECT count(*) FROM sqlite_schema").getInt64() == 0) {
    SQLite::Transaction transaction(database, SQLite::TransactionBehavior::IMMEDIATE);
    database.exec("CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID");
    put_text(database, "format", std::to_string(format));
    put_text(database, "cluster", identity.cluster);
    put_text(database, "region", identity.region);
    make_tables();
    transaction.commit();
    // From here on the database can lose its newest rows with its WAL, but not its tables.
    sqlite3_wal_checkpoint_v2(database.getHandle(), nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
    return true;
  }
  const std::string stored_format = text_of(database, "format");
  if (stored_format.empty())
    return fail(Errc::corrupt, fmt::format("{} does not say its format", file.string()));
  if (stored_format != std::to_string(format)) {
    return fail(Errc::unsupported_version, fmt::format("{} has format {}; this release reads format {}",
                                                       file.string(), stored_format, format));
  }
  const Identity stored{text_of(database, "cluster"), text_of(database, "region")};
  if (stored.cluster != identity.cluster || stored.region != identity.region) {
    return fail(Errc::wrong_cluster,
                fmt::format("{} is of cluster '{}', region '{}', not of cluster '{}', region '{}'",
                            file.string(), stored.cluster, stored.region, identity.cluster, identity.region));
  }
  return false;
}

}  // namespace turnstone::storage
