#include "core/storage/log_reader.hpp"

#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>

#include <bit>
#include <optional>

#include "core/hash.hpp"
#include "core/storage/sealed.hpp"
#include "core/storage/sqlite_file.hpp"

namespace turnstone::storage {
struct LogReader::Impl {
  std::filesystem::path file;
  // Statements must go before their database.
  std::unique_ptr<SQLite::Database> database;
  std::optional<SQLite::Statement> one;

  tl::unexpected<Error> corrupt(Lsn lsn, std::string_view what) const {
    return fail(Errc::corrupt, fmt::format("{}: batch {} of the log {}", file.string(), lsn, what));
  }

  // The row that the statement stands on.
  Result<LogEntry> row(SQLite::Statement& query) const {
    const LogEntry entry{number(query.getColumn(0)), Origin{number(query.getColumn(1))},
                         number(query.getColumn(2)), number(query.getColumn(3)), blob(query.getColumn(5))};
    if (number(query.getColumn(4)) != checksum(entry)) {
      return corrupt(entry.lsn, "does not match its checksum");
    }
    return entry;
  }

  Result<std::string> read(Lsn lsn) {
    one->bind(1, stored(lsn));
    Result<std::string> bytes = std::string();
    if (one->executeStep()) bytes = row(*one).map([](const LogEntry& e) { return std::string(e.bytes); });
    one->reset();
    if (bytes && bytes->empty() && lsn >= first_lsn()) return corrupt(lsn, "is missing");
    return bytes;
  }

  Lsn first_lsn() const {
    return std::bit_cast<Lsn>(database->execAndGet("SELECT ifnull(min(lsn), 0) FROM batch").getInt64());
  }
};

LogReader::LogReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
LogReader::LogReader(LogReader&&) noexcept = default;
LogReader& LogReader::operator=(LogReader&&) noexcept = default;
LogReader::~LogReader() = default;

Result<LogReader> LogReader::open(const std::filesystem::path& file) {
  return guarded(file, [&]() -> Result<LogReader> {
    auto impl = std::make_unique<Impl>();
    impl->file = file;
    auto database = open_sqlite(file, Access::read, {});
    if (!database) return tl::make_unexpected(database.error());
    impl->database = std::move(*database);
    impl->one.emplace(*impl->database,
                      "SELECT lsn, origin, first_seq, last_seq, checksum, bytes FROM batch WHERE lsn = ?");
    return LogReader(std::move(impl));
  });
}

Result<void> LogReader::for_each_header(Lsn from, Lsn to,
                                        const std::function<Result<void>(const LogHeader&)>& visit) const {
  return guarded(impl_->file, [&]() -> Result<void> {
    // length() of a blob is in the row's header: pages that hold only the blob are not read.
    SQLite::Statement query(*impl_->database,
                            "SELECT lsn, origin, first_seq, last_seq, length(bytes) FROM batch "
                            "WHERE lsn BETWEEN ? AND ? ORDER BY lsn");
    query.bind(1, stored(from));
    query.bind(2, stored(to));
    Lsn previous = 0;
    while (query.executeStep()) {
      const LogHeader header{number(query.getColumn(0)), Origin{number(query.getColumn(1))},
                             number(query.getColumn(2)), number(query.getColumn(3)),
                             static_cast<std::size_t>(number(query.getColumn(4)))};
      if (previous != 0 && header.lsn != previous + 1) return impl_->corrupt(previous + 1, "is missing");
      previous = header.lsn;
      if (auto visited = visit(header); !visited) return visited;
    }
    return {};
  });
}

Result<void> LogReader::for_each(Lsn from, const std::function<Result<void>(const LogEntry&)>& visit) const {
  return guarded(impl_->file, [&]() -> Result<void> {
    SQLite::Statement query(*impl_->database,
                            "SELECT lsn, origin, first_seq, last_seq, checksum, bytes FROM batch "
                            "WHERE lsn >= ? ORDER BY lsn");
    query.bind(1, stored(from));
    Lsn previous = 0;
    while (query.executeStep()) {
      auto entry = impl_->row(query);
      if (!entry) return tl::make_unexpected(entry.error());
      if (previous != 0 && entry->lsn != previous + 1) return impl_->corrupt(previous + 1, "is missing");
      previous = entry->lsn;
      if (auto visited = visit(*entry); !visited) return visited;
    }
    return {};
  });
}

LogReader::Batches LogReader::read(std::span<const Lsn> lsns) const {
  Batches batches;
  batches.bytes.reserve(lsns.size());
  for (const Lsn lsn : lsns) {
    auto bytes = guarded(impl_->file, [&] { return impl_->read(lsn); });
    if (!bytes) {
      impl_->one->tryReset();
      batches.error = std::move(bytes.error());
      break;
    }
    if (bytes->empty()) break;  // cut since it was asked for
    batches.bytes.push_back(std::move(*bytes));
  }
  return batches;
}

Result<LogFloor> LogReader::floor() const {
  return guarded(impl_->file, [&]() -> Result<LogFloor> { return load_floor(*impl_->database); });
}

Result<std::vector<AsidePlace>> LogReader::aside() const {
  return guarded(impl_->file, [&]() -> Result<std::vector<AsidePlace>> {
    SQLite::Statement query(
        *impl_->database,
        "SELECT aside.id, lsn, origin, first_seq, last_seq, at_ms, reason, length(bytes), "
        "ifnull(region, '') FROM aside LEFT JOIN earlier USING(id) ORDER BY aside.id");
    std::vector<AsidePlace> places;
    while (query.executeStep()) {
      places.push_back({query.getColumn(0).getInt64(), number(query.getColumn(1)),
                        Origin{number(query.getColumn(2))}, number(query.getColumn(3)),
                        number(query.getColumn(4)), number(query.getColumn(5)),
                        query.getColumn(6).getString(), static_cast<std::size_t>(number(query.getColumn(7))),
                        query.getColumn(8).getString()});
    }
    return places;
  });
}

Result<std::string> LogReader::read_aside(std::int64_t id) const {
  return guarded(impl_->file, [&]() -> Result<std::string> {
    SQLite::Statement query(
        *impl_->database, "SELECT lsn, origin, first_seq, last_seq, checksum, bytes FROM aside WHERE id = ?");
    query.bind(1, id);
    if (!query.executeStep()) return fail(Errc::corrupt, fmt::format("no batch {} is kept aside", id));
    return impl_->row(query).map([](const LogEntry& entry) { return std::string(entry.bytes); });
  });
}

Result<std::string> LogReader::read_seen(const AsidePlace& place) const {
  return guarded(impl_->file, [&]() -> Result<std::string> {
    SQLite::Statement query(*impl_->database, "SELECT seen FROM earlier WHERE id = ?");
    query.bind(1, place.id);
    const auto seen =
        query.executeStep() ? unsealed(blob(query.getColumn(0)), hash64(place.author)) : std::nullopt;
    if (!seen) {
      return fail(Errc::corrupt, fmt::format("{}: what the author of batch {} had seen is missing or damaged",
                                             impl_->file.string(), place.id));
    }
    return std::string(*seen);
  });
}

}  // namespace turnstone::storage
