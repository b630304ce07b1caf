#pragma once
// Runs of the simulator by seed.
#include <cstddef>
#include <cstdint>
#include <string>

namespace turnstone::sim {

struct SeedReport {
  std::size_t operations = 0;
  std::size_t conflicts = 0;
  std::string finding;  // empty: none
  // Of everything that happened and when: equal for equal runs.
  std::uint64_t fingerprint = 0;
};

SeedReport run_seed(std::uint64_t seed, bool verbose);

}  // namespace turnstone::sim
