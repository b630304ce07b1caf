// The simulator's own parts: what finds bugs must be right itself.
#include "tests/catch.hpp"
#include "tests/sim/finding.hpp"
#include "tests/sim/ledger.hpp"
#include "tests/sim/network.hpp"
#include "tests/sim/oracle.hpp"
#include "tests/sim/seeds.hpp"

using namespace turnstone;
using namespace turnstone::sim;
using Verb = OwnedEffect::Verb;

namespace {

const Origin paris{1};
const Origin tokyo{2};

Operation operation(Stamp stamp, Hlc hlc, VersionVector context, Verb verb, const std::string& text) {
  OwnedEffect effect{verb, "k", crdt::Kind::string, {}, {}, {}};
  if (verb == Verb::put) effect.value = text;
  if (verb == Verb::increment) effect.amount = *FixedDecimal::parse(text);
  return {stamp, hlc, std::move(context), {effect}};
}

std::string state(const History& history, const VersionVector& applied) {
  Expectation expectation(history);
  expectation.advance(applied);
  return expectation.canonical();
}

}  // namespace

TEST_CASE("oracle: a write replaces what its author had seen, and nothing else") {
  History history;
  history.add(operation({paris, 1}, 10, {}, Verb::put, "a"));
  history.add(operation({tokyo, 1}, 20, {}, Verb::put, "b"));
  history.add(operation({tokyo, 2}, 30, {{paris, 1}, {tokyo, 1}}, Verb::put, "c"));
  CHECK(state(history, {{paris, 1}}) == "k string [] 0000000000000001:1.0@10=a\n");
  CHECK(state(history, {{paris, 1}, {tokyo, 1}}) ==
        "k string [] 0000000000000001:1.0@10=a 0000000000000002:1.0@20=b\n");
  CHECK(state(history, {{paris, 1}, {tokyo, 2}}) == "k string [] 0000000000000002:2.0@30=c\n");
  CHECK(history.concurrent({paris, 1}, {tokyo, 1}));
  CHECK(!history.concurrent({paris, 1}, {tokyo, 2}));
}

TEST_CASE("oracle: a clear cancels the increments that its author had seen") {
  History history;
  history.add(operation({paris, 1}, 10, {}, Verb::increment, "10"));
  history.add(operation({tokyo, 1}, 20, {}, Verb::increment, "5"));
  history.add(operation({paris, 2}, 30, {{paris, 1}}, Verb::clear, ""));
  CHECK(state(history, {{paris, 1}, {tokyo, 1}}) == "k string [] total 15 newest 0000000000000002:1.0@20\n");
  CHECK(state(history, {{paris, 2}, {tokyo, 1}}) == "k string [] total 5 newest 0000000000000002:1.0@20\n");
  CHECK(state(history, {{paris, 2}}).empty());
}

TEST_CASE("oracle: what nobody wrote, and a stamp used twice, are findings") {
  History history;
  history.add(operation({paris, 1}, 10, {}, Verb::put, "a"));
  CHECK_THROWS_AS(history.add(operation({paris, 1}, 11, {}, Verb::put, "b")), Finding);
  CHECK_THROWS_AS(state(history, {{paris, 2}}), Finding);
}

TEST_CASE("network: a cut holds until every reason for it has ended") {
  Random random(1);
  const Swarm swarm;
  Network network(swarm, random);
  network.cut({0, 1});
  network.cut({0, 1});
  CHECK(network.arrivals(0, 1, Network::Traffic::published, 5).empty());
  CHECK(network.arrivals(1, 0, Network::Traffic::published, 5).size() == 1);
  network.heal({0, 1});
  CHECK(network.is_cut(0, 1));
  network.heal({0, 1});
  CHECK(network.arrivals(0, 1, Network::Traffic::requested, 5).size() == 1);
}

TEST_CASE("seeds: a seed gives the same run each time, and another seed another") {
  const auto once = run_seed(7, false);
  const auto again = run_seed(7, false);
  CHECK(once.operations > 0);
  CHECK(once.operations == again.operations);
  CHECK(once.fingerprint == again.fingerprint);
  CHECK(once.fingerprint != run_seed(8, false).fingerprint);
}

TEST_CASE("ledger: what a counter shows says how often each increment was counted") {
  struct Nobody final : crdt::KeyspaceObserver {
    void key_changed(std::string_view) override {}
    void conflict_found(const crdt::Conflict&) override {}
    void conflict_settled(const crdt::Settlement&) override {}
  } nobody;
  Random random(1);
  Ledger ledger;
  crdt::Keyspace keyspace(2);
  std::vector<OwnedEffect> effects;
  for (Seq seq = 1; seq <= 100; ++seq) {
    effects.push_back(ledger.next(random));
    ledger.stamped({{paris, seq}, 10, {}, {effects.back()}});
  }
  const VersionVector none;
  const auto apply = [&](Seq seq, Seq as) {
    keyspace.apply(effects[seq - 1].view(), {{paris, as}, 10, as, &none, &none}, 0, nobody);
  };
  ledger.check("paris", keyspace, {});
  for (Seq seq = 1; seq <= 90; ++seq) apply(seq, seq);
  ledger.check("paris", keyspace, {{paris, 90}});
  CHECK_THROWS_AS(ledger.check("paris", keyspace, {{paris, 89}}), Finding);
  CHECK_THROWS_AS(ledger.check("paris", keyspace, {{paris, 91}}), Finding);
  ledger.check_all_there("paris", keyspace, {{paris, 1}, {paris, 90}});
  CHECK_THROWS_AS(ledger.check_all_there("paris", keyspace, {{paris, 91}}), Finding);
  const Seq again = GENERATE(1, 59, 60, 61, 90);
  apply(again, 1000);
  CHECK_THROWS_AS(ledger.check("paris", keyspace, {{paris, 90}}), Finding);
  apply(again, 1001);
  CHECK_THROWS_AS(ledger.check("paris", keyspace, {{paris, 90}}), Finding);
}
