// CONFIG and TIME.
#include <algorithm>
#include <string>

#include "core/glob.hpp"
#include "regions/commands/handlers.hpp"
#include "regions/commands/help.hpp"
#include "regions/commands/leader_port.hpp"

namespace turnstone::commands::handle {

void config_get(Call& call, Args args) {
  auto settings = call.leader.settings();
  const Args patterns = args.subspan(2);
  std::erase_if(settings, [&](const auto& setting) {
    return std::none_of(patterns.begin(), patterns.end(), [&](std::string_view pattern) {
      return glob_match(pattern, setting.first, GlobCase::insensitive);
    });
  });
  call.reply.map(settings.size());
  for (const auto& [name, value] : settings) {
    call.reply.bulk(name);
    call.reply.bulk(value);
  }
}

void config_set(Call& call, Args) {
  call.reply.error("ERR CONFIG SET is not supported: change the configuration and restart the leader");
}

void config_resetstat(Call& call, Args) {
  call.leader.reset_stats();
  call.reply.ok();
}

void config_help(Call& call, Args) { reply_help(call, "CONFIG", "config"); }

void time(Call& call, Args) {
  call.reply.array(2);
  call.reply.bulk(std::to_string(call.now_ms / 1000));
  call.reply.bulk(std::to_string(call.now_ms % 1000 * 1000));
}

}  // namespace turnstone::commands::handle
