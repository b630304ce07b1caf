#include <set>

#include "crdt/bucket_walk.hpp"
#include "tests/catch.hpp"
#include "tests/crdt/site.hpp"

using namespace turnstone;
using namespace turnstone::crdt;

TEST_CASE("cell: increments of one batch are one entry, and of two batches two") {
  Cell cell;
  const auto author = [](Seq seq, Seq batch_first) {
    return Author{{Origin{1}, seq}, 100 + seq, batch_first, nullptr};
  };
  const auto one = FixedDecimal::from_int(1);
  CHECK(cell.increment({{Origin{1}, 1}, 0}, author(1, 1), one));
  CHECK(!cell.increment({{Origin{1}, 2}, 0}, author(2, 1), one));
  CHECK(cell.increment({{Origin{1}, 3}, 0}, author(3, 3), one));
  REQUIRE(cell.counter()->unstable.size() == 2);
  CHECK(cell.counter()->unstable[0].amount == FixedDecimal::from_int(2));
  CHECK(cell.counter()->total == FixedDecimal::from_int(3));
  CHECK(cell.counter()->newest == RowId{{Origin{1}, 3}, 0});
  CHECK(cell.forget_stable({{Origin{1}, 2}}) == 1);
  CHECK(cell.counter()->total == FixedDecimal::from_int(3));
}

TEST_CASE("cell: an author who has seen one of two batches cancels that one") {
  Cell cell;
  const VersionVector context{{Origin{1}, 2}};
  for (const Seq seq : {1, 2, 3}) {
    const Author author{{Origin{1}, seq}, 100, seq < 3 ? Seq{1} : Seq{3}, nullptr};
    cell.increment({{Origin{1}, seq}, 0}, author, FixedDecimal::from_int(static_cast<std::int64_t>(seq)));
  }
  cell.remove_seen(Author{{Origin{2}, 1}, 50, 1, &context});
  REQUIRE(cell.counter() != nullptr);
  CHECK(cell.counter()->total == FixedDecimal::from_int(3));
  CHECK(cell.counter()->newest == RowId{{Origin{1}, 3}, 0});
}

TEST_CASE("keyspace: a scan visits every key that is there throughout, whatever comes and goes") {
  Site paris(1, 100);
  for (int i = 0; i < 300; ++i) paris.set("stays" + std::to_string(i), "x");
  std::set<std::string> seen;
  std::uint64_t cursor = 0;
  int round = 0;
  do {
    cursor = paris.keyspace().scan(cursor, 7, [&](std::string_view key, const Entry&) { seen.emplace(key); });
    paris.set("comes" + std::to_string(round), "x");
    if (round > 0) paris.del("comes" + std::to_string(round - 1));
    ++round;
  } while (cursor != 0);
  CHECK(round > 300 / 7);
  for (int i = 0; i < 300; ++i) CHECK(seen.contains("stays" + std::to_string(i)));
}

TEST_CASE("keyspace: one scan of an empty keyspace is the whole of it") {
  const Keyspace keyspace(4);
  std::size_t visited = 0;
  CHECK(keyspace.scan(0, 10, [&](std::string_view, const Entry&) { ++visited; }) == 0);
  CHECK(visited == 0);
}

TEST_CASE("keyspace: a random key is one of the keys, and each can be picked") {
  Site paris(1, 100);
  CHECK(!paris.keyspace().random_key(5).has_value());
  for (const char* key : {"a", "b", "c"}) paris.set(key, "x");
  std::set<std::string> picked;
  for (std::uint64_t random = 0; random < 64; ++random) picked.insert(*paris.keyspace().random_key(random));
  CHECK(picked == std::set<std::string>{"a", "b", "c"});
}

TEST_CASE("keyspace: a key exists while it holds anything, and is counted once") {
  Site paris(1, 100);
  paris.sadd("s", "a");
  paris.sadd("s", "b");
  CHECK(paris.keyspace().size() == 1);
  paris.srem("s", "a");
  CHECK(paris.keyspace().size() == 1);
  paris.srem("s", "b");
  CHECK(paris.keyspace().size() == 0);
  CHECK(paris.keyspace().find("s") == nullptr);
  paris.srem("s", "b");
  paris.del("s");
  CHECK(paris.keyspace().size() == 0);
}

