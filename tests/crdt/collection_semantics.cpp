// SEMANTICS: sets, hashes, and keys of several kinds.
#include "tests/catch.hpp"
#include "tests/crdt/site.hpp"

using turnstone::crdt::Kind;
using turnstone::crdt::meet;
using turnstone::crdt::Site;
using Lines = std::vector<std::string>;
using Verb = turnstone::sim::OwnedEffect::Verb;

namespace {

struct Places {
  Site paris{1, 100};
  Site tokyo{2, 200};
  void sync() {
    meet(paris, tokyo);
    REQUIRE(paris.keyspace().canonical() == tokyo.keyspace().canonical());
    REQUIRE(paris.keyspace().digest() == tokyo.keyspace().digest());
  }
};

}  // namespace

TEST_CASE("set_aw: concurrent adds are united") {
  Places at;
  at.paris.sadd("s", "a");
  at.tokyo.sadd("s", "b");
  at.sync();
  CHECK(at.paris.members("s") == "a,b");
  CHECK(at.paris.conflicts().empty());
}

TEST_CASE("set_aw: a concurrent add beats a remove, also when it changed nothing at its author") {
  Places at;
  at.paris.sadd("s", "a");
  at.sync();
  at.paris.srem("s", "a");
  at.tokyo.sadd("s", "a");
  at.sync();
  CHECK(at.paris.members("s") == "a");
}

TEST_CASE("set_aw: a remove takes what it has seen and nothing else") {
  Places at;
  at.paris.sadd("s", "a");
  at.paris.sadd("s", "b");
  at.sync();
  at.paris.srem("s", "a");
  at.paris.srem("s", "c");
  at.tokyo.sadd("s", "c");
  at.sync();
  CHECK(at.paris.members("s") == "b,c");
}

TEST_CASE("set_aw: deleting the set leaves a member added concurrently") {
  Places at;
  at.paris.sadd("s", "e1");
  at.sync();
  at.paris.sadd("s", "e2");
  at.tokyo.del("s");
  at.sync();
  CHECK(at.paris.members("s") == "e2");
}

TEST_CASE("set_aw: a re-add after a remove beats a concurrent remove") {
  Places at;
  at.paris.sadd("s", "a");
  at.sync();
  at.paris.srem("s", "a");
  at.paris.sadd("s", "a");
  at.tokyo.srem("s", "a");
  at.sync();
  CHECK(at.paris.members("s") == "a");
}

TEST_CASE("set_aw: popping the same member on both sides removes it once") {
  Places at;
  at.paris.sadd("s", "a");
  at.sync();
  at.paris.srem("s", "a");
  at.tokyo.srem("s", "a");
  at.sync();
  CHECK(at.paris.members("s").empty());
  CHECK(at.paris.keyspace().find("s") == nullptr);
}

TEST_CASE("hash_aw: concurrent writes of two fields keep both") {
  Places at;
  at.paris.hset("h", "f1", "a");
  at.tokyo.hset("h", "f2", "b");
  at.sync();
  CHECK(at.paris.pairs("h") == "f1=a,f2=b");
}

TEST_CASE("hash_aw: a write beats a concurrent delete of its field") {
  Places at;
  at.paris.hset("h", "f", "old");
  at.sync();
  at.paris.hdel("h", "f");
  at.tokyo.hset("h", "f", "b");
  at.sync();
  CHECK(at.paris.pairs("h") == "f=b");
}

TEST_CASE("hash_aw: of two concurrent writes of a field the later clock shows") {
  Places at;
  at.paris.hset("h", "f", "a");
  at.tokyo.hset("h", "f", "b");
  at.sync();
  CHECK(at.paris.pairs("h") == "f=b");
  CHECK(at.paris.conflicts() == Lines{"concurrent_write a b"});
}

TEST_CASE("hash_aw: concurrent increments of a field add up") {
  Places at;
  at.paris.hincr("h", "f", "2");
  at.tokyo.hincr("h", "f", "3");
  at.sync();
  CHECK(at.paris.hget("h", "f") == "5");
}

TEST_CASE("hash_aw: an increment that the delete of its field had not seen stays, never the sum") {
  Places at;
  at.paris.hincr("h", "f", "10");
  at.sync();
  at.paris.hdel("h", "f");
  at.tokyo.hincr("h", "f", "5");
  at.sync();
  CHECK(at.paris.hget("h", "f") == "5");
}

TEST_CASE("hash_aw: deleting the hash leaves a field written concurrently") {
  Places at;
  at.paris.hset("h", "f", "a");
  at.sync();
  at.paris.del("h");
  at.tokyo.hset("h", "g", "1");
  at.sync();
  CHECK(at.paris.pairs("h") == "g=1");
}

TEST_CASE("keys: the kind of the newest row shows, and the other kind is kept and on record") {
  Places at;
  at.paris.set("k", "v");
  at.tokyo.sadd("k", "m");
  at.sync();
  CHECK(at.paris.type("k") == "set");
  CHECK(at.tokyo.type("k") == "set");
  CHECK(at.paris.get("k") == "v");
  CHECK(at.paris.conflicts() == Lines{"kind_conflict v "});
  CHECK(at.tokyo.conflicts() == Lines{"kind_conflict v "});
}

TEST_CASE("keys: a rename carries what its author saw, and a concurrent write stays where it was made") {
  Places at;
  at.paris.set("a", "old");
  at.sync();
  at.paris.write({{Verb::clear, "a", Kind::string, {}, {}, {}},
                  {Verb::replace, "b", Kind::string, {}, {}, {}},
                  {Verb::put, "b", Kind::string, {}, "old", {}}});
  at.tokyo.set("a", "x");
  at.sync();
  CHECK(at.paris.get("b") == "old");
  CHECK(at.paris.get("a") == "x");
}

TEST_CASE("keys: replacing a set by a string is no delete to the audit, and an unseen member stays") {
  Places at;
  at.paris.sadd("k", "m");
  at.sync();
  at.paris.write(
      {{Verb::replace, "k", Kind::string, {}, {}, {}}, {Verb::put, "k", Kind::string, {}, "v", {}}});
  at.tokyo.sadd("k", "n");
  at.sync();
  CHECK(at.paris.members("k") == "n");
  CHECK(at.paris.get("k") == "v");
  CHECK(at.paris.conflicts() == Lines{"kind_conflict v "});
  CHECK(at.tokyo.conflicts() == Lines{"kind_conflict v "});
}

TEST_CASE("keys: a flush takes every key that it has seen, and leaves what it has not") {
  Places at;
  at.paris.set("a", "1");
  at.paris.sadd("s", "m");
  at.sync();
  at.paris.flush();
  at.tokyo.set("b", "2");
  at.tokyo.hset("h", "f", "3");
  at.sync();
  CHECK(at.paris.keyspace().size() == 2);
  CHECK(at.paris.get("a") == "(none)");
  CHECK(at.paris.get("b") == "2");
}
