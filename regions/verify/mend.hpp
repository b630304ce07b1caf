#pragma once
// The repair of one bucket: the rows of the leader that is right in the place of the others'.
#include <string>
#include <vector>

#include "core/error.hpp"
#include "regions/verify/comparison.hpp"

namespace turnstone::verify {

// Replaced rows, kept in a file before they go.
class Keeper {
 public:
  explicit Keeper(std::string path) : path_(std::move(path)) {}
  const std::string& path() const { return path_; }
  std::size_t kept() const { return kept_; }
  // Appends, and has it on disk. Errors: io.
  Result<void> keep(const std::string& region, std::size_t bucket, const Rows& replaced);

 private:
  std::string path_;
  std::size_t kept_ = 0;
};

// A leader whose rows were replaced, and the checkpoint that stores what it has now.
struct Mended {
  std::size_t leader = 0;
  std::int64_t checkpoint = 0;
};

// Makes the bucket everywhere what the leader `source` has. The rows are read anew as long as
// they are written to meanwhile. Errors: in_use when patience ends, and those of LeaderView.
Result<std::vector<Mended>> mend(std::vector<LeaderView>& leaders, std::size_t bucket, std::size_t source,
                                 Keeper& keeper, const Patience& patience);

// Until every leader has stored what was mended.
Result<void> wait_until_stored(std::vector<LeaderView>& leaders, const std::vector<Mended>& mended,
                               const Patience& patience);

}  // namespace turnstone::verify
