#pragma once
// Where a log begins: what was before it was cut, or is in the state that it was begun behind.
#include "core/storage/log_row.hpp"
#include "core/version_vector.hpp"

namespace SQLite {
class Database;
}

namespace turnstone::storage {

// The log begins behind this place, and a vector names what was cut.
struct LogFloor {
  Lsn lsn = 0;
  VersionVector vector;
  friend bool operator==(const LogFloor&, const LogFloor&) = default;
};

// As table floor has it. May throw.
LogFloor load_floor(SQLite::Database& database);

}  // namespace turnstone::storage
