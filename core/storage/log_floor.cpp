#include "core/storage/log_floor.hpp"

#include <SQLiteCpp/SQLiteCpp.h>

#include "core/storage/sqlite_file.hpp"

namespace turnstone::storage {

LogFloor load_floor(SQLite::Database& database) {
  LogFloor floor;
  SQLite::Statement query(database, "SELECT origin, seq FROM floor");
  while (query.executeStep()) {
    const Origin origin{number(query.getColumn(0))};
    if (origin == Origin{}) {
      floor.lsn = number(query.getColumn(1));
    } else {
      floor.vector.set(origin, number(query.getColumn(1)));
    }
  }
  return floor;
}

}  // namespace turnstone::storage
