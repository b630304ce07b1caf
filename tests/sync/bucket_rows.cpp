// Rows of one bucket, page by page, and their repair.
#include "sync/bucket_rows.hpp"

#include <set>

#include "crdt/bucket_walk.hpp"
#include "tests/catch.hpp"
#include "tests/sync/node.hpp"

using namespace turnstone;
using namespace turnstone::sync;

namespace {

// Two leaders of three with the same rows, the third one silent.
struct Pair {
  Node paris{"paris"};
  Node tokyo{"tokyo"};
  Pair() {
    for (int i = 0; i < 20; ++i) paris.set("k" + std::to_string(i), "x");
    for (int i = 0; i < 5; ++i) paris.incr("n", 3);
    exchange(paris, tokyo);
  }
};

void damage(Node& node, const std::string& key) {
  crdt::Cell cell;
  crdt::Row row = node.replica().keyspace().find(key)->string()->siblings().front();
  row.value = "damaged";
  cell.add(row);
  REQUIRE(node.replica().keyspace().load(image_of({key, {}, crdt::Kind::string}, &cell)).has_value());
}

// What paris has of a key, for tokyo.
Repair repair_of(Node& paris, Node& tokyo, const std::string& key) {
  const std::size_t bucket = paris.replica().keyspace().bucket_of(key);
  const crdt::CellName name{key, {}, crdt::Kind::string};
  const crdt::Cell* cell = paris.replica().keyspace().find_cell(key, crdt::Kind::string, {});
  return {bucket,
          tokyo.replica().config().origin,
          tokyo.replica().keyspace().touched(bucket),
          crdt::digest_of_bucket(paris.replica().keyspace(), bucket),
          {image_of(name, cell, crdt::CellPart::state)}};
}

// Everybody, the third leader as well, has reported to have everything.
void settle(Node& a, Node& b) {
  exchange(a, b);
  Node dallas("dallas");
  exchange(dallas, a);
  exchange(dallas, b);
  exchange(dallas, a);  // It counts once it has heard both.
  exchange(a, b);
}

}  // namespace

TEST_CASE("bucket rows: pages of any size hold every row of the bucket once, in order") {
  Node paris("paris");
  for (int i = 0; i < 30; ++i) {
    const std::string text = std::to_string(i);
    paris.set("k" + text, "x");
    paris.gather(crdt::Put{"set", crdt::Kind::set, text, {}});
    paris.gather(crdt::Put{"hash", crdt::Kind::hash, text, "v"});
    paris.gather(crdt::Put{"set", crdt::Kind::hash, text, "v"});
    paris.flush();
  }
  const crdt::Keyspace& keyspace = paris.replica().keyspace();
  std::set<crdt::CellName> all;
  for (std::size_t bucket = 0; bucket < keyspace.buckets(); ++bucket) {
    const auto whole = rows_of(keyspace, bucket, {}, 10'000, 1'000'000);
    CHECK(!whole.more);
    for (const std::size_t rows_max : {1, 3, 7}) {
      std::vector<crdt::CellImage> rows;
      std::optional<crdt::CellName> after;
      for (bool more = true; more;) {
        const auto page = rows_of(keyspace, bucket, after, rows_max, 1'000'000);
        rows.insert(rows.end(), page.rows.begin(), page.rows.end());
        more = page.more;
        if (!rows.empty()) after = rows.back().name;
      }
      CHECK(rows == whole.rows);
    }
    CHECK(rows_of(keyspace, bucket, {}, 10'000, 0).rows.size() <= 1);
    for (const auto& row : whole.rows) CHECK(all.insert(row.name).second);
  }
  CHECK(all.size() == 120);
}

TEST_CASE("bucket rows: a repair gives the row of the other leader, and the digest with it") {
  Pair pair;
  settle(pair.paris, pair.tokyo);
  damage(pair.tokyo, "k7");
  REQUIRE(pair.tokyo.get("k7") == "damaged");
  const auto replaced = repair(pair.tokyo.replica(), repair_of(pair.paris, pair.tokyo, "k7"));
  REQUIRE(replaced.has_value());
  REQUIRE(replaced->size() == 1);
  CHECK(decode_image(replaced->front())->siblings().front().value == "damaged");
  CHECK(pair.tokyo.get("k7") == "x");
  CHECK(pair.tokyo.replica().keyspace().digest() == pair.paris.replica().keyspace().digest());
  CHECK(pair.tokyo.replica().keyspace().dirty().size() > 0);
}

TEST_CASE("bucket rows: a row that only the damaged leader has goes, and a lost one comes back") {
  Pair pair;
  settle(pair.paris, pair.tokyo);
  for (Node* loser : {&pair.tokyo, &pair.paris}) {
    REQUIRE(loser->replica().replace({{"k7", {}, crdt::Kind::string}, {}}).has_value());
    CHECK(loser->get("k7") == "(none)");
    Node& other = loser == &pair.tokyo ? pair.paris : pair.tokyo;
    REQUIRE(repair(loser->replica(), repair_of(other, *loser, "k7")).has_value());
    CHECK(loser->get("k7") == "x");
  }
  REQUIRE(pair.paris.replica().replace({{"n", {}, crdt::Kind::string}, {}}).has_value());
  REQUIRE(repair(pair.tokyo.replica(), repair_of(pair.paris, pair.tokyo, "n")).has_value());
  CHECK(pair.tokyo.get("n") == "(none)");
}

TEST_CASE("bucket rows: a repair of a bucket that is written to, or that not everybody has, waits") {
  Pair pair;
  damage(pair.tokyo, "k7");
  const Repair early = repair_of(pair.paris, pair.tokyo, "k7");
  CHECK(repair(pair.tokyo.replica(), early).error().code == Errc::in_use);
  settle(pair.paris, pair.tokyo);
  const Repair stale = repair_of(pair.paris, pair.tokyo, "k7");
  pair.tokyo.set("k7", "newer");
  CHECK(repair(pair.tokyo.replica(), stale).error().code == Errc::in_use);
  pair.tokyo.sync();
  settle(pair.paris, pair.tokyo);
  CHECK(repair(pair.tokyo.replica(), stale).error().code == Errc::in_use);
  CHECK(pair.tokyo.get("k7") == "newer");
}

TEST_CASE("bucket rows: a repair that would not make the bucket what it says changes nothing") {
  Pair pair;
  settle(pair.paris, pair.tokyo);
  damage(pair.tokyo, "k7");
  Repair wrong = repair_of(pair.paris, pair.tokyo, "k7");
  wrong.digest.low += 1;
  CHECK(repair(pair.tokyo.replica(), wrong).error().code == Errc::config);
  Repair elsewhere = repair_of(pair.paris, pair.tokyo, "k7");
  elsewhere.bucket = (elsewhere.bucket + 1) % pair.paris.replica().keyspace().buckets();
  CHECK(repair(pair.tokyo.replica(), elsewhere).error().code == Errc::config);
  Repair other_run = repair_of(pair.paris, pair.tokyo, "k7");
  other_run.origin = Origin{99};
  CHECK(repair(pair.tokyo.replica(), other_run).error().code == Errc::config);
  Repair torn = repair_of(pair.paris, pair.tokyo, "k7");
  torn.rows.front().bytes.pop_back();
  CHECK(!repair(pair.tokyo.replica(), torn).has_value());
  CHECK(pair.tokyo.get("k7") == "damaged");
}
