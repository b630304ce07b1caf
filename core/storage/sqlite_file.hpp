#pragma once
// What the databases of a data directory have in common: how they are opened, whose they
// are, and how the library's exceptions become errors. For the .cpp files of this folder.
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "core/error.hpp"
#include "core/storage/identity.hpp"

namespace SQLite {
class Column;
class Database;
class Statement;
}  // namespace SQLite

namespace turnstone::storage {

// SQLite knows signed integers only: an unsigned one is stored as the one with its bits.
std::int64_t stored(std::uint64_t value);
std::uint64_t number(const SQLite::Column& column);
// Valid until the statement moves on.
std::string_view blob(const SQLite::Column& column);
// The bytes must live until the statement was run.
void bind_blob(SQLite::Statement& statement, int index, std::string_view bytes);
// Runs a statement that gives no rows, and makes it ready to be bound again.
void run(SQLite::Statement& statement);

enum class Access : std::uint8_t { write, read };

struct FileOptions {
  int page_bytes = 4096;
  int cache_kib = 2048;
  // A WAL that grew beyond this is cut back to it when it is used anew.
  std::int64_t wal_bytes_kept = 64 << 20;
};

// For a catch block: the exception under way as an error that names the file. Exceptions
// that are not the library's go on.
Error current_error(const std::filesystem::path& file);

// Runs `body`, which returns a Result; no exception of the library leaves here.
template <class Body>
auto guarded(const std::filesystem::path& file, Body&& body) -> decltype(body()) {
  try {
    return body();
  } catch (...) {
    return tl::make_unexpected(current_error(file));
  }
}

// A connection in WAL mode with synchronous=FULL. The writing one makes the file (mode
// 0600), is the only one to write and to checkpoint the WAL (SQLite 3.40 may damage a file
// when two do), and checkpoints only when told. May throw; errors: io.
Result<std::unique_ptr<SQLite::Database>> open_sqlite(const std::filesystem::path& file, Access access,
                                                      const FileOptions& options);

// Makes the tables of an empty database, in one transaction with the record of its format
// and owner, or checks that record. True when it was empty. May throw.
// Errors: wrong_cluster, unsupported_version, corrupt.
Result<bool> claim(SQLite::Database& database, const std::filesystem::path& file, std::int64_t format,
                   const Identity& identity, const std::function<void()>& make_tables);

}  // namespace turnstone::storage
