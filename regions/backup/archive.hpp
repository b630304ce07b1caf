#pragma once
// Several files in one, as a ustar archive: `tar tf` and `tar xf` read it too.
//
// Every byte has one possible value for given names and contents (mode 0600, owner and time
// 0, zeros behind each file up to 512 bytes, two blocks of zeros at the end), so that a
// reader can refuse whatever is not exactly what the writer wrote.
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"

namespace turnstone::backup {

struct Member {
  std::string name;
  std::uint64_t offset = 0;  // of its first byte in the archive
  std::uint64_t bytes = 0;
};

// The hash of a file's bytes: XXH3 over pieces of 1 MiB, each with the hash before it as
// its seed. Guards against accidents, not against an adversary.
using FileHash = std::uint64_t;

class ArchiveWriter {
 public:
  // Makes the file (mode 0600), which may not be there yet. Errors: io.
  static Result<ArchiveWriter> open(const std::filesystem::path& path);
  ArchiveWriter(ArchiveWriter&& other) noexcept;
  ArchiveWriter& operator=(ArchiveWriter&&) = delete;
  ~ArchiveWriter();

  // Errors: io.
  Result<FileHash> add_file(const std::string& name, const std::filesystem::path& from);
  Result<void> add_text(const std::string& name, std::string_view text);
  // Writes the end and syncs. Errors: io.
  Result<void> finish();

 private:
  ArchiveWriter(std::filesystem::path path, int file) : path_(std::move(path)), file_(file) {}
  Result<void> write(std::string_view bytes);

  std::filesystem::path path_;
  int file_ = -1;
};

class ArchiveReader {
 public:
  static constexpr std::size_t members_max = 16;

  // Finds the members; what is between and behind them must be as the writer writes it.
  // Errors: io; corrupt (truncated, altered, no archive).
  static Result<ArchiveReader> open(const std::filesystem::path& path);
  ArchiveReader(ArchiveReader&& other) noexcept;
  ArchiveReader& operator=(ArchiveReader&&) = delete;
  ~ArchiveReader();

  const std::vector<Member>& members() const { return members_; }
  std::uint64_t bytes() const { return bytes_; }
  // Null when there is none of this name.
  const Member* find(std::string_view name) const;

  // A small member. Errors: io, corrupt.
  Result<std::string> text(const Member& member) const;
  Result<FileHash> hash(const Member& member) const;
  // Writes the member into a new file (mode 0600), not synced. Errors: io, corrupt.
  Result<FileHash> extract(const Member& member, const std::filesystem::path& to) const;

 private:
  ArchiveReader(std::filesystem::path path, int file) : path_(std::move(path)), file_(file) {}
  Result<void> read_members();
  Result<std::string> read(std::uint64_t offset, std::uint64_t bytes) const;
  tl::unexpected<Error> damaged(std::string_view what) const;

  std::filesystem::path path_;
  int file_ = -1;
  std::uint64_t bytes_ = 0;
  std::vector<Member> members_;
};

}  // namespace turnstone::backup
