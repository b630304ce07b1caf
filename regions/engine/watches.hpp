#pragma once
// Who watches which key (WATCH): a change by any client or any region fails the next EXEC.
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "regions/commands/session.hpp"

namespace turnstone::regions {

class Watches {
 public:
  void watch(commands::Session& session, std::string_view key) {
    const auto at = sessions_.try_emplace(std::string(key)).first;
    if (at->second.insert(&session).second) keys_[&session].insert(at->first);
  }

  void unwatch(commands::Session& session) {
    const auto keys = keys_.find(&session);
    if (keys == keys_.end()) return;
    for (const std::string& key : keys->second) {
      const auto at = sessions_.find(key);
      at->second.erase(&session);
      if (at->second.empty()) sessions_.erase(at);
    }
    keys_.erase(keys);
  }

  void changed(std::string_view key) {
    if (sessions_.empty()) return;
    const auto at = sessions_.find(key);
    if (at == sessions_.end()) return;
    for (commands::Session* session : at->second) session->transaction.watched_key_changed = true;
  }

 private:
  std::map<std::string, std::set<commands::Session*>, std::less<>> sessions_;
  std::map<commands::Session*, std::set<std::string>> keys_;
};

}  // namespace turnstone::regions
