#pragma once
// The commands between MULTI and EXEC: copies, because the client's input moves on.
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "regions/commands/call.hpp"

namespace turnstone::commands {

struct Command;

class CommandQueue {
 public:
  static constexpr std::size_t queue_bytes_max = 64u * 1024 * 1024;
  static constexpr std::size_t queue_commands_max = 1'000'000;

  // False, and unchanged, when a limit is reached.
  bool add(const Command& command, Args args);
  void clear() { *this = {}; }

  std::size_t size() const { return commands_.size(); }
  std::size_t bytes() const;
  // True when one of the commands may write.
  bool writes() const { return writes_; }

  template <class Run>
  void for_each(Run run) const {
    std::vector<std::string_view> args;
    std::size_t arg = 0;
    std::size_t at = 0;
    for (const Queued& queued : commands_) {
      args.clear();
      for (std::size_t i = 0; i < queued.args; ++i, ++arg) {
        args.push_back(std::string_view(bytes_).substr(at, sizes_[arg]));
        at += sizes_[arg];
      }
      run(*queued.command, Args(args));
    }
  }

 private:
  struct Queued {
    const Command* command;
    std::size_t args;
  };
  std::vector<Queued> commands_;
  std::vector<std::size_t> sizes_;
  std::string bytes_;
  bool writes_ = false;
};

}  // namespace turnstone::commands
