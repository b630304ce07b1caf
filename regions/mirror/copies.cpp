#include "regions/mirror/copies.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "core/hash.hpp"
#include "core/storage/snapshot.hpp"
#include "core/storage/state_db.hpp"
#include "regions/durability/open_store.hpp"
#include "regions/mirror/staging.hpp"

namespace turnstone::mirror {

Copies::Copies(const std::filesystem::path& data, storage::Identity owner)
    : state_(data / durability::state_file), directory_(data / "copies"), owner_(std::move(owner)) {
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

Copies::~Copies() {
  close();
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

Result<sync::MadeCopy> Copies::make(std::uint64_t copy, const std::function<bool()>& go_on) {
  close();
  std::error_code error;
  std::filesystem::create_directory(directory_, state_.parent_path(), error);
  if (error) return fail(Errc::io, fmt::format("cannot make {}: {}", directory_.string(), error.message()));
  auto made = [&]() -> Result<sync::MadeCopy> {
    if (auto taken = storage::snapshot(state_, file(copy), go_on); !taken)
      return tl::make_unexpected(taken.error());
    sync::MadeCopy result;
    {
      auto state = storage::StateDb::open(file(copy), owner_);
      if (!state) return tl::make_unexpected(state.error());
      auto vector = vector_of(*state);
      if (!vector) return tl::make_unexpected(vector.error());
      result.vector = std::move(*vector);
    }
    result.bytes = std::filesystem::file_size(file(copy), error);
    for (std::uint64_t offset = 0; offset < result.bytes; offset += sync::mirror_page_bytes) {
      if (!go_on()) return fail(Errc::io, "this leader stops");
      const auto bytes = page(copy, offset);
      if (!bytes) return tl::make_unexpected(bytes.error());
      result.hash = hash64(*bytes, result.hash);
    }
    return result;
  }();
  if (!made) remove(copy);
  return made;
}

Result<std::string> Copies::page(std::uint64_t copy, std::uint64_t offset) {
  if (open_copy_ != copy) {
    close();
    fd_ = ::open(file(copy).c_str(), O_RDONLY | O_CLOEXEC);
    open_copy_ = copy;
  }
  std::string bytes(sync::mirror_page_bytes, '\0');
  const ssize_t size = fd_ < 0 ? -1 : ::pread(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
  if (size < 0) {
    return fail(Errc::io, fmt::format("cannot read {}: {}", file(copy).string(),
                                      std::generic_category().message(errno)));
  }
  bytes.resize(static_cast<std::size_t>(size));
  return bytes;
}

void Copies::remove(std::uint64_t copy) {
  close();
  std::error_code ignored;
  for (const char* suffix : {"", "-wal", "-shm"})
    std::filesystem::remove(file(copy).string() + suffix, ignored);
}

std::filesystem::path Copies::file(std::uint64_t copy) const {
  return directory_ / fmt::format("state-{:016x}.db", copy);
}

void Copies::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
  open_copy_ = 0;
}

}  // namespace turnstone::mirror