TEST_CASE("keyspace: loading cells gives the state and the count of keys") {
  Site paris(1, 100);
  paris.hset("h", "f", "a");
  paris.hset("h", "g", "b");
  paris.incr("c", "3");
  paris.keyspace().dirty().freeze();
  paris.keyspace().encode_frozen(10);
  Keyspace loaded(0);
  for (const CellImage& image : paris.keyspace().dirty().take()) REQUIRE(loaded.load(image).has_value());
  CHECK(loaded.canonical() == paris.keyspace().canonical());
  CHECK(loaded.digest() == paris.keyspace().digest());
  CHECK(loaded.size() == 2);
  CHECK(loaded.unstable_increments() == 1);
  CHECK(loaded.dirty().size() == 0);
}

TEST_CASE("unstable deletes: a delete is remembered until it is stable, in its scope only") {
  UnstableDeletes deletes;
  const VersionVector nothing;
  const Author stranger{{Origin{9}, 1}, 5, 1, &nothing};
  deletes.note_cell("h", Kind::hash, "f", {{{Origin{1}, 1}, 0}, 10});
  deletes.note_key("h", {{{Origin{1}, 2}, 0}, 20});
  deletes.note_all({{{Origin{2}, 1}, 0}, 30});
  CHECK(deletes.unseen_by(stranger, "h", Kind::hash, "f").size() == 3);
  CHECK(deletes.unseen_by(stranger, "h", Kind::hash, "g").size() == 2);
  CHECK(deletes.unseen_by(stranger, "h", Kind::set, "f").size() == 2);
  CHECK(deletes.unseen_by(stranger, "other", Kind::hash, "f").size() == 1);
  const VersionVector some{{Origin{1}, 2}};
  CHECK(deletes.unseen_by(Author{{Origin{9}, 1}, 5, 1, &some}, "h", Kind::hash, "f").size() == 1);
  deletes.forget_stable({{Origin{1}, 1}});
  CHECK(deletes.size() == 2);
  CHECK(deletes.unseen_by(stranger, "h", Kind::hash, "f").size() == 2);
  deletes.forget_stable({{Origin{1}, 2}, {Origin{2}, 1}});
  CHECK(deletes.size() == 0);
  CHECK(deletes.unseen_by(stranger, "h", Kind::hash, "f").empty());
}

TEST_CASE("keyspace: a bucket is touched by every effect that concerns it, and by a clear of everything") {
  Site paris(1, 100);
  Keyspace& keyspace = paris.keyspace();
  const std::size_t bucket = keyspace.bucket_of("k");
  std::uint64_t position = 0;
  const auto touches = [&](const auto& write) {
    keyspace.set_position(++position);
    write();
    return keyspace.touched(bucket) == position;
  };
  CHECK(touches([&] { paris.set("k", "a"); }));
  CHECK(touches([&] { paris.incr("k", "1"); }));
  CHECK(touches([&] { paris.del("k"); }));
  CHECK(touches([&] { paris.del("k"); }));
  CHECK(touches([&] { paris.srem("k", "nothing there"); }));
  CHECK(touches([&] { paris.flush(); }));
  std::string elsewhere = "x";
  while (keyspace.bucket_of(elsewhere) == bucket) elsewhere += "x";
  CHECK(!touches([&] { paris.set(elsewhere, "a"); }));
}

TEST_CASE(
    "bucket walk: in slices of any size it gives the digest of the whole, until the bucket is touched") {
  Site paris(1, 100);
  for (int i = 0; i < 40; ++i) {
    paris.set("string" + std::to_string(i), "x");
    paris.sadd("set", "m" + std::to_string(i));
    paris.hset("hash" + std::to_string(i % 3), "f" + std::to_string(i), "v");
  }
  Keyspace& keyspace = paris.keyspace();
  Hash128 sum;
  for (std::size_t bucket = 0; bucket < keyspace.buckets(); ++bucket) {
    const Hash128 whole = digest_of_bucket(keyspace, bucket);
    sum += whole;
    for (const std::size_t slice : {1, 3, 7}) {
      BucketWalk walk(keyspace, bucket);
      std::size_t cells = slice;
      while (!walk.go_on(cells)) {
        REQUIRE(cells == 0);
        cells = slice;
      }
      CHECK(walk.digest() == whole);
    }
  }
  CHECK(sum == keyspace.digest());
  BucketWalk walk(keyspace, keyspace.bucket_of("set"));
  CHECK(walk.valid());
  keyspace.set_position(1);
  paris.sadd("set", "one more");
  CHECK(!walk.valid());
}
