#include "regions/mirror/staging.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <string>
#include <system_error>
#include <utility>

#include "core/hash.hpp"
#include "core/storage/log_db.hpp"
#include "core/storage/log_reader.hpp"
#include "core/storage/snapshot.hpp"
#include "regions/durability/install.hpp"
#include "regions/durability/open_store.hpp"
#include "regions/durability/stored_forms.hpp"

namespace turnstone::mirror {
namespace {

constexpr const char* description = "copy.txt";
constexpr const char* description_format = "turnstone-mirror-1";

tl::unexpected<Error> io_error(const char* what, const std::filesystem::path& path) {
  return fail(Errc::io,
              fmt::format("cannot {} {}: {}", what, path.string(), std::generic_category().message(errno)));
}

Result<void> limit_clock(storage::StateDb& state, Hlc hlc_max) {
  storage::StateChange change{state.position(), {}, {}};
  if (change.position.hlc <= hlc_max) return {};
  change.position.hlc = hlc_max;
  auto origins = state.origins();
  if (!origins) return tl::make_unexpected(origins.error());
  change.origins = std::move(*origins);
  return state.apply(std::move(change));
}

}  // namespace

Staging::Staging(const std::filesystem::path& data) : directory_(data / durability::staging_directory) {}

Staging::~Staging() { close(); }

std::optional<sync::StagedCopy> Staging::found() {
  sync::StagedCopy copy;
  std::string format;
  std::ifstream in(directory_ / description);
  if (!(in >> format >> copy.source >> copy.copy >> copy.bytes >> copy.hash) ||
      format != description_format || !open(O_RDWR)) {
    return std::nullopt;
  }
  std::string page(sync::mirror_page_bytes, '\0');
  while (copy.staged < copy.bytes) {
    const std::uint64_t want = std::min(sync::mirror_page_bytes, copy.bytes - copy.staged);
    const ssize_t size = ::pread(fd_, page.data(), want, static_cast<off_t>(copy.staged));
    if (size < 0 || static_cast<std::uint64_t>(size) != want) break;
    copy.chain = hash64(std::string_view(page).substr(0, want), copy.chain);
    copy.staged += want;
  }
  return copy;
}

Result<void> Staging::begin(const sync::StagedCopy& copy) {
  remove();
  std::error_code error;
  std::filesystem::create_directory(directory_, directory_.parent_path(), error);
  if (error) return fail(Errc::io, fmt::format("cannot make {}: {}", directory_.string(), error.message()));
  if (auto opened = open(O_RDWR | O_CREAT | O_EXCL); !opened) return opened;
  std::ofstream out(directory_ / description);
  out << description_format << ' ' << copy.source << ' ' << copy.copy << ' ' << copy.bytes << ' ' << copy.hash
      << '\n';
  out.close();
  if (!out) return fail(Errc::io, fmt::format("cannot write {}", (directory_ / description).string()));
  return {};
}

Result<void> Staging::append(std::uint64_t offset, std::string_view bytes) {
  const ssize_t size = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
  if (size < 0 || static_cast<std::size_t>(size) != bytes.size())
    return io_error("write", directory_ / durability::state_file);
  return {};
}

Result<void> Staging::check(const storage::Identity& identity, const VersionVector& have, Hlc hlc_max,
                            const std::set<Origin>& own) {
  close();
  // From here on the file is no longer what was sent: an interrupted check begins anew.
  std::error_code error;
  std::filesystem::remove(directory_ / description, error);
  const std::filesystem::path file = directory_ / durability::state_file;
  if (auto ours = storage::hand_over(file, identity.region); !ours) return ours;
  storage::LogFloor floor;
  {
    auto state = storage::StateDb::open(file, identity);
    if (!state) return tl::make_unexpected(state.error());
    auto vector = vector_of(*state);
    if (!vector) return tl::make_unexpected(vector.error());
    if (!vector->covers(have)) return fail(Errc::corrupt, "it lacks writes that this leader has");
    floor = {state->position().lsn, std::move(*vector)};
    if (auto set = limit_clock(*state, hlc_max); !set) return set;
    auto read = state->for_each_cell([](const storage::StoredCell&) -> Result<void> { return {}; });
    if (!read) return read;
  }
  {
    std::filesystem::remove(directory_ / durability::log_file, error);
    auto log = storage::LogDb::open(directory_ / durability::log_file, identity);
    if (!log) return tl::make_unexpected(log.error());
    if (auto begun = log->begin_behind(floor); !begun) return begun;
    if (auto kept = take_along(*log, floor.vector, {identity.region, own}); !kept) return kept;
  }
  for (const char* name : {durability::state_file, durability::log_file}) {
    if (auto synced = durability::sync_path(directory_ / name); !synced) return synced;
  }
  return durability::sync_path(directory_);
}

// What this leader keeps beside its log, and of its log what the copy lacks: perhaps nobody else has
// it. Damaged ones stay behind.
Result<void> Staging::take_along(storage::LogDb& log, const VersionVector& copied,
                                 const durability::Authorship& author) const {
  const std::filesystem::path file = directory_.parent_path() / durability::log_file;
  std::error_code error;
  if (!std::filesystem::exists(file, error)) return {};
  auto reader = storage::LogReader::open(file);
  if (!reader) return tl::make_unexpected(reader.error());
  const auto places = reader->aside();
  if (!places) return tl::make_unexpected(places.error());
  // The newest first: what was brought back and has to be once more comes under its last name.
  const auto kept = durability::keep_earlier_writes(
      *reader, author,
      [&](Origin origin, Seq, Seq last_seq) {
        return !copied.covers({origin, last_seq});
      },
      1, log);
  if (!kept) return tl::make_unexpected(kept.error());
  std::int64_t next_id = 1 + static_cast<std::int64_t>(*kept);
  for (storage::AsidePlace place : *places) {
    if (copied.covers({place.origin, place.last_seq})) continue;
    const auto bytes = reader->read_aside(place.id);
    const auto seen = place.author.empty() ? Result<std::string>() : reader->read_seen(place);
    if (!bytes || !seen) continue;
    place.id = next_id++;
    const storage::AsideBatch batch{place, *bytes, *seen};
    if (auto taken = log.keep_aside({&batch, 1}); !taken) return taken;
  }
  return {};
}

void Staging::remove() {
  close();
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

Result<void> Staging::open(int flags) {
  close();
  const std::filesystem::path file = directory_ / durability::state_file;
  fd_ = ::open(file.c_str(), flags | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd_ < 0) return io_error("open", file);
  return {};
}

void Staging::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

Result<VersionVector> vector_of(const storage::StateDb& state) {
  const auto origins = state.origins();
  if (!origins) return tl::make_unexpected(origins.error());
  VersionVector vector;
  for (const storage::StoredOrigin& stored : *origins) {
    const auto origin = durability::decode_origin(stored.image);
    if (!origin) return tl::make_unexpected(origin.error());
    vector.set(stored.origin, origin->seq);
  }
  if (state.position().lsn == 0) return vector;
  const auto protocol = durability::decode_protocol(state.position().protocol);
  if (!protocol) return tl::make_unexpected(protocol.error());
  vector.join(protocol->closings.retired());
  return vector;
}

}  // namespace turnstone::mirror
