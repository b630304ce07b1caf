#pragma once
// What a checker throws: a promise of the system that a run has seen broken.
#include <stdexcept>
#include <string>

namespace turnstone::sim {

struct Finding : std::runtime_error {
  using std::runtime_error::runtime_error;
};

inline void require(bool holds, const std::string& what) {
  if (!holds) throw Finding(what);
}

}  // namespace turnstone::sim
