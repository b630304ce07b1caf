#pragma once
// A queue, buffer or cache with its limit, as INFO shows it. The name is that of the limit,
// the same in the code, in the settings and in docs/limits.md.
#include <cstdint>
#include <string_view>
#include <vector>

namespace turnstone {

struct Bound {
  std::string_view name;
  std::uint64_t now = 0;
  std::uint64_t max = 0;
  // How often the limit took effect since the start.
  std::uint64_t reached = 0;
};
using Bounds = std::vector<Bound>;

}  // namespace turnstone
