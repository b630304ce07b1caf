#include "core/storage/audit_db.hpp"

#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>

#include "tests/catch.hpp"
#include "tests/core/temp_directory.hpp"

using namespace turnstone;
using storage::AuditDb;
using storage::AuditOrder;
using storage::AuditRange;
using storage::AuditReader;
using storage::AuditRow;
using test::TempDirectory;

namespace {

const storage::Identity paris{"turnstone", "paris"};
const std::string odd_key("a\0key\xff", 6);

AuditDb open(const std::filesystem::path& file) {
  auto audit = AuditDb::open(file, paris);
  if (!audit) FAIL(audit.error().message);
  return std::move(*audit);
}

AuditReader reader(const std::filesystem::path& file) {
  auto audit = AuditReader::open(file);
  if (!audit) FAIL(audit.error().message);
  return std::move(*audit);
}

AuditRow row(std::uint64_t number, const std::string& key = "k", std::uint8_t type = 1,
             std::vector<std::string> regions = {"paris", "tokyo"}) {
  return {fmt::format("id {:013}", number),
          100 * number,
          1000 + number,
          type,
          number % 2 == 0,
          key,
          "lww",
          std::move(regions),
          "record " + std::to_string(number)};
}

std::vector<std::uint64_t> times(const AuditReader& audit, const AuditRange& range, std::size_t most = 1000) {
  std::vector<std::uint64_t> found;
  auto read = audit.scan(range, [&](const AuditRow& each) {
    found.push_back(each.at_ms / 100);
    return found.size() < most;
  });
  if (!read) FAIL(read.error().message);
  return found;
}

using Times = std::vector<std::uint64_t>;

}  // namespace

TEST_CASE("audit: what was added comes back, and the first of an id stays") {
  const TempDirectory temp;
  {
    AuditDb audit = open(temp / "audit.db");
    CHECK(audit.is_new());
    AuditRow again = row(1);
    again.record = "other";
    REQUIRE(audit.add({row(1), row(2, odd_key), again}));
    REQUIRE(audit.add({again}));
  }
  CHECK_FALSE(open(temp / "audit.db").is_new());
  const AuditReader audit = reader(temp / "audit.db");
  CHECK(times(audit, {}) == Times{2, 1});
  CHECK(audit.find(row(1).id).value() == row(1));
  CHECK(audit.find(row(2).id).value() == row(2, odd_key));
  CHECK(audit.find("id").value() == std::nullopt);
  CHECK(audit.owner()->region == "paris");
}

TEST_CASE("audit: rows are found by time, key, region and type, in either order, from any place on") {
  const TempDirectory temp;
  AuditDb audit = open(temp / "audit.db");
  // As they are found: not in the order in which they were written.
  REQUIRE(audit.add({row(3, "b", 2), row(1, "a"), row(4, "a", 1, {"dallas", "tokyo"})}));
  REQUIRE(audit.add({row(2, odd_key, 2, {"dallas"}), row(5, "a", 2)}));
  const AuditReader at = reader(temp / "audit.db");
  AuditRange range;
  CHECK(times(at, range) == Times{5, 4, 3, 2, 1});
  CHECK(times(at, range, 2) == Times{5, 4});
  range.beyond = {400, row(4).id};
  CHECK(times(at, range) == Times{3, 2, 1});
  range.order = AuditOrder::oldest_first;
  CHECK(times(at, range) == Times{5});
  range = {};
  range.key = "a";
  CHECK(times(at, range) == Times{5, 4, 1});
  range.at_from_ms = 400;
  CHECK(times(at, range) == Times{5, 4});
  range.at_before_ms = 500;
  CHECK(times(at, range) == Times{4});
  range = {};
  range.key = odd_key;
  CHECK(times(at, range) == Times{2});
  range = {};
  range.region = "dallas";
  CHECK(times(at, range) == Times{4, 2});
  range.beyond = {400, row(4).id};
  CHECK(times(at, range) == Times{2});
  range = {};
  range.type = 2;
  CHECK(times(at, range) == Times{5, 3, 2});
  range = {};
  range.order = AuditOrder::found_last_first;
  CHECK(times(at, range) == Times{5, 2, 4, 1, 3});
}

TEST_CASE("audit: what is too old, or too much, leaves, the first found first") {
  const TempDirectory temp;
  AuditDb audit = open(temp / "audit.db");
  std::vector<AuditRow> rows;
  for (std::uint64_t number = 1; number <= 5000; ++number) {
    rows.push_back(row(number));
    rows.back().record = std::string(500, 'r');
  }
  REQUIRE(audit.add(rows));
  const AuditReader at = reader(temp / "audit.db");
  CHECK(*audit.retain({1000 + 101, UINT64_MAX}) == false);
  AuditRange up;
  up.order = AuditOrder::oldest_first;
  CHECK(times(at, up, 1) == Times{101});
  up.region = "tokyo";
  CHECK(times(at, up, 1) == Times{101});
  // No more than so many at once.
  CHECK(*audit.retain({1000 + 4001, UINT64_MAX}) == true);
  up.region.reset();
  CHECK(times(at, up, 1) == Times{101 + AuditDb::removals_max});
  CHECK(*audit.retain({1000 + 4001, UINT64_MAX}) == false);
  CHECK(times(at, up, 1) == Times{4001});
  CHECK(*audit.retain({0, 400'000}) == false);
  const auto left = times(at, up);
  CHECK(left.back() == 5000);
  CHECK(left.size() >= 200);
  CHECK(left.size() < 900);
}

TEST_CASE("audit: a row that was changed behind its back is corrupt") {
  for (const char* sql : {"UPDATE conflict SET key = X'00'", "UPDATE conflict SET at = 2",
                          "UPDATE conflict SET found = 2", "UPDATE conflict SET type = 2",
                          "UPDATE conflict SET by_clock = 1", "UPDATE conflict SET rule = 'union'",
                          "UPDATE conflict SET regions = 'oslo'", "UPDATE conflict SET record = X'00'"}) {
    INFO(sql);
    const TempDirectory temp;
    REQUIRE(open(temp / "audit.db").add({row(1)}));
    SQLite::Database((temp / "audit.db").string(), SQLite::OPEN_READWRITE).exec(sql);
    const auto read = reader(temp / "audit.db").find(row(1).id);
    REQUIRE_FALSE(read);
    CHECK(read.error().code == Errc::corrupt);
  }
}

TEST_CASE("audit: the record of another region is refused") {
  const TempDirectory temp;
  { const AuditDb audit = open(temp / "audit.db"); }
  CHECK(AuditDb::open(temp / "audit.db", {"turnstone", "dallas"}).error().code == Errc::wrong_cluster);
}
