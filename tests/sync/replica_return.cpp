// What a run wrote that nobody takes from it any more comes back under the stamps of a later one:
// as its author meant it then, once, and beside what others wrote meanwhile.
#include "sync/returned.hpp"
#include "tests/catch.hpp"
#include "tests/sync/node.hpp"

using namespace turnstone;
using namespace turnstone::sync;

namespace {

constexpr Origin paris_before{1};
constexpr Origin paris_after{11};

Limits close_soon() {
  Limits limits;
  limits.close_after_ms = 2000;
  limits.ended_origins_max = 0;
  return limits;
}

// Paris was cut off, and another leader was started on a copy of its directory; now the old one's
// writes turn up.
struct CutOff {
  explicit CutOff(Limits limits = close_soon())
      : paris("paris", limits), tokyo("tokyo", limits), dallas("dallas", limits), old("paris", limits) {
    paris.set("a", "1");
    paris.incr("n", 10);
    all_talk();
    old.log = paris.log;
    old.durable = paris.durable;
    old.restart(1);
    paris.restart(11);
  }

  void all_talk(int rounds = 12) { go_round({&paris, &tokyo, &dallas}, rounds); }

  // The old leader writes; what it has seen is noted as the log's reader would.
  template <class Write>
  void old_writes(Write write) {
    const VersionVector seen = old.replica().full_vector();
    write(old);
    earlier.push_back({old.log.back(), seen});
  }

  void offer(Node& node) {
    std::vector<EarlierBatch> places;
    for (const auto& [batch, seen] : earlier)
      places.push_back({batch.origin, batch.first_seq, batch.last_seq});
    node.carry_out(node.replica().bring_back(node.now_ms, places, [&](const auto& visit) {
      for (const auto& [batch, seen] : earlier)
        if (!visit(*batch.bytes, seen)) return;
    }));
  }

  void all_talk_and_offer() {
    for (int i = 0; i < 15; ++i) {
      offer(paris);
      all_talk(1);
    }
    all_talk();
  }

  std::string everywhere(const std::string& key) {
    CHECK(tokyo.get(key) == paris.get(key));
    CHECK(dallas.get(key) == paris.get(key));
    return paris.get(key);
  }

  std::size_t siblings(const std::string& key) {
    return tokyo.replica().keyspace().find(key)->string()->siblings().size();
  }

  struct Earlier {
    Append batch;
    VersionVector seen;
  };
  Node paris;
  Node tokyo;
  Node dallas;
  Node old;
  std::vector<Earlier> earlier;
};

}  // namespace

TEST_CASE("return: what nobody took is in every region, once") {
  CutOff at;
  at.old_writes([](Node& old) { old.set("a", "2"); });
  at.old_writes([](Node& old) { old.incr("n", 5); });
  at.old_writes([](Node& old) { old.set("b", "new"); });
  at.all_talk();
  REQUIRE(at.paris.replica().closings().end_of(paris_before) == 2);
  at.all_talk_and_offer();
  CHECK(at.everywhere("a") == "2");
  CHECK(at.everywhere("n") == "15");
  CHECK(at.everywhere("b") == "new");
  CHECK(at.siblings("a") == 1);
  CHECK(at.paris.replica().counters().deltas_returned == 3);
  CHECK(at.paris.replica().has_brought_back({paris_before, 3, 5}));
  CHECK(at.tokyo.replica().returned().deltas() == 3);
  CHECK(!at.paris.replica().return_waits_for());
  // After a restart it is known from the log.
  at.paris.restart(12);
  at.all_talk_and_offer();
  CHECK(at.everywhere("n") == "15");
  CHECK(at.paris.replica().counters().deltas_returned == 0);
}

TEST_CASE("return: what its author had not seen stays, and the later of the two is shown") {
  CutOff at;
  at.old.now_ms += 50;
  at.old_writes([](Node& old) { old.set("a", "old"); });
  at.old_writes([](Node& old) { old.del("b"); });
  at.tokyo.now_ms += 100;
  at.tokyo.set("a", "newer");
  at.tokyo.set("b", "alive");
  at.all_talk();
  at.all_talk_and_offer();
  CHECK(at.everywhere("a") == "newer");
  CHECK(at.siblings("a") == 2);
  CHECK(at.everywhere("b") == "alive");
}

