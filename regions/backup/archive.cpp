#include "regions/backup/archive.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <numeric>
#include <system_error>
#include <utility>

#include "core/hash.hpp"

namespace turnstone::backup {
namespace {

constexpr std::size_t block_bytes = 512;
constexpr std::size_t piece_bytes = 1 << 20;

tl::unexpected<Error> io_error(std::string_view what, const std::filesystem::path& path, int error) {
  return fail(Errc::io,
              fmt::format("cannot {} {}: {}", what, path.string(), std::generic_category().message(error)));
}

std::uint64_t padding_after(std::uint64_t bytes) { return (block_bytes - bytes % block_bytes) % block_bytes; }

// POSIX.1-1988, "ustar": name 100, mode 8, uid 8, gid 8, size 12, mtime 12, checksum 8, type
// 1, link 100, "ustar" NUL "00", and nothing else. Numbers are octal; a size that needs more
// than 11 digits is binary, as GNU tar writes it.
std::string header_of(const std::string& name, std::uint64_t bytes) {
  std::string header(block_bytes, '\0');
  const auto put = [&header](std::size_t at, std::string_view text) {
    header.replace(at, text.size(), text);
  };
  put(0, name);
  put(100, "0000600");
  put(108, "0000000");
  put(116, "0000000");
  if (bytes < std::uint64_t{1} << 33) {
    put(124, fmt::format("{:011o}", bytes));
  } else {
    header[124] = static_cast<char>(0x80);
    for (std::size_t i = 0; i < 8; ++i) header[135 - i] = static_cast<char>(bytes >> 8 * i & 0xff);
  }
  put(136, "00000000000");
  put(148, "        ");
  put(156, "0");
  put(257, std::string_view("ustar\0"
                            "00",
                            8));
  const unsigned sum = std::accumulate(header.begin(), header.end(), 0u, [](unsigned total, char c) {
    return total + static_cast<unsigned char>(c);
  });
  put(148, fmt::format("{:06o}", sum));
  header[154] = '\0';
  return header;
}

std::uint64_t size_in(std::string_view header) {
  std::uint64_t size = 0;
  if (header[124] == static_cast<char>(0x80)) {
    for (const char c : header.substr(128, 8)) size = size << 8 | static_cast<unsigned char>(c);
  } else {
    for (const char c : header.substr(124, 11)) size = size << 3 | (static_cast<unsigned char>(c) & 7);
  }
  return size;
}

Result<void> write_all(int file, std::string_view bytes, const std::filesystem::path& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return io_error("write", path, errno);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

// Fewer bytes only at the end of the file.
Result<std::string> read_at(int file, std::uint64_t offset, std::size_t bytes,
                            const std::filesystem::path& path) {
  std::string read(bytes, '\0');
  std::size_t done = 0;
  while (done < bytes) {
    const ssize_t got = ::pread(file, read.data() + done, bytes - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return io_error("read", path, errno);
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  read.resize(done);
  return read;
}

bool all_zero(std::string_view bytes) {
  return std::ranges::all_of(bytes, [](char c) { return c == '\0'; });
}

// A descriptor that ends with its scope.
struct Descriptor {
  int fd;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

}  // namespace

Result<ArchiveWriter> ArchiveWriter::open(const std::filesystem::path& path) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) return io_error("write", path, errno);
  return ArchiveWriter(path, file);
}

ArchiveWriter::ArchiveWriter(ArchiveWriter&& other) noexcept
    : path_(std::move(other.path_)), file_(std::exchange(other.file_, -1)) {}

ArchiveWriter::~ArchiveWriter() {
  if (file_ >= 0) ::close(file_);
}

Result<void> ArchiveWriter::write(std::string_view bytes) { return write_all(file_, bytes, path_); }

Result<FileHash> ArchiveWriter::add_file(const std::string& name, const std::filesystem::path& from) {
  const Descriptor source{::open(from.c_str(), O_RDONLY | O_CLOEXEC)};
  struct stat info {};
  if (source.fd < 0 || ::fstat(source.fd, &info) != 0) return io_error("read", from, errno);
  const auto size = static_cast<std::uint64_t>(info.st_size);
  if (auto begun = write(header_of(name, size)); !begun) return tl::make_unexpected(begun.error());
  FileHash hash = 0;
  for (std::uint64_t at = 0; at < size;) {
    auto piece = read_at(source.fd, at, piece_bytes, from);
    if (!piece) return tl::make_unexpected(piece.error());
    if (piece->empty()) return fail(Errc::io, fmt::format("{} became shorter", from.string()));
    hash = hash64(*piece, hash);
    if (auto written = write(*piece); !written) return tl::make_unexpected(written.error());
    at += piece->size();
  }
  if (auto ended = write(std::string(padding_after(size), '\0')); !ended)
    return tl::make_unexpected(ended.error());
  return hash;
}

Result<void> ArchiveWriter::add_text(const std::string& name, std::string_view text) {
  return write(header_of(name, text.size()) + std::string(text) +
               std::string(padding_after(text.size()), '\0'));
}

Result<void> ArchiveWriter::finish() {
  if (auto ended = write(std::string(2 * block_bytes, '\0')); !ended) return ended;
  if (::fsync(file_) != 0) return io_error("sync", path_, errno);
  return {};
}

Result<ArchiveReader> ArchiveReader::open(const std::filesystem::path& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return io_error("read", path, errno);
  ArchiveReader reader(path, file);
  if (auto read = reader.read_members(); !read) return tl::make_unexpected(read.error());
  return reader;
}

ArchiveReader::ArchiveReader(ArchiveReader&& other) noexcept
    : path_(std::move(other.path_)),
      file_(std::exchange(other.file_, -1)),
      bytes_(other.bytes_),
      members_(std::move(other.members_)) {}

ArchiveReader::~ArchiveReader() {
  if (file_ >= 0) ::close(file_);
}

tl::unexpected<Error> ArchiveReader::damaged(std::string_view what) const {
  return fail(Errc::corrupt, fmt::format("{} {}", path_.string(), what));
}

Result<std::string> ArchiveReader::read(std::uint64_t offset, std::uint64_t bytes) const {
  auto read = read_at(file_, offset, static_cast<std::size_t>(bytes), path_);
  if (read && read->size() != bytes) return damaged("ends before it should");
  return read;
}

Result<void> ArchiveReader::read_members() {
  struct stat info {};
  if (::fstat(file_, &info) != 0) return io_error("read", path_, errno);
  bytes_ = static_cast<std::uint64_t>(info.st_size);
  for (std::uint64_t at = 0;;) {
    const auto header = read(at, block_bytes);
    if (!header) return tl::make_unexpected(header.error());
    if (all_zero(*header)) {
      const auto last = read(at + block_bytes, block_bytes);
      if (!last) return tl::make_unexpected(last.error());
      if (!all_zero(*last) || bytes_ != at + 2 * block_bytes) return damaged("does not end as it should");
      return {};
    }
    const Member member{header->substr(0, std::min<std::size_t>(header->find('\0'), 99)), at + block_bytes,
                        size_in(*header)};
    if (*header != header_of(member.name, member.bytes))
      return damaged(at == 0 ? "is not a backup" : "has an altered header inside");
    if (members_.size() == members_max) return damaged("is not a backup");
    const std::uint64_t room = bytes_ - member.offset;
    if (member.bytes > room || padding_after(member.bytes) > room - member.bytes)
      return damaged("ends before it should");
    const auto padding = read(member.offset + member.bytes, padding_after(member.bytes));
    if (!padding) return tl::make_unexpected(padding.error());
    if (!all_zero(*padding)) return damaged("has been altered between its parts");
    at = member.offset + member.bytes + padding->size();
    members_.push_back(member);
  }
}

const Member* ArchiveReader::find(std::string_view name) const {
  const auto found = std::ranges::find(members_, name, &Member::name);
  return found == members_.end() ? nullptr : &*found;
}

Result<std::string> ArchiveReader::text(const Member& member) const {
  if (member.bytes > piece_bytes) return damaged(fmt::format("has a {} that is too large", member.name));
  return read(member.offset, member.bytes);
}

Result<FileHash> ArchiveReader::hash(const Member& member) const { return extract(member, {}); }

Result<FileHash> ArchiveReader::extract(const Member& member, const std::filesystem::path& to) const {
  const bool writes = !to.empty();
  const Descriptor target{writes ? ::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600) : -1};
  if (writes && target.fd < 0) return io_error("write", to, errno);
  FileHash hash = 0;
  for (std::uint64_t done = 0; done < member.bytes;) {
    auto piece = read(member.offset + done, std::min<std::uint64_t>(piece_bytes, member.bytes - done));
    if (!piece) return tl::make_unexpected(piece.error());
    hash = hash64(*piece, hash);
    if (writes) {
      if (auto written = write_all(target.fd, *piece, to); !written)
        return tl::make_unexpected(written.error());
    }
    done += piece->size();
  }
  return hash;
}

}  // namespace turnstone::backup
