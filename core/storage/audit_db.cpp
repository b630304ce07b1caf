#include "core/storage/audit_db.hpp"

#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>
#include <sqlite3.h>

#include "core/hash.hpp"
#include "core/storage/sealed.hpp"
#include "core/storage/snapshot.hpp"
#include "core/storage/sqlite_file.hpp"

namespace turnstone::storage {
namespace {

constexpr std::int64_t audit_format = 1;
// Rows removed between two looks at how large the file is.
constexpr std::uint64_t removals_at_once = 200;

std::uint64_t salt_of(const AuditRow& row) {
  std::uint64_t salt = hash64(row.key, hash64(row.id, row.at_ms));
  salt = hash64(row.rule, salt ^ row.found_ms);
  for (const std::string& region : row.regions) salt = hash64(region, salt);
  return salt ^ row.type ^ (row.by_clock ? 256u : 0u);
}

std::uint64_t salt_of(const AuditSettlement& settlement) {
  const std::uint64_t operation =
      hash64(settlement.region, static_cast<std::uint64_t>(settlement.operation.origin));
  return hash64(settlement.conflict, operation ^ settlement.operation.seq) ^ settlement.at_ms;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ",") + word;
  return text;
}

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> words;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(','));
    words.emplace_back(word);
    text.remove_prefix(std::min(text.size(), word.size() + 1));
  }
  return words;
}

void make_tables(SQLite::Database& db) {
  db.exec(
      "CREATE TABLE conflict(number INTEGER PRIMARY KEY AUTOINCREMENT, id BLOB NOT NULL UNIQUE, at INTEGER "
      "NOT NULL, found INTEGER NOT NULL, type INTEGER NOT NULL, by_clock INTEGER NOT NULL, key BLOB NOT "
      "NULL, "
      "rule TEXT NOT NULL, regions TEXT NOT NULL, record BLOB NOT NULL);"
      "CREATE INDEX conflict_at ON conflict(at, id);"
      "CREATE INDEX conflict_key ON conflict(key, at, id);"
      "CREATE INDEX conflict_type ON conflict(type, at, id);"
      "CREATE TABLE author(region TEXT NOT NULL, at INTEGER NOT NULL, id BLOB NOT NULL, "
      "PRIMARY KEY(region, at, id)) WITHOUT ROWID;"
      "CREATE TABLE settlement(conflict BLOB NOT NULL, origin INTEGER NOT NULL, seq INTEGER NOT NULL, at "
      "INTEGER "
      "NOT NULL, region TEXT NOT NULL, person BLOB NOT NULL, PRIMARY KEY(conflict, origin, seq)) WITHOUT "
      "ROWID;"
      "CREATE INDEX settlement_at ON settlement(at);");
}

constexpr const char* columns = "c.id, c.at, c.found, c.type, c.by_clock, c.key, c.rule, c.regions, c.record";

// The row that the statement stands on; nothing when it does not match its checksum.
std::optional<AuditRow> read_row(SQLite::Statement& query) {
  AuditRow row;
  row.id = blob(query.getColumn(0));
  row.at_ms = number(query.getColumn(1));
  row.found_ms = number(query.getColumn(2));
  row.type = static_cast<std::uint8_t>(query.getColumn(3).getInt());
  row.by_clock = query.getColumn(4).getInt() != 0;
  row.key = blob(query.getColumn(5));
  row.rule = query.getColumn(6).getString();
  row.regions = split(query.getColumn(7).getString());
  const auto record = unsealed(blob(query.getColumn(8)), salt_of(row));
  if (!record) return std::nullopt;
  row.record = *record;
  return row;
}

