#include "regions/audit/entry.hpp"

#include "tests/catch.hpp"

using namespace turnstone;
using namespace turnstone::audit;

namespace {

Entry some_entry() {
  crdt::ConflictSide paris{{{Origin{1}, 7}, 2}, hlc_from_ms(1000), crdt::Kind::hash, false, false,
                           "from paris"};
  crdt::ConflictSide tokyo{{{Origin{2}, 8}, 0}, hlc_from_ms(2000), crdt::Kind::hash, false, false,
                           "from tokyo"};
  Entry entry =
      entry_of(make_conflict(crdt::ConflictType::concurrent_write, "key", "field", paris, tokyo), 5000);
  entry.rule = "lww";
  entry.authors[0].region = "paris";
  entry.authors[0].context = VersionVector{{Origin{1}, 6}, {Origin{2}, 3}};
  entry.authors[1].region = "tokyo";
  return entry;
}

}  // namespace

TEST_CASE("audit entry: it comes back from its row") {
  const Entry entry = some_entry();
  CHECK(entry.at_ms == 2000);
  CHECK(entry.outcome == Outcome::second_won);
  CHECK(is_by_clock(entry));
  const storage::AuditRow row = to_row(entry);
  CHECK(row.id.size() == 16);
  CHECK(row.regions == std::vector<std::string>{"paris", "tokyo"});
  CHECK(from_row(row).value() == entry);
}

TEST_CASE("audit entry: a row that holds something else is malformed") {
  const storage::AuditRow row = to_row(some_entry());
  for (std::size_t size = 0; size < row.record.size(); ++size) {
    storage::AuditRow cut = row;
    cut.record.resize(size);
    CHECK_FALSE(from_row(cut));
  }
  storage::AuditRow other = row;
  other.id[0] = static_cast<char>(other.id[0] + 1);
  CHECK_FALSE(from_row(other));
  other = row;
  other.record += row.record;
  CHECK_FALSE(from_row(other));
}

TEST_CASE("audit entry: values are cut or removed as it is set, amounts of increments are not") {
  Entry entry = some_entry();
  apply({Shown::truncated, 4}, entry);
  CHECK(entry.conflict.first.value == "from");
  CHECK(entry.authors[0].shown == Shown::truncated);
  CHECK(entry.authors[0].value_bytes == 10);
  CHECK(entry.conflict.id == some_entry().conflict.id);
  entry = some_entry();
  apply({Shown::truncated, 10}, entry);
  CHECK(entry == some_entry());
  entry.conflict.first.is_increment = true;
  apply({Shown::redacted, 0}, entry);
  CHECK(entry.conflict.first.value == "from paris");
  CHECK(entry.conflict.second.value.empty());
  CHECK(entry.authors[1].shown == Shown::redacted);
  CHECK(from_row(to_row(entry)).value() == entry);
}

TEST_CASE("audit entry: the id is the same in hex, and back") {
  const Entry entry = some_entry();
  const std::string hex = hex_id(entry.conflict.id);
  CHECK(hex.size() == 32);
  CHECK(parse_id(hex) == entry.conflict.id);
  CHECK_FALSE(parse_id(hex.substr(1)));
  CHECK_FALSE(parse_id("z" + hex.substr(1)));
}

TEST_CASE("audit entry: the clocks alone decide between two values, and between two kinds") {
  Entry entry = some_entry();
  entry.rule = "union";
  CHECK_FALSE(is_by_clock(entry));
  entry.conflict.type = crdt::ConflictType::kind_conflict;
  CHECK(is_by_clock(entry));
  entry.conflict.type = crdt::ConflictType::update_vs_delete;
  CHECK_FALSE(is_by_clock(entry));
}
