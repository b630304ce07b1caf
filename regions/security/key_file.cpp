#include "regions/security/key_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

namespace turnstone::regions {
namespace {

constexpr std::size_t file_bytes_max = 4096;

class File {
 public:
  explicit File(int descriptor) : descriptor_(descriptor) {}
  ~File() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
};

// The bytes of a key file, wiped when they are no longer needed.
struct Contents {
  std::array<char, file_bytes_max + 1> bytes{};
  std::size_t size = 0;
  ~Contents() { sodium_memzero(bytes.data(), bytes.size()); }
};

tl::unexpected<Error> refuse(const std::string& path, std::string_view reason) {
  return fail(Errc::config, fmt::format("{}: {}", path, reason));
}

tl::unexpected<Error> refuse_errno(const std::string& path, Errc code = Errc::config) {
  return fail(code, fmt::format("{}: {}", path, std::generic_category().message(errno)));
}

// Judges the file that was opened, not the name: between two looks at a name it can change.
Result<void> check_private(const std::string& path, const File& file) {
  struct stat status {};
  if (fstat(file.descriptor(), &status) != 0) return refuse_errno(path);
  if (!S_ISREG(status.st_mode)) return refuse(path, "is not a regular file");
  if (status.st_uid != geteuid() && status.st_uid != 0)
    return refuse(path, "belongs to another user, who could read and replace the secret keys in it");
  if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0)
    return refuse(path, fmt::format("has mode {:04o}, so that other users could use the secret keys in it; "
                                    "chmod 600 it, and make new keys if somebody may have read it",
                                    static_cast<unsigned>(status.st_mode) & 07777u));
  return {};
}

Result<void> read_all(const std::string& path, const File& file, Contents& contents) {
  while (contents.size < contents.bytes.size()) {
    const ssize_t got =
        read(file.descriptor(), contents.bytes.data() + contents.size, contents.bytes.size() - contents.size);
    if (got == 0) break;
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return refuse_errno(path);
    contents.size += static_cast<std::size_t>(got);
  }
  if (contents.size > file_bytes_max) return refuse(path, "is too large for a key file");
  return {};
}

// The one line that is neither empty nor a comment.
std::string_view only_word(std::string_view text) {
  std::string_view found;
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.remove_suffix(1);
    if (line.empty() || line.front() == '#') continue;
    if (!found.empty()) return {};
    found = line;
  }
  return found;
}

bool write_all(const File& file, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(file.descriptor(), text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace

Result<SecretKeys> read_key_file(const std::string& path) {
  // Without O_NONBLOCK a pipe of that name would hold us up for ever.
  const File file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.descriptor() < 0) return refuse_errno(path);
  if (auto checked = check_private(path, file); !checked) return tl::make_unexpected(checked.error());
  Contents contents;
  if (auto done = read_all(path, file, contents); !done) return tl::make_unexpected(done.error());
  auto keys = SecretKeys::parse(only_word({contents.bytes.data(), contents.size}));
  if (!keys) return fail(keys.error().code, fmt::format("{}: {}", path, keys.error().message));
  return keys;
}

Result<PublicKeys> make_key_file(const std::string& path) {
  const auto keys = SecretKeys::generate();
  if (!keys) return tl::make_unexpected(keys.error());
  const File file(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR));
  if (file.descriptor() < 0 && errno == EEXIST)
    return refuse(path, "exists already; keys are never overwritten");
  if (file.descriptor() < 0) return refuse_errno(path, Errc::io);
  bool written =
      write_all(file, fmt::format("# The secret keys of a Turnstone leader: who has them can speak for "
                                  "its region. Mode 0600.\n# Its public key, for the settings of the "
                                  "other regions: {}\n",
                                  to_string(keys->public_keys())));
  keys->lend_word([&](std::string_view word) { written = written && write_all(file, word); });
  if (!written || !write_all(file, "\n") || fsync(file.descriptor()) != 0) {
    const int reason = errno;
    unlink(path.c_str());
    errno = reason;
    return refuse_errno(path, Errc::io);
  }
  return keys->public_keys();
}

}  // namespace turnstone::regions