// A statement over the rows of a range, in its order.
std::string sql_of(const AuditRange& range) {
  if (range.order == AuditOrder::found_last_first)
    return fmt::format("SELECT {} FROM conflict c ORDER BY c.number DESC", columns);
  const bool by_region = !range.key && range.region;
  const std::string_view in = by_region ? "a" : "c";
  const bool up = range.order == AuditOrder::oldest_first;
  std::string sql = fmt::format("SELECT {} FROM ", columns);
  if (range.key) {
    sql += "conflict c INDEXED BY conflict_key WHERE c.key = :what";
  } else if (by_region) {
    sql += "author a CROSS JOIN conflict c ON c.id = a.id WHERE a.region = :what";
  } else if (range.type) {
    sql += "conflict c INDEXED BY conflict_type WHERE c.type = :what";
  } else {
    sql += "conflict c INDEXED BY conflict_at WHERE TRUE";
  }
  if (range.at_from_ms) sql += fmt::format(" AND {}.at >= :from", in);
  if (range.at_before_ms) sql += fmt::format(" AND {}.at < :before", in);
  if (range.beyond) sql += fmt::format(" AND ({0}.at, {0}.id) {1} (:at, :id)", in, up ? '>' : '<');
  return sql + fmt::format(" ORDER BY {0}.at {1}, {0}.id {1}", in, up ? "ASC" : "DESC");
}

void bind_text(SQLite::Statement& query, const char* name, std::string_view bytes) {
  bind_blob(query, query.getIndex(name), bytes);
}

void bind_range(SQLite::Statement& query, const AuditRange& range) {
  if (range.order == AuditOrder::found_last_first) return;
  if (range.key) {
    bind_text(query, ":what", *range.key);
  } else if (range.region) {
    query.bind(":what", *range.region);
  } else if (range.type) {
    query.bind(":what", *range.type);
  }
  if (range.at_from_ms) query.bind(":from", stored(*range.at_from_ms));
  if (range.at_before_ms) query.bind(":before", stored(*range.at_before_ms));
  if (!range.beyond) return;
  query.bind(":at", stored(range.beyond->at_ms));
  bind_text(query, ":id", range.beyond->id);
}

}  // namespace

struct AuditDb::Impl {
  std::filesystem::path file;
  std::unique_ptr<SQLite::Database> database;
  bool is_new = false;

  void insert(const std::vector<AuditRow>& rows) {
    SQLite::Statement add(*database,
                          "INSERT OR IGNORE INTO conflict(id, at, found, type, by_clock, key, rule, regions, "
                          "record) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)");
    SQLite::Statement author(*database, "INSERT OR IGNORE INTO author(region, at, id) VALUES(?, ?, ?)");
    for (const AuditRow& row : rows) {
      const std::string record = sealed(row.record, salt_of(row));
      bind_blob(add, 1, row.id);
      add.bind(2, stored(row.at_ms));
      add.bind(3, stored(row.found_ms));
      add.bind(4, row.type);
      add.bind(5, row.by_clock ? 1 : 0);
      bind_blob(add, 6, row.key);
      add.bind(7, row.rule);
      add.bind(8, joined(row.regions));
      bind_blob(add, 9, record);
      const bool added = add.exec() == 1;
      add.reset();
      for (const std::string& region : row.regions) {
        if (!added) break;
        author.bind(1, region);
        author.bind(2, stored(row.at_ms));
        bind_blob(author, 3, row.id);
        run(author);
      }
    }
  }

  void insert(const std::vector<AuditSettlement>& settlements) {
    SQLite::Statement add(*database,
                          "INSERT OR IGNORE INTO settlement(conflict, origin, seq, at, region, person) "
                          "VALUES(?, ?, ?, ?, ?, ?)");
    for (const AuditSettlement& settlement : settlements) {
      const std::string person = sealed(settlement.person, salt_of(settlement));
      bind_blob(add, 1, settlement.conflict);
      add.bind(2, stored(static_cast<std::uint64_t>(settlement.operation.origin)));
      add.bind(3, stored(settlement.operation.seq));
      add.bind(4, stored(settlement.at_ms));
      add.bind(5, settlement.region);
      bind_blob(add, 6, person);
      run(add);
    }
  }

