#pragma once
// What a log has and the state lacks that takes its place: kept beside the new log, from which it
// is applied, or brought back (sync/replica_return.cpp), so that taking another leader's state
// loses nothing. Also from the directory of a removed region, or from an old disk that was found.
#include <cstdint>
#include <filesystem>
#include <functional>
#include <set>
#include <string>

#include "core/storage/log_db.hpp"
#include "core/storage/log_reader.hpp"

namespace turnstone::durability {

// Whose log it is, and which origins in it are that region's, as far as its state knows.
struct Authorship {
  std::string region;
  std::set<Origin> origins;
};

// Keeps in `into`, under ids from `next_id` on, the batches of the log that `wanted` says are wanted, in the
// order of the log; damaged ones stay behind. Returns how many. Errors: io, corrupt.
Result<std::size_t> keep_earlier_writes(
    const storage::LogReader& log, const Authorship& author,
    const std::function<bool(Origin origin, Seq first_seq, Seq last_seq)>& wanted, std::int64_t next_id,
    storage::LogDb& into);

// The same from a data directory that no leader runs on.
// Errors: config, in_use, wrong_cluster, io, corrupt, each naming the directory or the file.
Result<std::size_t> keep_earlier_writes_of(
    const std::filesystem::path& directory, const std::string& cluster,
    const std::function<Result<void>(const std::string& region)>& accept,
    const std::function<bool(Origin origin, Seq first_seq, Seq last_seq)>& wanted, std::int64_t next_id,
    storage::LogDb& into);

}  // namespace turnstone::durability
