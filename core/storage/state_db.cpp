#include "core/storage/state_db.hpp"

#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <optional>
#include <tuple>

#include "core/hash.hpp"
#include "core/record.hpp"
#include "core/storage/sealed.hpp"
#include "core/storage/sqlite_file.hpp"

namespace turnstone::storage {
namespace {

constexpr std::int64_t state_format = 2;
constexpr std::uint64_t position_salt = 1;
constexpr std::size_t cells_between_looks = 256;

// How many rows there are, and the sum of their hashes.
struct Tally {
  std::uint64_t rows = 0;
  std::uint64_t sum = 0;
  void add(std::uint64_t hash) { ++rows, sum += hash; }
  void remove(std::uint64_t hash) { --rows, sum -= hash; }
  friend bool operator==(const Tally&, const Tally&) = default;
};

struct PositionRecord {
  StatePosition position;
  Tally cells;
  Tally origins;
};

std::uint64_t hash_of(const StoredCell& cell) {
  return hash64(cell.image, hash64(cell.key, hash64(cell.field, cell.kind)));
}

std::uint64_t hash_of(const StoredOrigin& origin) {
  return hash64(origin.image, static_cast<std::uint64_t>(origin.origin));
}

std::string encode(const PositionRecord& record) {
  std::string bytes;
  RecordWriter(bytes)
      .record(7)
      .uint(record.position.lsn)
      .uint(record.position.hlc)
      .bytes(record.position.protocol)
      .uint(record.cells.rows)
      .uint(record.cells.sum)
      .uint(record.origins.rows)
      .uint(record.origins.sum);
  return sealed(std::move(bytes), position_salt);
}

std::optional<PositionRecord> decode_position(std::string_view bytes) {
  const auto content = unsealed(bytes, position_salt);
  if (!content) return std::nullopt;
  RecordReader in(*content);
  in.next();
  PositionRecord record{
      {in.uint(0), in.uint(1), std::string(in.bytes(2))}, {in.uint(3), in.uint(4)}, {in.uint(5), in.uint(6)}};
  if (in.malformed()) return std::nullopt;
  return record;
}

void make_tables(SQLite::Database& db) {
  db.exec(
      "CREATE TABLE cell(key BLOB NOT NULL, kind INTEGER NOT NULL, field BLOB NOT NULL, image BLOB NOT NULL, "
      "PRIMARY KEY(key, kind, field)) WITHOUT ROWID;"
      "CREATE TABLE origin(origin INTEGER PRIMARY KEY, image BLOB NOT NULL);");
}

void store_position(SQLite::Database& db, const PositionRecord& record) {
  SQLite::Statement insert(db, "INSERT OR REPLACE INTO meta(key, value) VALUES('position', ?)");
  const std::string bytes = encode(record);
  bind_blob(insert, 1, bytes);
  insert.exec();
}

}  // namespace

struct StateDb::Impl {
  std::filesystem::path file;
  PositionRecord current;
  std::optional<Error> failure;
  std::unique_ptr<SQLite::Database> database;

  tl::unexpected<Error> corrupt(std::string_view what) const {
    return fail(Errc::corrupt, fmt::format("{}: {}", file.string(), what));
  }

  Result<void> load_position() {
    SQLite::Statement query(*database, "SELECT value FROM meta WHERE key = 'position'");
    const auto record =
        query.executeStep() ? decode_position(blob(query.getColumn(0))) : std::optional<PositionRecord>();
    if (!record) return corrupt("the record of its position does not match its checksum");
    current = *record;
    return {};
  }

  // In key order, the pages of the tree are each visited once.
  // False when it was given up.
  bool store_cells(std::vector<StoredCell>& cells, Tally& tally, const std::function<bool()>& go_on) {
    const auto name = [](const StoredCell& cell) { return std::tie(cell.key, cell.kind, cell.field); };
    std::sort(cells.begin(), cells.end(),
              [&](const StoredCell& a, const StoredCell& b) { return name(a) < name(b); });
    SQLite::Statement find(*database, "SELECT image FROM cell WHERE key = ? AND kind = ? AND field = ?");
    SQLite::Statement remove(*database, "DELETE FROM cell WHERE key = ? AND kind = ? AND field = ?");
    SQLite::Statement put(*database,
                          "INSERT OR REPLACE INTO cell(key, kind, field, image) VALUES(?, ?, ?, ?)");
    const auto bind_name = [](SQLite::Statement& statement, const StoredCell& cell) {
      bind_blob(statement, 1, cell.key);
      statement.bind(2, cell.kind);
      bind_blob(statement, 3, cell.field);
    };
    std::size_t done = 0;
    for (const StoredCell& cell : cells) {
      if (++done % cells_between_looks == 0 && !go_on()) return false;
      bind_name(find, cell);
      const bool known = find.executeStep();
      if (known) tally.remove(hash_of({cell.key, cell.kind, cell.field, blob(find.getColumn(0))}));
      find.reset();
      if (!cell.image.empty()) {
        bind_name(put, cell);
        bind_blob(put, 4, cell.image);
        run(put);
        tally.add(hash_of(cell));
      } else if (known) {
        bind_name(remove, cell);
        run(remove);
      }
    }
    return true;
  }

