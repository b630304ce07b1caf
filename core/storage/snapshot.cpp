#include "core/storage/snapshot.hpp"

#include <SQLiteCpp/SQLiteCpp.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "core/storage/sqlite_file.hpp"

namespace turnstone::storage {
namespace {

// Of the virtual machine, between two questions whether to go on.
constexpr int instructions_between = 10'000;

Result<void> make_empty(const std::filesystem::path& file) {
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) {
    return fail(Errc::io,
                fmt::format("cannot write {}: {}", file.string(), std::generic_category().message(errno)));
  }
  ::close(fd);
  return {};
}

}  // namespace

Result<void> snapshot(const std::filesystem::path& from, const std::filesystem::path& to,
                      const std::function<bool()>& go_on) {
  if (auto made = make_empty(to); !made) return made;
  return guarded(from, [&]() -> Result<void> {
    auto database = open_sqlite(from, Access::read, {});
    if (!database) return tl::make_unexpected(database.error());
    if (go_on) {
      sqlite3_progress_handler(
          (*database)->getHandle(), instructions_between,
          [](void* ask) { return (*static_cast<const std::function<bool()>*>(ask))() ? 0 : 1; },
          const_cast<std::function<bool()>*>(&go_on));
    }
    // Takes the mode and the place of the empty file.
    SQLite::Statement vacuum(**database, "VACUUM INTO ?");
    vacuum.bind(1, to.string());
    vacuum.exec();
    return {};
  });
}

Result<Identity> owner_of(const std::filesystem::path& file) {
  return guarded(file, [&]() -> Result<Identity> {
    auto database = open_sqlite(file, Access::read, {});
    if (!database) return tl::make_unexpected(database.error());
    Identity owner;
    SQLite::Statement query(**database, "SELECT key, value FROM meta WHERE key IN ('cluster', 'region')");
    while (query.executeStep()) {
      const std::string key = query.getColumn(0).getString();
      (key == "region" ? owner.region : owner.cluster) = query.getColumn(1).getString();
    }
    if (owner.cluster.empty() || owner.region.empty())
      return fail(Errc::corrupt, fmt::format("{} does not say whose it is", file.string()));
    return owner;
  });
}

Result<void> hand_over(const std::filesystem::path& file, const std::string& region) {
  return guarded(file, [&]() -> Result<void> {
    auto database = open_sqlite(file, Access::write, {});
    if (!database) return tl::make_unexpected(database.error());
    SQLite::Statement update(**database, "UPDATE meta SET value = ? WHERE key = 'region'");
    update.bind(1, region);
    if (update.exec() != 1)
      return fail(Errc::corrupt, fmt::format("{} does not say whose it is", file.string()));
    return {};
  });
}

}  // namespace turnstone::storage
