#include "regions/commands/command_queue.hpp"

#include "regions/commands/command_table.hpp"

namespace turnstone::commands {

std::size_t CommandQueue::bytes() const {
  return bytes_.size() + sizes_.size() * sizeof(std::size_t) + commands_.size() * sizeof(Queued);
}

bool CommandQueue::add(const Command& command, Args args) {
  std::size_t more = sizeof(Queued);
  for (const std::string_view arg : args) more += arg.size() + sizeof(std::size_t);
  if (size() == queue_commands_max || bytes() + more > queue_bytes_max) return false;
  for (const std::string_view arg : args) {
    bytes_ += arg;
    sizes_.push_back(arg.size());
  }
  commands_.push_back({&command, args.size()});
  writes_ = writes_ || command.has(Flag::write);
  return true;
}

}  // namespace turnstone::commands
