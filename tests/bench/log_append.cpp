// How fast the log takes batches, beside the bare sync of the same file system.
//   log_append [DIRECTORY [PAGE_BYTES [WAL_MIB]]]
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "core/storage/log_db.hpp"

namespace {

using namespace turnstone;
using Clock = std::chrono::steady_clock;

constexpr std::size_t batch_bytes = 1024;

struct Figures {
  double per_second;
  double p50, p99, p999, max;  // microseconds
};

Figures measure(std::size_t times, const std::function<void()>& once, const std::function<void()>& between) {
  std::vector<double> micros;
  const auto begin = Clock::now();
  for (std::size_t i = 0; i < times; ++i) {
    const auto start = Clock::now();
    once();
    micros.push_back(std::chrono::duration<double, std::micro>(Clock::now() - start).count());
    between();
  }
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  std::sort(micros.begin(), micros.end());
  const auto at = [&](double part) { return micros[static_cast<std::size_t>(part * double(times - 1))]; };
  return {double(times) / seconds, at(0.5), at(0.99), at(0.999), micros.back()};
}

void print(std::string_view what, const Figures& f, std::size_t batches) {
  fmt::print(
      "{:<28} {:>9.0f} batches/s {:>8.0f} syncs/s   p50 {:>6.0f}  p99 {:>6.0f}  p99.9 {:>6.0f}  max {:>7.0f} "
      "us\n",
      what, f.per_second * double(batches), f.per_second, f.p50, f.p99, f.p999, f.max);
}

[[noreturn]] void give_up(const std::string& why) {
  fmt::print(stderr, "log_append: {}\n", why);
  std::exit(1);
}

// What the disk can do at best: one block, overwritten in place, and synced.
void bare_sync(const std::filesystem::path& directory) {
  const std::filesystem::path file = directory / "bare";
  const int fd = ::open(file.c_str(), O_CREAT | O_RDWR | O_TRUNC, 0600);
  const std::string zeros(8 << 20, '\0');
  const std::string block(4096, 'x');
  if (fd < 0 || ::pwrite(fd, zeros.data(), zeros.size(), 0) < 0 || ::fsync(fd) != 0) give_up("no file");
  off_t at = 0;
  print("write + fdatasync, 4 KiB",
        measure(
            4000,
            [&] {
              if (::pwrite(fd, block.data(), block.size(), at) < 0 || ::fdatasync(fd) != 0)
                give_up("no sync");
              at = (at + 4096) % (8 << 20);
            },
            [] {}),
        1);
  ::close(fd);
}

void log_appends(const std::filesystem::path& directory, std::size_t batches, storage::LogOptions options) {
  const std::filesystem::path file = directory / fmt::format("log-{}.db", batches);
  auto log = storage::LogDb::open(file, {"turnstone", "paris"}, options);
  if (!log) give_up(log.error().message);
  const std::string bytes(batch_bytes, 'x');
  const std::size_t times = batches == 1 ? 20'000 : 40'000 / batches;
  std::size_t checkpoints = 0;
  std::vector<storage::LogEntry> entries(batches);
  const auto append = [&] {
    storage::Lsn lsn = log->last_lsn();
    for (auto& entry : entries) entry = {++lsn, Origin{1}, lsn, lsn, bytes};
    if (auto done = log->append(entries); !done) give_up(done.error().message);
  };
  const auto checkpoint = [&] {
    if (log->wal_bytes() < options.wal_bytes / 2) return;
    if (auto done = log->checkpoint_wal(); !done) give_up(done.error().message);
    ++checkpoints;
  };
  print(fmt::format("{} of 1 KiB per transaction", batches), measure(times, append, checkpoint), batches);
  if (std::getenv("VERBOSE")) fmt::print("   {} checkpoints\n", checkpoints);
}

}  // namespace

int main(int argc, char** argv) {
  const std::filesystem::path parent = argc > 1 ? argv[1] : std::filesystem::temp_directory_path();
  storage::LogOptions options;
  if (argc > 2) options.page_bytes = std::atoi(argv[2]);
  if (argc > 3) options.wal_bytes = static_cast<std::size_t>(std::atoi(argv[3])) << 20;
  const std::filesystem::path directory = parent / fmt::format("turnstone-log-append-{}", ::getpid());
  std::filesystem::create_directory(directory);
  fmt::print("page {} bytes, WAL {} MiB\n", options.page_bytes, options.wal_bytes >> 20);
  bare_sync(directory);
  for (const std::size_t batches : {1u, 10u, 100u}) log_appends(directory, batches, options);
  std::filesystem::remove_all(directory);
}