TEST_CASE("return: what one write had seen of another it has seen afterwards, too") {
  CutOff at;
  at.old_writes([](Node& old) { old.set("a", "2"); });
  at.old_writes([](Node& old) { old.set("a", "3"); });
  at.old_writes([](Node& old) { old.set("b", "1"); });
  at.old_writes([](Node& old) { old.del("b"); });
  at.all_talk();
  at.all_talk_and_offer();
  CHECK(at.everywhere("a") == "3");
  CHECK(at.siblings("a") == 1);
  CHECK(at.everywhere("b") == "(none)");
}

TEST_CASE("return: a reset cancels what it came after in its own run, and gives way to the rest") {
  CutOff at;
  at.old_writes([](Node& old) { old.incr("n", 5); });
  at.old_writes([](Node& old) { old.incr("m", 5); });
  at.old_writes([](Node& old) { old.del("m"); });
  at.old_writes([](Node& old) { old.del("n"); });
  at.old_writes([](Node& old) { old.incr("m", 1); });
  at.all_talk();
  at.all_talk_and_offer();
  CHECK(at.everywhere("n") == "10");
  CHECK(at.everywhere("m") == "1");
}

TEST_CASE("return: nothing is stamped again before its run has ended, and others know this one") {
  CutOff at;
  at.old_writes([](Node& old) { old.set("a", "2"); });
  go_round({&at.paris, &at.tokyo}, 10);  // dallas is away
  at.offer(at.paris);
  CHECK(at.paris.replica().counters().deltas_returned == 0);
  REQUIRE(at.paris.replica().return_waits_for());
  at.all_talk();
  at.all_talk_and_offer();
  CHECK(at.everywhere("a") == "2");
}

TEST_CASE("return: a run that nobody ever heard of ends at nothing, and all of it comes back") {
  CutOff at;
  at.old_writes([](Node& old) { old.set("a", "2"); });
  at.old.sync();
  at.old.restart(21);  // still cut off
  at.old_writes([](Node& old) { old.set("a", "3"); });
  at.old_writes([](Node& old) { old.incr("n", 7); });
  at.all_talk();
  at.all_talk_and_offer();
  CHECK(at.paris.replica().closings().end_of(Origin{21}) == 0);
  CHECK(at.everywhere("a") == "3");
  CHECK(at.everywhere("n") == "17");
  CHECK(at.siblings("a") == 1);
  // And its end is known after a restart.
  const auto read = Closings::decode(at.paris.replica().closings().encode());
  REQUIRE(read);
  CHECK(read->end_of(Origin{21}) == 0);
}

TEST_CASE("return: who has what nobody takes needs the state of another leader, and gives none of its own") {
  Limits keep_the_log = close_soon();
  keep_the_log.ended_origins_max = 100;
  CutOff at(keep_the_log);
  at.old_writes([](Node& old) { old.set("a", "2"); });
  at.old.sync();
  at.old.take_published();
  at.all_talk();
  REQUIRE(at.tokyo.replica().closings().end_of(paris_before) == 2);
  at.old.restart(21);
  CHECK(!at.old.replica().has_void());
  go_round({&at.old, &at.tokyo, &at.dallas});
  CHECK(at.old.replica().has_void());
  CHECK(at.old.replica().history_ended());
  CHECK(at.old.replica().needs_state_of());
  CHECK(at.old.get("a") == "2");
  CHECK(at.tokyo.get("a") == "1");
}

TEST_CASE("return: which stamp took the place of which is one range for a run of writes") {
  Returned returned;
  for (Seq seq = 5; seq <= 9; ++seq) returned.add({paris_before, seq}, {paris_after, seq + 2});
  returned.add({paris_before, 10}, {paris_after, 20});
  returned.add({paris_before, 10}, {paris_after, 30});
  CHECK(returned.now({paris_before, 4}) == std::nullopt);
  CHECK(returned.now({paris_before, 7}) == Stamp{paris_after, 9});
  CHECK(returned.now({paris_before, 10}) == Stamp{paris_after, 20});
  CHECK(returned.now({paris_before, 11}) == std::nullopt);
  CHECK(returned.deltas() == 6);
  CHECK(returned.had_one_in({{paris_before, 7}}, {paris_after, 9}));
  CHECK(!returned.had_one_in({{paris_before, 6}}, {paris_after, 9}));
  CHECK(!returned.had_one_in({{paris_before, 99}}, {paris_after, 12}));
  CHECK(returned.had_one_in({{paris_before, 99}}, {paris_after, 20}));
  CHECK(!returned.had_one_in({{paris_after, 99}}, {paris_after, 9}));
  const auto read = Returned::decode(returned.encode());
  REQUIRE(read);
  CHECK(*read == returned);
  CHECK(!Returned::decode(returned.encode().substr(0, 9)));
}