  std::uint64_t bytes_used() const {
    const auto pages = number_of("PRAGMA page_count") - number_of("PRAGMA freelist_count");
    return pages * number_of("PRAGMA page_size");
  }

  std::uint64_t number_of(const char* sql) const {
    return static_cast<std::uint64_t>(database->execAndGet(sql).getInt64());
  }

  // The first rows, as far as they may go: those found too early, or any when it is too large.
  std::uint64_t remove_first(std::uint64_t found_from_ms, bool any) {
    struct Gone {
      std::string id;
      std::uint64_t at_ms;
      std::vector<std::string> regions;
    };
    std::vector<Gone> gone;
    SQLite::Statement first(*database, "SELECT id, at, regions, found FROM conflict ORDER BY number LIMIT ?");
    first.bind(1, stored(removals_at_once));
    while (first.executeStep() && (any || number(first.getColumn(3)) < found_from_ms)) {
      gone.push_back({std::string(blob(first.getColumn(0))), number(first.getColumn(1)),
                      split(first.getColumn(2).getString())});
    }
    first.reset();
    SQLite::Statement author(*database, "DELETE FROM author WHERE region = ? AND at = ? AND id = ?");
    SQLite::Statement conflict(*database, "DELETE FROM conflict WHERE id = ?");
    SQLite::Statement settlement(*database, "DELETE FROM settlement WHERE conflict = ?");
    for (const Gone& row : gone) {
      for (const std::string& region : row.regions) {
        author.bind(1, region);
        author.bind(2, stored(row.at_ms));
        bind_blob(author, 3, row.id);
        run(author);
      }
      bind_blob(conflict, 1, row.id);
      run(conflict);
      bind_blob(settlement, 1, row.id);
      run(settlement);
    }
    return gone.size();
  }

  Result<bool> retain(const AuditRetention& retention) {
    SQLite::Transaction transaction(*database, SQLite::TransactionBehavior::IMMEDIATE);
    std::uint64_t removed = 0;
    bool more = true;
    while (more && removed < removals_max) {
      const std::uint64_t now = remove_first(retention.found_from_ms, bytes_used() > retention.bytes_max);
      removed += now;
      more = now == removals_at_once;
    }
    // Those of conflicts that never were on record here.
    SQLite::Statement orphans(*database, "DELETE FROM settlement WHERE at < ?");
    orphans.bind(1, stored(retention.found_from_ms));
    orphans.exec();
    transaction.commit();
    if (removed > 0) checkpoint();
    return more;
  }

