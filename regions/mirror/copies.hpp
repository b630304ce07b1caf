#pragma once
// The files of the giving side: copies of the state file, in the directory `copies` of the
// data directory. One thread at a time.
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "core/error.hpp"
#include "core/storage/identity.hpp"
#include "sync/mirror_source.hpp"

namespace turnstone::mirror {

class Copies {
 public:
  // Deletes what an earlier run left.
  Copies(const std::filesystem::path& data, storage::Identity owner);
  ~Copies();

  // Copies the state file as it is at one moment, beside its writer; takes seconds for a
  // million keys. Gives up when `go_on` says false. Errors: io, corrupt, wrong_cluster.
  Result<sync::MadeCopy> make(std::uint64_t copy, const std::function<bool()>& go_on);
  // Errors: io.
  Result<std::string> page(std::uint64_t copy, std::uint64_t offset);
  void remove(std::uint64_t copy);

 private:
  std::filesystem::path file(std::uint64_t copy) const;
  void close();

  std::filesystem::path state_;
  std::filesystem::path directory_;
  storage::Identity owner_;
  std::uint64_t open_copy_ = 0;
  int fd_ = -1;  // of open_copy_
};

}  // namespace turnstone::mirror
