#pragma once
// The reading side of the log: a read-only connection of its own, which never touches the
// WAL's checkpoints. Every row is checked against its checksum before it is given out.
//
// One thread at a time; any number of readers beside the one LogDb, which is opened first.
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "core/storage/aside.hpp"
#include "core/storage/log_floor.hpp"
#include "core/storage/log_row.hpp"

namespace turnstone::storage {

class LogReader {
 public:
  // Errors: io, corrupt.
  static Result<LogReader> open(const std::filesystem::path& file);
  LogReader(LogReader&&) noexcept;
  LogReader& operator=(LogReader&&) noexcept;
  ~LogReader();

  // The places of the rows from `from` up to and with `to`, in lsn order, without reading
  // the batches themselves where they are larger than a page; nothing but the gaps between
  // the numbers is checked. An error of the visitor ends the scan and is returned.
  // Errors: io, corrupt (naming the lsn).
  Result<void> for_each_header(Lsn from, Lsn to,
                               const std::function<Result<void>(const LogHeader&)>& visit) const;
  // All rows from `from` on, in lsn order; the bytes are valid during the visit.
  // Errors: io, corrupt (naming the lsn), and the visitor's.
  Result<void> for_each(Lsn from, const std::function<Result<void>(const LogEntry&)>& visit) const;

  struct Batches {
    std::vector<std::string> bytes;
    // Set when the one that comes next could not be read (io, corrupt): what comes before
    // it is good.
    std::optional<Error> error;
  };
  // The batches of these rows, in the order asked for, up to one that was cut meanwhile.
  Batches read(std::span<const Lsn> lsns) const;

  // Where the log begins. Errors: io.
  Result<LogFloor> floor() const;
  // What is kept aside, the oldest first. Errors: io, corrupt.
  Result<std::vector<AsidePlace>> aside() const;
  // Errors: io, corrupt (also when it is not there).
  Result<std::string> read_aside(std::int64_t id) const;
  // What the author of one had seen, of a place that names it. Errors: io, corrupt.
  Result<std::string> read_seen(const AsidePlace& place) const;

 private:
  struct Impl;
  explicit LogReader(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace turnstone::storage
