#include "regions/verify/mend.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <memory>
#include <system_error>
#include <utility>

#include "regions/verify/report.hpp"

namespace turnstone::verify {
namespace {

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

// What `to` has under the names of `rows`, with empty bytes where it has nothing.
Rows held_of(const Rows& to, const Rows& rows) {
  Rows held;
  for (const auto& [name, bytes] : rows) {
    const auto there = to.find(name);
    held[name] = there == to.end() ? std::string() : there->second;
  }
  return held;
}

}  // namespace

Result<void> Keeper::keep(const std::string& region, std::size_t bucket, const Rows& replaced) {
  const std::unique_ptr<std::FILE, CloseFile> file(std::fopen(path_.c_str(), "ae"));
  bool good = file != nullptr;
  for (const auto& [name, bytes] : replaced) {
    good = good && std::fputs((kept_line(region, bucket, name, bytes) + '\n').c_str(), file.get()) >= 0;
    ++kept_;
  }
  if (good && std::fflush(file.get()) == 0 && fsync(fileno(file.get())) == 0) return {};
  return fail(Errc::io, fmt::format("the replaced rows cannot be kept in {}: {}; nothing of this bucket was "
                                    "replaced",
                                    path_, std::generic_category().message(errno)));
}

Result<std::vector<Mended>> mend(std::vector<LeaderView>& leaders, std::size_t bucket, std::size_t source,
                                 Keeper& keeper, const Patience& patience) {
  std::vector<Mended> mended;
  do {
    const auto buckets = read_bucket(leaders, bucket, patience);
    if (!buckets) return tl::make_unexpected(buckets.error());
    if (!*buckets) break;
    const Rows& right = (**buckets)[source].rows;
    const auto digest = digest_of(right);
    if (!digest) return tl::make_unexpected(digest.error());
    bool all = true;
    for (std::size_t i = 0; i < leaders.size(); ++i) {
      const Bucket& read = (**buckets)[i];
      const Rows rows = rows_to_replace(right, read.rows);
      if (rows.empty()) continue;
      if (auto kept = keeper.keep(leaders[i].region(), bucket, held_of(read.rows, rows)); !kept)
        return tl::make_unexpected(kept.error());
      const auto checkpoint = leaders[i].repair(bucket, read, *digest, rows);
      if (checkpoint) {
        mended.push_back({i, *checkpoint});
      } else if (checkpoint.error().code == Errc::in_use) {
        all = false;
      } else {
        return tl::make_unexpected(checkpoint.error());
      }
    }
    if (all) return mended;
  } while (patience.rest());
  return fail(Errc::in_use, fmt::format("bucket {} could not be mended: it is being written to, or not every "
                                        "region is in touch",
                                        bucket));
}

Result<void> wait_until_stored(std::vector<LeaderView>& leaders, const std::vector<Mended>& mended,
                               const Patience& patience) {
  for (const auto& [leader, checkpoint] : mended) {
    while (true) {
      const auto stored = leaders[leader].checkpoints_stored();
      if (!stored) return tl::make_unexpected(stored.error());
      if (*stored >= checkpoint) break;
      if (!patience.rest())
        return fail(Errc::in_use, fmt::format("{} has not stored the repair yet: it is lost if the leader "
                                              "stops now",
                                              leaders[leader].region()));
    }
  }
  return {};
}

}  // namespace turnstone::verify
