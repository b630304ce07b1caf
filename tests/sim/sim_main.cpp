// Runs seeds and says how to replay those that find something.
#include <fmt/format.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <string>

#include "tests/sim/options.hpp"
#include "tests/sim/seeds.hpp"

namespace {

std::string replay;

// A broken invariant inside the product ends the process: its seed is said then, too.
void say_which_seed(int) {
  const ssize_t written = write(STDERR_FILENO, replay.data(), replay.size());
  std::_Exit(written < 0 ? 3 : 2);
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = turnstone::sim::parse_options(argc, argv);
  if (!options || !options->planted.empty()) {
    fmt::print(stderr, "usage: {} [--first SEED] [--seeds COUNT] | --seed SEED [--verbose]\n", argv[0]);
    return 64;
  }
  std::signal(SIGABRT, say_which_seed);
  std::size_t operations = 0;
  std::uint64_t failed = 0;
  for (std::uint64_t seed = options->first; seed < options->first + options->seeds; ++seed) {
    replay = fmt::format("seed {} failed; replay it with\n  {} --seed {} --verbose\n", seed, argv[0], seed);
    const auto report = turnstone::sim::run_seed(seed, options->verbose);
    operations += report.operations;
    if (report.finding.empty()) continue;
    ++failed;
    fmt::print(stderr, "{}\n{}", report.finding, replay);
  }
  fmt::print("{} seeds, {} operations, {} failed\n", options->seeds, operations, failed);
  return failed == 0 ? 0 : 1;
}
