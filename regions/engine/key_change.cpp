#include "regions/engine/key_change.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace turnstone::regions {
namespace {

template <class List, class Item>
bool holds(const List& list, const Item& item) {
  return std::ranges::find(list, item) != list.end();
}

// "peer tokyo: + tspub1-..." for what only `after` has, "-" for what only `before` has.
// Returns what only `before` has.
template <class List>
List note(const List& before, const List& after, auto&& name_of, std::vector<std::string>& changes) {
  List gone;
  for (const auto& item : after)
    if (!holds(before, item)) changes.push_back(name_of('+', item));
  for (const auto& item : before) {
    if (holds(after, item)) continue;
    changes.push_back(name_of('-', item));
    gone.push_back(item);
  }
  return gone;
}

// Takes the keys of `read` over, and nothing else.
Result<Settings> with_keys_of(const Settings& read, Settings settings) {
  settings.key_file = read.key_file;
  settings.earlier_keys = read.earlier_keys;
  for (PeerSettings& peer : settings.peers) {
    const auto found = std::ranges::find(read.peers, peer.name, &PeerSettings::name);
    if (found == read.peers.end())
      return fail(Errc::config,
                  fmt::format("peer {} is missing in the settings; peers change by a restart", peer.name));
    peer.keys = found->keys;
  }
  return settings;
}

// Who writes with a key that nobody knows any more is not believed, however long ago it was.
void warn_of_lost_writes(const std::string& region, const PublicKeys& gone, const Settings& settings,
                         std::vector<std::string>& warnings) {
  const bool kept = std::ranges::any_of(settings.earlier_keys, [&](const RegionKey& key) {
    return key.region == region && key.keys.signing == gone.signing;
  });
  if (kept) return;
  warnings.push_back(fmt::format(
      "what {} has signed with {} is not taken any more, from any leader; as long as a leader may "
      "have to pull it, the key belongs among the earlier_key",
      region, to_string(gone)));
}

}  // namespace

Result<KeyChange> change_of_keys(const Settings& in_force, const PublicKeys& own, const Settings& read,
                                 const PublicKeys& own_read) {
  auto settings = with_keys_of(read, in_force);
  if (!settings) return tl::make_unexpected(settings.error());
  KeyChange change{*std::move(settings), {}, {}, false};
  if (own_read != own) {
    change.changes.push_back(
        fmt::format("this leader's own: {} in place of {}", to_string(own_read), to_string(own)));
    warn_of_lost_writes(in_force.region, own, change.settings, change.warnings);
  }
  for (std::size_t i = 0; i < in_force.peers.size(); ++i) {
    const PeerSettings& peer = in_force.peers[i];
    const auto gone = note(
        peer.keys, change.settings.peers[i].keys,
        [&](char sign, const PublicKeys& keys) {
          return fmt::format("peer {}: {}{}", peer.name, sign, to_string(keys));
        },
        change.changes);
    for (const PublicKeys& keys : gone)
      warn_of_lost_writes(peer.name, keys, change.settings, change.warnings);
  }
  change.concerns_links = !change.changes.empty();
  note(
      in_force.earlier_keys, change.settings.earlier_keys,
      [](char sign, const RegionKey& key) {
        return fmt::format("earlier of {}: {}{}", key.region, sign, to_string(key.keys));
      },
      change.changes);
  if (change.settings != read)
    change.warnings.emplace_back(
        "other settings than keys have changed, too; they count from the next start");
  return change;
}

}  // namespace turnstone::regions
