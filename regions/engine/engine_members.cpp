// Members that change while the engine runs: the keys that batches are checked with, the links,
// and what people are told.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "regions/engine/engine.hpp"
#include "regions/engine/link_security.hpp"
#include "regions/settings/log.hpp"

namespace turnstone::regions {

// At once, since batches of a new region may be next; the links follow with the next tick.
void Engine::trust_members() {
  const LinkMembers now = link_members(key_settings_, *replica_);
  if (keys_ != nullptr) keys_->trust(signing_keys(keys_->own(), key_settings_, now));
  members_changed_ = true;
}

void Engine::follow_members() {
  members_changed_ = false;
  const LinkMembers before = std::exchange(link_members_, link_members(key_settings_, *replica_));
  for (const std::string& complaint : link_members_.complaints) alarm({"region_without_link", complaint});
  if (!links_.is_open()) return;
  const auto is_in = [](const std::vector<PeerSettings>& peers, const PeerSettings& peer) {
    return std::ranges::find(peers, peer) != peers.end();
  };
  for (const PeerSettings& peer : link_members_.peers)
    if (!is_in(before.peers, peer))
      log::info("a region joins", {{"joining", peer.name}, {"address", record_address(peer)}});
  for (const PeerSettings& peer : before.peers)
    if (!is_in(link_members_.peers, peer))
      log::warning("a removed region is let go: nothing is taken from its leader any more",
                   {{"removed", peer.name}});
  if (before.peers != link_members_.peers || before.gone != link_members_.gone) open_links_anew();
}

void Engine::check_exclusion() {
  if (replica_->exclusion() == excluded_) return;
  excluded_ = replica_->exclusion();
  if (excluded_) {
    log::error("writes are refused", {{"alarm", "excluded"}, {"reason", *excluded_}});
  } else {
    log::info("writes are accepted: this region is a member of the cluster");
  }
}

// Who was a member before members were data stands in the settings only, so far; a new region
// has to know them all before it may begin.
Result<std::vector<commands::MemberRecord>> Engine::records_for(const std::string& region,
                                                                const std::string& address,
                                                                const std::string& keys) const {
  auto added = peer_of_record(region, address, keys, keys_ != nullptr);
  if (!added) return tl::make_unexpected(added.error());
  std::vector<commands::MemberRecord> records;
  const auto add = [&](const PeerSettings& peer, bool founding) {
    if (replica_->members().find(peer.name) == nullptr && peer.name != region)
      records.push_back({peer.name, record_address(peer), record_keys(peer), founding});
  };
  PeerSettings self{settings_.region, settings_.gossip, settings_.pull, {}};
  if (keys_ != nullptr) self.keys.push_back(keys_->own().public_keys());
  add(self, true);
  for (const PeerSettings& peer : key_settings_.peers) add(peer, true);
  records.push_back({region, record_address(*added), record_keys(*added), false});
  return records;
}

std::string Engine::address_of(const std::string& region) const {
  if (region == settings_.region)
    return record_address({settings_.region, settings_.gossip, settings_.pull, {}});
  const auto found = std::ranges::find(link_members_.peers, region, &PeerSettings::name);
  return found == link_members_.peers.end() ? std::string() : record_address(*found);
}

}  // namespace turnstone::regions
