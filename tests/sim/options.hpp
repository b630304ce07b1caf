#pragma once
// The command line of the simulator's two programs.
#include <cstdint>
#include <optional>
#include <string>

namespace turnstone::sim {

struct Options {
  std::uint64_t first = 1;
  std::uint64_t seeds = 100;
  bool verbose = false;
  bool marks = false;   // sim only: every mark has to be reached
  std::string planted;  // the canaries only
};

// Nothing for what cannot be read.
std::optional<Options> parse_options(int argc, char** argv);

}  // namespace turnstone::sim
