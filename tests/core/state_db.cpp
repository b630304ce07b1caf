#include "core/storage/state_db.hpp"

#include <SQLiteCpp/SQLiteCpp.h>

#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "tests/catch.hpp"
#include "tests/core/temp_directory.hpp"
#include "tests/core/temp_disk.hpp"

using namespace turnstone;
using Catch::Matchers::Contains;
using storage::StateChange;
using storage::StateDb;
using storage::StoredCell;
using storage::StoredOrigin;
using test::TempDirectory;

namespace {

const storage::Identity paris{"turnstone", "paris"};
const std::string odd_key("a\0key\xff", 6);

using Cells = std::vector<std::tuple<std::string, int, std::string, std::string>>;

StateDb open(const std::filesystem::path& file) {
  auto state = StateDb::open(file, paris);
  if (!state) FAIL(state.error().message);
  return std::move(*state);
}

Result<Cells> cells(const StateDb& state) {
  Cells found;
  auto read = state.for_each_cell([&](const StoredCell& c) -> Result<void> {
    found.emplace_back(c.key, c.kind, c.field, c.image);
    return {};
  });
  if (!read) return tl::make_unexpected(read.error());
  return found;
}

StateChange change(storage::Lsn lsn, std::vector<StoredCell> new_cells) {
  return {{lsn, lsn * 100, "protocol"}, std::move(new_cells), {{Origin{7}, "seven"}}};
}

void execute(const std::filesystem::path& file, const std::string& sql) {
  SQLite::Database(file.string(), SQLite::OPEN_READWRITE).exec(sql);
}

// A stored state with three cells, damaged by a statement.
Result<Cells> cells_after(const std::string& sql) {
  const TempDirectory temp;
  {
    StateDb state = open(temp / "state.db");
    REQUIRE(state.apply(change(1, {{"a", 1, "", "one"}, {"b", 1, "", "two"}, {"c", 1, "", "three"}})));
  }
  execute(temp / "state.db", sql);
  return cells(open(temp / "state.db"));
}

}  // namespace

TEST_CASE("state: a new one is empty and at the start of the log") {
  const TempDirectory temp;
  const StateDb state = open(temp / "state.db");
  CHECK(state.position() == storage::StatePosition{});
  CHECK(cells(state)->empty());
  CHECK(state.origins()->empty());
}

TEST_CASE("state: cells are written, replaced and removed, and come back in key order") {
  const TempDirectory temp;
  {
    StateDb state = open(temp / "state.db");
    REQUIRE(state.apply(change(
        3, {{"b", 1, "", "old"}, {odd_key, 3, "field", "x"}, {"b", 2, "", "set"}, {"a", 1, "", "gone"}})));
    REQUIRE(state.apply(
        change(9, {{"b", 1, "", "new"}, {"a", 1, "", ""}, {"never", 1, "", ""}, {"", 2, "", "empty name"}})));
    CHECK(state.position() == storage::StatePosition{9, 900, "protocol"});
  }
  const StateDb state = open(temp / "state.db");
  CHECK(state.position() == storage::StatePosition{9, 900, "protocol"});
  CHECK(
      *cells(state) ==
      Cells{{"", 2, "", "empty name"}, {odd_key, 3, "field", "x"}, {"b", 1, "", "new"}, {"b", 2, "", "set"}});
}

TEST_CASE("state: the origins are those of the last checkpoint") {
  const TempDirectory temp;
  StateDb state = open(temp / "state.db");
  const Origin large{UINT64_MAX - 4};
  REQUIRE(state.apply({{1, 1}, {}, {{Origin{7}, "seven"}, {large, "large"}}}));
  REQUIRE(state.apply({{2, 2}, {}, {{large, "larger"}, {Origin{9}, ""}}}));
  CHECK(*state.origins() == std::vector<StoredOrigin>{{large, "larger"}, {Origin{9}, ""}});
}

TEST_CASE("state: killed at any moment, it is exactly at one of its checkpoints") {
  const TempDirectory temp;
  StateDb state = open(temp / "live.db");
  const auto value = [](storage::Lsn lsn) { return std::string(200, static_cast<char>('a' + lsn)); };
  for (storage::Lsn lsn = 1; lsn <= 4; ++lsn) {
    std::vector<std::string> keys;
    for (int i = 0; i < 200; ++i) keys.push_back("key " + std::to_string(i));
    StateChange next = change(lsn, {});
    const std::string image = value(lsn);
    for (const std::string& key : keys) next.cells.push_back({key, 1, "", image});
    REQUIRE(state.apply(std::move(next)));
  }
  const auto wal_bytes = std::filesystem::file_size(temp / "live.db-wal");
  for (std::uintmax_t kept : {wal_bytes, wal_bytes / 2, wal_bytes / 3, std::uintmax_t{33}}) {
    const TempDirectory copy;
    test::copy_files(temp.path(), copy / "data");
    std::filesystem::resize_file(copy / "data/live.db-wal", kept);
    const auto reopened = StateDb::open(copy / "data/live.db", paris);
    REQUIRE(reopened);
    const auto found = cells(*reopened);
    REQUIRE(found);
    for (const auto& cell : *found) CHECK(std::get<3>(cell) == value(reopened->position().lsn));
  }
}

