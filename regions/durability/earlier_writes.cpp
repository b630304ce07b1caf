#include "regions/durability/earlier_writes.hpp"

#include <fmt/format.h>

#include <chrono>
#include <map>
#include <utility>
#include <vector>

#include "core/storage/data_directory.hpp"
#include "core/storage/snapshot.hpp"
#include "core/storage/state_db.hpp"
#include "regions/durability/open_store.hpp"
#include "regions/durability/stored_forms.hpp"
#include "sync/batch.hpp"

namespace turnstone::durability {
namespace {

constexpr std::size_t transaction_bytes = 8u << 20;
constexpr const char* reason = "written by an earlier run, and not in the state that this leader took";

// Gathers, so that not every batch costs a sync.
class Keeper {
 public:
  Keeper(storage::LogDb& into, std::int64_t next_id) : into_(into), next_id_(next_id) {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    now_ms_ = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
  }

  Result<void> add(const storage::LogEntry& entry, std::string author, std::string seen) {
    bytes_ += entry.bytes.size() + seen.size();
    const storage::AsidePlace place{next_id_++,      entry.lsn,          entry.origin,
                                    entry.first_seq, entry.last_seq,     now_ms_,
                                    reason,          entry.bytes.size(), std::move(author)};
    gathered_.push_back({place, std::string(entry.bytes), std::move(seen)});
    ++kept_;
    return bytes_ < transaction_bytes ? Result<void>() : store();
  }

  Result<void> store() {
    std::vector<storage::AsideBatch> batches;
    for (const Gathered& each : gathered_) batches.push_back({each.place, each.bytes, each.seen});
    auto stored = into_.keep_aside(batches);
    gathered_.clear();
    bytes_ = 0;
    return stored;
  }

  std::size_t kept() const { return kept_; }

 private:
  struct Gathered {
    storage::AsidePlace place;
    std::string bytes;
    std::string seen;
  };
  storage::LogDb& into_;
  std::int64_t next_id_;
  std::uint64_t now_ms_ = 0;
  std::vector<Gathered> gathered_;
  std::size_t bytes_ = 0;
  std::size_t kept_ = 0;
};

}  // namespace

// What an author had seen: all that was cut, and what its batches say. Where the first of them is
// cut, what they say is not all; then it was written here, behind all that stands before it.
Result<std::size_t> keep_earlier_writes(
    const storage::LogReader& log, const Authorship& author,
    const std::function<bool(Origin origin, Seq first_seq, Seq last_seq)>& wanted, std::int64_t next_id,
    storage::LogDb& into) {
  const auto floor = log.floor();
  if (!floor) return tl::make_unexpected(floor.error());
  Keeper keeper(into, next_id);
  std::map<Origin, VersionVector> seen;
  std::set<Origin> own = author.origins;
  VersionVector before = floor->vector;
  auto read = log.for_each(1, [&](const storage::LogEntry& entry) -> Result<void> {
    const auto header = sync::decode_batch_header(entry.bytes);
    if (!header) return {};
    if (header->first_seq == 1 && header->region == author.region) own.insert(entry.origin);
    const auto [known, is_first] = seen.try_emplace(entry.origin, floor->vector);
    if (is_first && entry.first_seq != 1) known->second = before;
    for (const auto& [origin, seq] : header->deps_changes)
      if (known->second.get(origin) < seq) known->second.set(origin, seq);
    before.set(entry.origin, entry.last_seq);
    if (!wanted(entry.origin, entry.first_seq, entry.last_seq)) return {};
    VersionVector context = known->second;
    context.set(entry.origin, entry.first_seq - 1);
    const bool is_own = own.contains(entry.origin);
    return keeper.add(entry, is_own ? author.region : std::string(),
                      is_own ? encode_vector(context) : std::string());
  });
  if (read) read = keeper.store();
  if (!read) return tl::make_unexpected(read.error());
  return keeper.kept();
}

Result<std::size_t> keep_earlier_writes_of(
    const std::filesystem::path& directory, const std::string& cluster,
    const std::function<Result<void>(const std::string& region)>& accept,
    const std::function<bool(Origin origin, Seq first_seq, Seq last_seq)>& wanted, std::int64_t next_id,
    storage::LogDb& into) {
  std::error_code ignored;
  if (!std::filesystem::exists(directory / log_file, ignored)) {
    return fail(Errc::config,
                fmt::format("{} is no data directory: it has no {}", directory.string(), log_file));
  }
  const auto held = storage::DataDirectory::open(directory);
  if (!held) return tl::make_unexpected(held.error());
  const auto owner = storage::owner_of(directory / log_file);
  if (!owner) return tl::make_unexpected(owner.error());
  if (owner->cluster != cluster) {
    return fail(Errc::wrong_cluster, fmt::format("{} is of cluster '{}', not of cluster '{}'",
                                                 directory.string(), owner->cluster, cluster));
  }
  if (auto accepted = accept(owner->region); !accepted) return tl::make_unexpected(accepted.error());
  Authorship author{owner->region, {}};
  {
    const auto state = storage::StateDb::open(directory / state_file, *owner);
    if (!state) return tl::make_unexpected(state.error());
    const auto origins = state->origins();
    if (!origins) return tl::make_unexpected(origins.error());
    for (const storage::StoredOrigin& stored : *origins) {
      const auto origin = decode_origin(stored.image);
      if (!origin) return tl::make_unexpected(origin.error());
      if (origin->region == owner->region) author.origins.insert(stored.origin);
    }
  }
  // Makes the tables that logs of earlier releases lack.
  const auto opened = storage::LogDb::open(directory / log_file, *owner);
  if (!opened) return tl::make_unexpected(opened.error());
  const auto log = storage::LogReader::open(directory / log_file);
  if (!log) return tl::make_unexpected(log.error());
  return keep_earlier_writes(*log, author, wanted, next_id, into);
}

}  // namespace turnstone::durability
