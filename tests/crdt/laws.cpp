// Any causal order of delivery gives the same state, and it is the one that the operations
// give by themselves.
#include <deque>
#include <set>

#include "tests/catch.hpp"
#include "tests/crdt/site.hpp"
#include "tests/sim/clients.hpp"
#include "tests/sim/oracle.hpp"

using namespace turnstone;
using crdt::Site;

namespace {

sim::Swarm few_names() {
  sim::Swarm swarm;
  swarm.keys = 4;
  swarm.fields = 2;
  swarm.counters = 0.4;
  swarm.clear_all = 0.02;
  return swarm;
}

// Lets a site receive one operation that is ready, chosen by chance; false when none is.
bool receive_one(Site& site, const std::vector<sim::Operation>& all, sim::Random& random) {
  std::vector<const sim::Operation*> ready;
  for (const auto& operation : all) {
    const Stamp stamp = operation.stamp;
    if (site.vector().get(stamp.origin) + 1 == stamp.seq && site.vector().covers(operation.context)) {
      ready.push_back(&operation);
    }
  }
  if (ready.empty()) return false;
  site.receive(*random.pick(ready));
  return true;
}

}  // namespace

TEST_CASE("laws: every causal order of delivery gives the state that the operations give") {
  const sim::Swarm swarm = few_names();
  for (std::uint64_t seed = 1; seed <= 150; ++seed) {
    INFO("seed " << seed);
    sim::Random random(seed);
    sim::Ledger ledger;
    sim::History history;
    std::vector<sim::Operation> all;
    std::deque<Site> sites;
    sites.emplace_back(1, 100);
    sites.emplace_back(2, random.between(1, 200));
    sites.emplace_back(3, random.between(1, 200));
    for (int step = 0; step < 60; ++step) {
      Site& site = sites[random.below(sites.size())];
      if (random.chance(0.5)) {
        all.push_back(site.write(sim::some_operation(swarm, ledger, random)));
        history.add(all.back());
      } else {
        receive_one(site, all, random);
      }
    }
    sites.emplace_back(4, 1);  // a late one, which sees everything in yet another order
    for (Site& site : sites) {
      while (receive_one(site, all, random)) {
      }
      sim::Expectation expected(history);
      expected.advance(site.vector());
      REQUIRE(site.keyspace().canonical() == expected.canonical());
      REQUIRE(site.keyspace().digest() == sites[0].keyspace().digest());
    }
  }
}

TEST_CASE("laws: what is forgotten as stable changes no state") {
  const sim::Swarm swarm = few_names();
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    INFO("seed " << seed);
    sim::Random random(seed);
    sim::Ledger ledger;
    Site paris(1, 100);
    Site tokyo(2, 100);
    Site dallas(3, 100);
    for (int round = 0; round < 12; ++round) {
      for (Site* site : {&paris, &tokyo, &dallas}) {
        for (std::uint64_t n = random.below(4); n > 0; --n)
          site->write(sim::some_operation(swarm, ledger, random));
      }
      meet(paris, tokyo);
      meet(tokyo, dallas);
      meet(paris, tokyo);
      // Everybody has everything now, and only two of three forget.
      paris.keyspace().forget_stable(paris.vector());
      tokyo.keyspace().forget_stable(tokyo.vector());
      REQUIRE(paris.keyspace().unstable_increments() == 0);
      REQUIRE(paris.keyspace().unstable_deletes() == 0);
      REQUIRE(paris.keyspace().canonical() == dallas.keyspace().canonical());
      REQUIRE(tokyo.keyspace().canonical() == dallas.keyspace().canonical());
    }
  }
}

TEST_CASE("laws: the audit finds a pair under the same id, whichever side arrives first") {
  Site paris(1, 100);
  Site tokyo(2, 200);
  const auto first = paris.set("k", "a");
  const auto second = tokyo.set("k", "b");
  const auto removal = Site(3, 50).del("k");
  std::vector<std::set<Hash128>> ids;
  for (const auto& order : {std::vector{first, second, removal}, std::vector{removal, second, first},
                            std::vector{second, removal, first}}) {
    Site dallas(4, 1);
    for (const auto& operation : order) dallas.receive(operation);
    ids.emplace_back();
    for (const auto& conflict : dallas.found()) ids.back().insert(conflict.id);
  }
  CHECK(ids[0].size() == 3);
  CHECK(ids[1] == ids[0]);
  CHECK(ids[2] == ids[0]);
}
