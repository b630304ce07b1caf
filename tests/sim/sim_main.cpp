// Runs seeds and says how to replay those that find something.
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <string>
#include <string_view>

#include "core/marks.hpp"
#include "tests/sim/options.hpp"
#include "tests/sim/seeds.hpp"

namespace {

std::string replay;

// A broken invariant inside the product ends the process: its seed is said then, too.
void say_which_seed(int) {
  const ssize_t written = write(STDERR_FILENO, replay.data(), replay.size());
  std::_Exit(written < 0 ? 3 : 2);
}

// Prints how often each rare path was taken; true when each was.
bool all_marks_reached() {
  constexpr std::array<std::string_view, turnstone::mark_count> names = {
#define TURNSTONE_NAME(name) #name,
      TURNSTONE_MARKS(TURNSTONE_NAME)
#undef TURNSTONE_NAME
  };
  bool all = true;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::uint64_t times = turnstone::marks_reached[i];
    fmt::print("{:10} {}{}\n", times, names[i], times == 0 ? "  NOT REACHED" : "");
    all = all && times != 0;
  }
  return all;
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = turnstone::sim::parse_options(argc, argv);
  if (!options || !options->planted.empty()) {
    fmt::print(stderr, "usage: {} [--first SEED] [--seeds COUNT] [--marks] | --seed SEED [--verbose]\n",
               argv[0]);
    return 64;
  }
  std::signal(SIGABRT, say_which_seed);
  std::size_t operations = 0;
  std::size_t conflicts = 0;
  std::uint64_t failed = 0;
  for (std::uint64_t seed = options->first; seed < options->first + options->seeds; ++seed) {
    replay = fmt::format("seed {} failed; replay it with\n  {} --seed {} --verbose\n", seed, argv[0], seed);
    const auto report = turnstone::sim::run_seed(seed, options->verbose);
    operations += report.operations;
    conflicts += report.conflicts;
    if (report.finding.empty()) continue;
    ++failed;
    fmt::print(stderr, "{}\n{}", report.finding, replay);
  }
  const bool reached = !options->marks || all_marks_reached();
  fmt::print("{} seeds, {} operations, {} conflicts, {} failed\n", options->seeds, operations, conflicts,
             failed);
  return failed == 0 && reached ? 0 : 1;
}