TEST_CASE("state: a change of a cell's bytes, a missing cell and one too many are all seen") {
  REQUIRE(cells_after("UPDATE cell SET image = image"));
  for (const char* sql :
       {"UPDATE cell SET image = X'00' WHERE key = CAST('b' AS BLOB)",
        "DELETE FROM cell WHERE key = CAST('b' AS BLOB)", "INSERT INTO cell VALUES(X'64', 1, X'', X'00')",
        "UPDATE cell SET kind = 2 WHERE key = CAST('b' AS BLOB)"}) {
    const auto found = cells_after(sql);
    REQUIRE_FALSE(found);
    CHECK(found.error().code == Errc::corrupt);
    CHECK_THAT(found.error().message, Contains("state.db"));
  }
}

TEST_CASE("state: a damaged position or origin is corrupt") {
  const TempDirectory temp;
  {
    StateDb state = open(temp / "state.db");
    REQUIRE(state.apply({{5, 5}, {}, {{Origin{7}, "seven"}}}));
  }
  const auto damaged = [&](const std::string& sql) {
    auto copy = std::make_unique<TempDirectory>();
    test::copy_files(temp.path(), *copy / "data");
    execute(*copy / "data/state.db", sql);
    return copy;
  };
  {
    const auto copy = damaged("UPDATE meta SET value = X'0011223344556677889900' WHERE key = 'position'");
    const auto state = StateDb::open(*copy / "data/state.db", paris);
    REQUIRE_FALSE(state);
    CHECK(state.error().code == Errc::corrupt);
  }
  for (const char* sql :
       {"UPDATE origin SET origin = 8", "UPDATE origin SET image = X'00'", "DELETE FROM origin"}) {
    const auto copy = damaged(sql);
    const auto origins = open(*copy / "data/state.db").origins();
    REQUIRE_FALSE(origins);
    CHECK(origins.error().code == Errc::corrupt);
  }
}

TEST_CASE("state: the state of another region is refused") {
  const TempDirectory temp;
  { const StateDb state = open(temp / "state.db"); }
  const auto other = StateDb::open(temp / "state.db", {"turnstone", "dallas"});
  REQUIRE_FALSE(other);
  CHECK(other.error().code == Errc::wrong_cluster);
  CHECK_THAT(other.error().message, Contains("'paris'") && Contains("'dallas'"));
}

TEST_CASE("state: a checkpoint that does not fit on the disk leaves the one before") {
  const test::TempDisk disk("2m");
  if (!disk.mounted()) return;
  {
    StateDb state = open(disk / "state.db");
    REQUIRE(state.apply(change(1, {{"a", 1, "", "small"}})));
    const std::string large(4'000'000, 'x');
    const auto applied = state.apply(change(2, {{"a", 1, "", large}, {"b", 1, "", "small"}}));
    REQUIRE_FALSE(applied);
    CHECK(applied.error().code == Errc::io);
    CHECK(state.position().lsn == 1);
    CHECK_FALSE(state.apply(change(3, {})));
  }
  {
    const StateDb state = open(disk / "state.db");
    CHECK(state.position().lsn == 1);
    CHECK(*cells(state) == Cells{{"a", 1, "", "small"}});
  }
}

TEST_CASE("state: what a database from elsewhere brings along does not run") {
  const TempDirectory temp;
  {
    StateDb state = open(temp / "state.db");
    REQUIRE(state.apply(change(1, {{"a", 1, "", "one"}})));
  }
  execute(temp / "state.db",
          "CREATE TRIGGER eat AFTER INSERT ON cell BEGIN DELETE FROM cell WHERE key = NEW.key; END;"
          "CREATE TRIGGER forge AFTER UPDATE ON cell BEGIN UPDATE cell SET image = 'x'; END;"
          "CREATE TRIGGER spoil AFTER INSERT ON meta BEGIN DELETE FROM origin; END;");
  {
    StateDb state = open(temp / "state.db");
    REQUIRE(state.apply(change(2, {{"a", 1, "", "1"}, {"b", 1, "", "two"}})));
  }
  const StateDb state = open(temp / "state.db");
  CHECK(*cells(state) == Cells{{"a", 1, "", "1"}, {"b", 1, "", "two"}});
  CHECK(state.origins()->size() == 1);
}

TEST_CASE("state: a view in the place of a table is refused") {
  const TempDirectory temp;
  { const StateDb state = open(temp / "state.db"); }
  execute(
      temp / "state.db",
      "ALTER TABLE cell RENAME TO hidden; CREATE VIEW cell AS SELECT key, kind, field, image FROM hidden;");
  const auto state = StateDb::open(temp / "state.db", paris);
  CHECK_FALSE((state && cells(*state)));
}
