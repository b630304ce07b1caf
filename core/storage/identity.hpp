#pragma once
// Whose data a file holds. A file of another cluster or region is never opened for use.
#include <string>

namespace turnstone::storage {

struct Identity {
  std::string cluster;
  std::string region;
};

}  // namespace turnstone::storage