  void store_origins(std::vector<StoredOrigin> origins, Tally& tally) {
    database->exec("DELETE FROM origin");
    SQLite::Statement insert(*database, "INSERT INTO origin(origin, image) VALUES(?, ?)");
    tally = {};
    for (StoredOrigin& origin : origins) {
      const auto key = static_cast<std::uint64_t>(origin.origin);
      origin.image = sealed(std::move(origin.image), key);
      insert.bind(1, stored(key));
      bind_blob(insert, 2, origin.image);
      run(insert);
      tally.add(hash_of(origin));
    }
  }

  Result<void> apply(StateChange change, const std::function<bool()>& go_on) {
    PositionRecord next = current;
    next.position = change.position;
    SQLite::Transaction transaction(*database, SQLite::TransactionBehavior::IMMEDIATE);
    if (!store_cells(change.cells, next.cells, go_on))
      return fail(Errc::io, fmt::format("{}: the change was given up", file.string()));
    store_origins(std::move(change.origins), next.origins);
    store_position(*database, next);
    transaction.commit();
    current = next;
    // Nobody waits for this file: its WAL is copied each time. The transaction is durable
    // already, so that an error here is found again by the next write.
    sqlite3_wal_checkpoint_v2(database->getHandle(), nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
    return {};
  }
};

StateDb::StateDb(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
StateDb::StateDb(StateDb&&) noexcept = default;
StateDb& StateDb::operator=(StateDb&&) noexcept = default;
StateDb::~StateDb() = default;

Result<StateDb> StateDb::open(const std::filesystem::path& file, const Identity& identity) {
  return guarded(file, [&]() -> Result<StateDb> {
    auto impl = std::make_unique<Impl>();
    impl->file = file;
    auto database = open_sqlite(file, Access::write, {.page_bytes = 4096, .cache_kib = 32 * 1024});
    if (!database) return tl::make_unexpected(database.error());
    impl->database = std::move(*database);
    SQLite::Database& db = *impl->database;
    auto claimed = claim(db, file, state_format, identity, [&db] {
      make_tables(db);
      store_position(db, {});
    });
    if (!claimed) return tl::make_unexpected(claimed.error());
    if (auto loaded = impl->load_position(); !loaded) return tl::make_unexpected(loaded.error());
    return StateDb(std::move(impl));
  });
}

StatePosition StateDb::position() const { return impl_->current.position; }

Result<void> StateDb::apply(StateChange change, const std::function<bool()>& go_on) {
  if (impl_->failure) return tl::make_unexpected(*impl_->failure);
  TURNSTONE_CHECK(change.position.lsn >= impl_->current.position.lsn);
  auto applied = guarded(impl_->file, [&] { return impl_->apply(std::move(change), go_on); });
  if (!applied) impl_->failure = applied.error();
  return applied;
}

Result<void> StateDb::for_each_cell(const std::function<Result<void>(const StoredCell&)>& visit) const {
  return guarded(impl_->file, [&]() -> Result<void> {
    Tally found;
    SQLite::Statement query(*impl_->database,
                            "SELECT key, kind, field, image FROM cell ORDER BY key, kind, field");
    while (query.executeStep()) {
      const StoredCell cell{blob(query.getColumn(0)), static_cast<std::uint8_t>(query.getColumn(1).getInt()),
                            blob(query.getColumn(2)), blob(query.getColumn(3))};
      found.add(hash_of(cell));
      if (auto visited = visit(cell); !visited) return visited;
    }
    if (found != impl_->current.cells) {
      return impl_->corrupt(fmt::format("holds {} cells that are not the {} cells of its position",
                                        found.rows, impl_->current.cells.rows));
    }
    return {};
  });
}

Result<std::vector<StoredOrigin>> StateDb::origins() const {
  return guarded(impl_->file, [&]() -> Result<std::vector<StoredOrigin>> {
    Tally found;
    std::vector<StoredOrigin> origins;
    SQLite::Statement query(*impl_->database, "SELECT origin, image FROM origin ORDER BY origin");
    while (query.executeStep()) {
      const std::uint64_t key = number(query.getColumn(0));
      const std::string_view image = blob(query.getColumn(1));
      const auto content = unsealed(image, key);
      if (!content) {
        return impl_->corrupt(
            fmt::format("the record of origin {} does not match its checksum", to_string(Origin{key})));
      }
      found.add(hash64(image, key));
      origins.push_back({Origin{key}, std::string(*content)});
    }
    if (found != impl_->current.origins) return impl_->corrupt("its origins are not those of its position");
    return origins;
  });
}

}  // namespace turnstone::storage
