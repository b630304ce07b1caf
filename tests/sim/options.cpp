#include "tests/sim/options.hpp"

#include <charconv>
#include <cstring>
#include <string_view>

namespace turnstone::sim {
namespace {

bool read_number(const char* text, std::uint64_t& number) {
  const char* end = text + std::strlen(text);
  const auto [stopped, error] = std::from_chars(text, end, number);
  return error == std::errc{} && stopped == end && stopped != text;
}

}  // namespace

std::optional<Options> parse_options(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    if (name == "--verbose" || name == "--marks") {
      (name == "--verbose" ? options.verbose : options.marks) = true;
      continue;
    }
    if (++i == argc) return std::nullopt;
    std::uint64_t number = 0;
    const bool is_number = read_number(argv[i], number);
    if (name == "--planted") {
      options.planted = argv[i];
    } else if (name == "--seeds" && is_number) {
      options.seeds = number;
    } else if ((name == "--first" || name == "--seed") && is_number) {
      options.first = number;
      if (name == "--seed") options.seeds = 1;
    } else {
      return std::nullopt;
    }
  }
  return options;
}

}  // namespace turnstone::sim
