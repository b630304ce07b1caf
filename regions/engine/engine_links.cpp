// The links to other leaders while the engine runs: opened, watched, mended, and opened anew
// when the keys change. Redis clients notice nothing of it.
#include <fmt/format.h>

#include <utility>

#include "regions/engine/engine.hpp"
#include "regions/engine/key_change.hpp"
#include "regions/engine/link_security.hpp"
#include "regions/security/key_file.hpp"
#include "regions/settings/log.hpp"

namespace turnstone::regions {

Result<void> Engine::open_links() {
  return links_.open(to_string(settings_.gossip), to_string(settings_.pull), peer_endpoints(link_members_),
                     link_keys(keys_.get(), link_members_));
}

void Engine::watch_links() {
  for (const int descriptor : links_.descriptors()) loop_.when_readable(descriptor, [this] { pump_links(); });
}

void Engine::tend_links() {
  report_refusals();
  if (links_.is_open()) return links_.mend();
  if (stopping_) return;
  if (auto opened = open_links(); !opened)
    return alarm({"links_closed", "there are no links to other leaders: " + opened.error().message});
  watch_links();
  log::info("the links are open");
}

void Engine::renew_keys() {
  const auto refuse = [](const std::string& reason) {
    log::error("the keys are not renewed, those in use stay in force", {{"error", reason}});
  };
  if (stopping_) return;
  if (keys_ == nullptr)
    return refuse("this leader was started without a key_file; a restart can change that");
  const auto read = reread_settings_();
  if (!read) return refuse(read.error().message);
  if (read->key_file.empty())
    return refuse("the settings name no key_file any more; a restart can change that");
  auto own = read_key_file(read->key_file);
  if (!own) return refuse(own.error().message);
  auto change = change_of_keys(key_settings_, keys_->own().public_keys(), *read, own->public_keys());
  if (!change) return refuse(change.error().message);
  for (const std::string& warning : change->warnings) log::warning(warning);
  key_settings_ = std::move(change->settings);
  if (change->changes.empty()) return log::info("the keys were read again and are the same");
  link_members_ = link_members(key_settings_, *replica_);
  SigningKeys trusted = signing_keys(*own, key_settings_, link_members_);
  keys_->replace(*std::move(own), std::move(trusted));
  log::info("the keys are renewed", {{"changes", fmt::format("{}", fmt::join(change->changes, "; "))}});
  if (!change->concerns_links) return;
  open_links_anew();
}

// Connections that an old key was good for must end, and ZeroMQ ends all of a door or none.
// What is on its way gets lost, and is pulled.
void Engine::open_links_anew() {
  loop_.forget_descriptors();
  links_.close();
  tend_links();
}

// The counters are in INFO; here is who it was, once a second at most.
void Engine::report_refusals() {
  const Refusals now = links_.refusals();
  const Refusals before = std::exchange(refusals_, now);
  if (now.keys != before.keys)
    alarm({"link_refused", fmt::format("refused {} connections with a key that no peer has, the last from {}",
                                       now.keys - before.keys, now.last_key)});
  if (now.handshakes != before.handshakes)
    alarm({"link_handshake_failed",
           fmt::format("refused {} connections to the doors for leaders: not a leader, or one with another "
                       "key of this leader in mind, or in clear where links are encrypted, or the reverse",
                       now.handshakes - before.handshakes)});
  if (now.too_many != before.too_many)
    alarm({"too_many_links",
           fmt::format("closed {} connections to the doors for leaders: {} are open (link_connections_max)",
                       now.too_many - before.too_many, links_.connections())});
  if (now.by_peers != before.by_peers)
    alarm({"link_refused_by_peer",
           fmt::format("region '{}' does not know this leader's key: it is not among the keys there, or this "
                       "region is no member of the cluster (turnstone region list)",
                       now.last_peer)});
}

}  // namespace turnstone::regions
