#include "tests/sim/seeds.hpp"

#include "tests/sim/world.hpp"

namespace turnstone::sim {

SeedReport run_seed(std::uint64_t seed, bool verbose) {
  World world(seed, verbose);
  SeedReport report;
  try {
    world.run();
  } catch (const Finding& finding) {
    report.finding = finding.what();
  }
  report.operations = world.operations();
  report.conflicts = world.conflicts();
  report.fingerprint = world.fingerprint();
  return report;
}

}  // namespace turnstone::sim
