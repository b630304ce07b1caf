#pragma once
// The files of the taking side, in the directory `mirror` of the data directory: the copy as
// far as it has come, a file that says which copy it is, and in the end a log to go with it.
// One thread at a time.
#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <string_view>

#include "core/error.hpp"
#include "core/storage/identity.hpp"
#include "core/storage/log_db.hpp"
#include "core/storage/state_db.hpp"
#include "core/version_vector.hpp"
#include "regions/durability/earlier_writes.hpp"
#include "sync/mirror_effect.hpp"

namespace turnstone::mirror {

class Staging {
 public:
  explicit Staging(const std::filesystem::path& data);
  ~Staging();

  // What an earlier run had staged, read from its start to its end; nothing when it is of
  // no use.
  std::optional<sync::StagedCopy> found();
  // Errors: io.
  Result<void> begin(const sync::StagedCopy& copy);
  // Errors: io.
  Result<void> append(std::uint64_t offset, std::string_view bytes);
  // Makes the whole copy this leader's, reads every row of it, makes sure that it covers
  // `have`, and puts an empty log beside it that begins where the copy ends. The
  // clock that is stored in it is set back to `hlc_max`, if it is beyond. What this leader's own
  // log has and the copy lacks is kept beside the new one; `own` are the origins of its region.
  // Durable when it returns. Errors: corrupt, io, wrong_cluster, unsupported_version.
  Result<void> check(const storage::Identity& identity, const VersionVector& have, Hlc hlc_max,
                     const std::set<Origin>& own);
  void remove();

 private:
  Result<void> take_along(storage::LogDb& log, const VersionVector& copied,
                          const durability::Authorship& author) const;
  Result<void> open(int flags);
  void close();

  std::filesystem::path directory_;
  int fd_ = -1;
};

// What a state file is the state of. Errors: corrupt, io, malformed.
Result<VersionVector> vector_of(const storage::StateDb& state);

}  // namespace turnstone::mirror