  void checkpoint() {
    sqlite3_wal_checkpoint_v2(database->getHandle(), nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
  }
};

AuditDb::AuditDb(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
AuditDb::AuditDb(AuditDb&&) noexcept = default;
AuditDb& AuditDb::operator=(AuditDb&&) noexcept = default;
AuditDb::~AuditDb() = default;

Result<AuditDb> AuditDb::open(const std::filesystem::path& file, const Identity& identity) {
  return guarded(file, [&]() -> Result<AuditDb> {
    auto impl = std::make_unique<Impl>();
    impl->file = file;
    auto database = open_sqlite(file, Access::write, {.page_bytes = 4096, .cache_kib = 4 * 1024});
    if (!database) return tl::make_unexpected(database.error());
    impl->database = std::move(*database);
    auto claimed =
        claim(*impl->database, file, audit_format, identity, [&] { make_tables(*impl->database); });
    if (!claimed) return tl::make_unexpected(claimed.error());
    impl->is_new = *claimed;
    // Its tables are there, or it is damaged.
    impl->database->execAndGet("SELECT count(*) FROM (SELECT 1 FROM conflict, author LIMIT 1)");
    return AuditDb(std::move(impl));
  });
}

bool AuditDb::is_new() const { return impl_->is_new; }

Result<void> AuditDb::add(const std::vector<AuditRow>& rows,
                          const std::vector<AuditSettlement>& settlements) {
  if (rows.empty() && settlements.empty()) return {};
  return guarded(impl_->file, [&]() -> Result<void> {
    SQLite::Transaction transaction(*impl_->database, SQLite::TransactionBehavior::IMMEDIATE);
    impl_->insert(rows);
    impl_->insert(settlements);
    transaction.commit();
    impl_->checkpoint();
    return {};
  });
}

Result<bool> AuditDb::retain(const AuditRetention& retention) {
  return guarded(impl_->file, [&] { return impl_->retain(retention); });
}

struct AuditReader::Impl {
  std::filesystem::path file;
  std::unique_ptr<SQLite::Database> database;

  tl::unexpected<Error> corrupt() const {
    return fail(Errc::corrupt,
                fmt::format("{}: the record of a conflict does not match its checksum", file.string()));
  }
};

AuditReader::AuditReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
AuditReader::AuditReader(AuditReader&&) noexcept = default;
AuditReader& AuditReader::operator=(AuditReader&&) noexcept = default;
AuditReader::~AuditReader() = default;

Result<AuditReader> AuditReader::open(const std::filesystem::path& file) {
  return guarded(file, [&]() -> Result<AuditReader> {
    auto impl = std::make_unique<Impl>();
    impl->file = file;
    auto database = open_sqlite(file, Access::read, {});
    if (!database) return tl::make_unexpected(database.error());
    impl->database = std::move(*database);
    const std::string format =
        impl->database->execAndGet("SELECT value FROM meta WHERE key = 'format'").getString();
    if (format != std::to_string(audit_format)) {
      return fail(Errc::unsupported_version, fmt::format("{} has format {}; this release reads format {}",
                                                         file.string(), format, audit_format));
    }
    return AuditReader(std::move(impl));
  });
}

Result<void> AuditReader::scan(const AuditRange& range,
                               const std::function<bool(AuditRow row)>& visit) const {
  return guarded(impl_->file, [&]() -> Result<void> {
    SQLite::Statement query(*impl_->database, sql_of(range));
    bind_range(query, range);
    while (query.executeStep()) {
      auto row = read_row(query);
      if (!row) return impl_->corrupt();
      if (!visit(std::move(*row))) break;
    }
    return {};
  });
}

Result<std::optional<AuditRow>> AuditReader::find(std::string_view id) const {
  return guarded(impl_->file, [&]() -> Result<std::optional<AuditRow>> {
    SQLite::Statement query(*impl_->database,
                            fmt::format("SELECT {} FROM conflict c WHERE c.id = ?", columns));
    bind_blob(query, 1, id);
    if (!query.executeStep()) return std::optional<AuditRow>();
    auto row = read_row(query);
    if (!row) return impl_->corrupt();
    return row;
  });
}

Result<std::vector<AuditSettlement>> AuditReader::settlements(std::string_view conflict) const {
  return guarded(impl_->file, [&]() -> Result<std::vector<AuditSettlement>> {
    SQLite::Statement query(*impl_->database,
                            "SELECT origin, seq, at, region, person FROM settlement WHERE conflict = ? "
                            "ORDER BY at, origin, seq");
    bind_blob(query, 1, conflict);
    std::vector<AuditSettlement> found;
    while (query.executeStep()) {
      AuditSettlement settlement{std::string(conflict),
                                 {Origin{number(query.getColumn(0))}, number(query.getColumn(1))},
                                 number(query.getColumn(2)),
                                 query.getColumn(3).getString(),
                                 {}};
      const auto person = unsealed(blob(query.getColumn(4)), salt_of(settlement));
      if (!person) return impl_->corrupt();
      settlement.person = *person;
      found.push_back(std::move(settlement));
    }
    return found;
  });
}

Result<Identity> AuditReader::owner() const { return owner_of(impl_->file); }

}  // namespace turnstone::storage
