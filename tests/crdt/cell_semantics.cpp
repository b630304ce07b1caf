// SEMANTICS: the cell, as string keys show it.
#include "tests/catch.hpp"
#include "tests/crdt/site.hpp"

using turnstone::crdt::meet;
using turnstone::crdt::Site;
using Lines = std::vector<std::string>;

namespace {

// Paris's clock is behind tokyo's unless a test says otherwise.
struct Places {
  Site paris{1, 100};
  Site tokyo{2, 200};
  void sync() { meet(paris, tokyo); }
  // What both show; they must agree.
  std::string both(const std::string& key) const {
    REQUIRE(paris.keyspace().canonical() == tokyo.keyspace().canonical());
    REQUIRE(paris.keyspace().digest() == tokyo.keyspace().digest());
    return paris.get(key);
  }
};

}  // namespace

TEST_CASE("cell: of two concurrent writes the later clock shows, and the pair is on record once") {
  Places at;
  at.paris.set("k", "a");
  at.tokyo.set("k", "b");
  at.sync();
  CHECK(at.both("k") == "b");
  CHECK(at.paris.conflicts() == Lines{"concurrent_write a b"});
  CHECK(at.tokyo.conflicts() == Lines{"concurrent_write a b"});
}

TEST_CASE("cell: a write that has seen another wins with a clock ten minutes slow, and is no conflict") {
  Places at;
  at.tokyo.set("k", "a");
  at.sync();
  at.paris.set("k", "b");
  at.sync();
  CHECK(at.both("k") == "b");
  CHECK(at.paris.conflicts().empty());
  CHECK(at.tokyo.conflicts().empty());
}

TEST_CASE("cell: a write beats a concurrent delete, and both are on record") {
  Places at;
  at.paris.set("k", "old");
  at.sync();
  at.paris.set("k", "x");
  at.tokyo.del("k");
  at.sync();
  CHECK(at.both("k") == "x");
  CHECK(at.paris.conflicts() == Lines{"update_vs_delete x -"});
  CHECK(at.tokyo.conflicts() == Lines{"update_vs_delete x -"});
  CHECK(at.paris.found()[0].first_wins);
}

TEST_CASE("cell: two concurrent deletes agree, and are no conflict") {
  Places at;
  at.paris.set("k", "x");
  at.sync();
  at.paris.del("k");
  at.tokyo.del("k");
  at.sync();
  CHECK(at.both("k") == "(none)");
  CHECK(at.paris.keyspace().size() == 0);
  CHECK(at.paris.conflicts().empty());
  CHECK(at.tokyo.conflicts().empty());
}

TEST_CASE("cell: concurrent increments add up, and so do the next ones") {
  Places at;
  at.paris.incr("c", "7");
  at.tokyo.incr("c", "3");
  at.sync();
  CHECK(at.both("c") == "10");
  at.paris.incr("c", "-3");
  at.tokyo.incr("c", "6");
  at.sync();
  CHECK(at.both("c") == "13");
}

TEST_CASE("cell: an increment that a delete had not seen stays, alone") {
  Places at;
  at.paris.incr("c", "10");
  at.sync();
  at.paris.del("c");
  at.tokyo.incr("c", "5");
  at.sync();
  CHECK(at.both("c") == "5");
  CHECK(at.paris.conflicts() == Lines{"update_vs_delete - 5"});
  CHECK(at.tokyo.conflicts() == Lines{"update_vs_delete - 5"});
}

TEST_CASE("cell: an increment that a write had not seen is added to what was written") {
  Places at;
  at.paris.incr("c", "10");
  at.sync();
  at.paris.set("c", "100");
  at.tokyo.incr("c", "1");
  at.sync();
  CHECK(at.both("c") == "101");
}

TEST_CASE("cell: a delete and an increment after it meet an increment they had not seen") {
  Places at;
  at.paris.incr("c", "10");
  at.sync();
  at.tokyo.incr("c", "5");
  at.paris.del("c");
  at.paris.incr("c", "1");
  at.sync();
  CHECK(at.both("c") == "6");
}

TEST_CASE("cell: two concurrent resets of the same increments cancel them once") {
  Places at;
  at.paris.incr("c", "10");
  at.sync();
  at.paris.del("c");
  at.tokyo.del("c");
  at.sync();
  CHECK(at.both("c") == "(none)");
  at.paris.incr("c", "1");
  at.sync();
  CHECK(at.both("c") == "1");
}

TEST_CASE("cell: text shows over a concurrent increment, which is kept and on record") {
  Places at;
  at.paris.set("k", "abc");
  at.tokyo.incr("k", "1");
  at.sync();
  CHECK(at.both("k") == "abc");
  CHECK(at.paris.keyspace().find("k")->string()->counter() != nullptr);
  CHECK(at.paris.conflicts() == Lines{"kind_conflict abc 1"});
  CHECK(at.tokyo.conflicts() == Lines{"kind_conflict abc 1"});
}

TEST_CASE("cell: a sum of concurrent increments beyond 64 bits is clamped when shown, and on record") {
  Places at;
  at.paris.incr("c", "9223372036854775807");
  at.tokyo.incr("c", "9223372036854775807");
  at.sync();
  CHECK(at.both("c") == "9223372036854775807");
  REQUIRE(at.paris.conflicts().size() == 1);
  CHECK(at.paris.conflicts()[0] == "overflow 9223372036854775807 9223372036854775807");
  at.paris.incr("c", "-9223372036854775807");
  at.sync();
  CHECK(at.both("c") == "9223372036854775807");
}

TEST_CASE("cell: decimals are summed exactly, whatever the order") {
  Places at;
  at.paris.incr("c", "0.1");
  at.tokyo.incr("c", "0.2");
  at.sync();
  CHECK(at.both("c") == "0.3");
}

TEST_CASE("cell: equal values written concurrently are two siblings and no conflict") {
  Places at;
  at.paris.set("k", "x");
  at.tokyo.set("k", "x");
  at.sync();
  CHECK(at.both("k") == "x");
  CHECK(at.paris.keyspace().find("k")->string()->siblings().size() == 2);
  CHECK(at.paris.conflicts().empty());
}

TEST_CASE("cell: a write that has seen both siblings leaves one") {
  Places at;
  at.paris.set("k", "a");
  at.tokyo.set("k", "b");
  at.sync();
  at.paris.set("k", "c");
  at.sync();
  CHECK(at.both("k") == "c");
  CHECK(at.tokyo.keyspace().find("k")->string()->siblings().size() == 1);
}

TEST_CASE("cell: equal clocks are decided by the operation id, the same everywhere") {
  Site paris(1, 100);
  Site tokyo(2, 100);
  paris.set("k", "a");
  tokyo.set("k", "b");
  meet(paris, tokyo);
  CHECK(paris.get("k") == "b");
  CHECK(tokyo.get("k") == "b");
}

TEST_CASE("cell: the later of two effects of one operation has seen the earlier") {
  using turnstone::crdt::Kind;
  using Verb = turnstone::sim::OwnedEffect::Verb;
  Places at;
  at.paris.write({{Verb::put, "k", Kind::string, {}, "a", {}}, {Verb::put, "k", Kind::string, {}, "b", {}}});
  at.sync();
  CHECK(at.both("k") == "b");
  CHECK(at.tokyo.keyspace().find("k")->string()->siblings().size() == 1);
}
