#include "regions/settings/keys.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

#include "regions/settings/values.hpp"

namespace turnstone::regions {
namespace {

constexpr std::uint64_t KiB = 1024, MiB = 1024 * KiB, GiB = 1024 * MiB;

template <class T>
Result<void> assign(T& target, Result<T> value) {
  if (!value) return tl::make_unexpected(value.error());
  target = *std::move(value);
  return {};
}

template <auto member>
Result<void> set_text(Draft& draft, std::string_view text) {
  if (text.empty()) return fail(Errc::config, "is empty");
  draft.settings.*member = std::string(text);
  return {};
}
template <auto member>
std::string show_text(const Settings& settings) {
  return (settings.*member).empty() ? std::string() : quote(settings.*member);
}

template <auto member>
Result<void> set_listen(Draft& draft, std::string_view text) {
  return assign(draft.settings.*member, parse_listen(text));
}
template <auto member>
std::string show_endpoint(const Settings& settings) {
  return quote(to_string(settings.*member));
}
Result<void> set_pull(Draft& draft, std::string_view text) {
  draft.pull_given = true;
  return set_listen<&Settings::pull>(draft, text);
}

template <auto member>
Result<void> set_flag(Draft& draft, std::string_view text) {
  return assign(draft.settings.*member, parse_flag(text));
}
template <auto member>
std::string show_flag(const Settings& settings) {
  return settings.*member ? "true" : "false";
}

template <auto member, std::uint64_t min, std::uint64_t max>
Result<void> set_number(Draft& draft, std::string_view text) {
  return assign(draft.settings.*member, parse_number(text, min, max));
}
template <auto member>
std::string show_number(const Settings& settings) {
  return fmt::format("{}", settings.*member);
}
template <auto member, std::uint64_t min, std::uint64_t max>
Result<void> set_size(Draft& draft, std::string_view text) {
  return assign(draft.settings.*member, parse_size(text, min, max));
}
template <auto member>
std::string show_size(const Settings& settings) {
  return quote(size_text(settings.*member));
}

Result<void> set_disk_reserve(Draft& draft, std::string_view text) {
  draft.settings.disk_reserve_bytes.reset();
  if (text == "auto") return {};
  const auto bytes = parse_size(text, 0, 1024 * GiB);
  if (!bytes) return tl::make_unexpected(bytes.error());
  draft.settings.disk_reserve_bytes = *bytes;
  return {};
}
std::string show_disk_reserve(const Settings& settings) {
  return quote(settings.disk_reserve_bytes ? size_text(*settings.disk_reserve_bytes) : "auto");
}

Result<void> add_peer(Draft& draft, std::string_view text) {
  auto peer = parse_peer(text);
  if (!peer) return tl::make_unexpected(peer.error());
  draft.settings.peers.push_back(*std::move(peer));
  return {};
}
// Peers are tables of their own in the file; toml_text() writes them.
std::string show_peers(const Settings&) { return {}; }

Result<void> add_peer_key(Draft& draft, std::string_view text) {
  auto key = parse_region_key(text);
  if (!key) return tl::make_unexpected(key.error());
  draft.peer_keys.push_back(*std::move(key));
  return {};
}
// They stand in their peers' tables.
std::string show_peer_keys(const Settings&) { return {}; }

Result<void> add_earlier_key(Draft& draft, std::string_view text) {
  auto key = parse_region_key(text);
  if (!key) return tl::make_unexpected(key.error());
  draft.settings.earlier_keys.push_back(*std::move(key));
  return {};
}
std::string show_earlier_keys(const Settings& settings) {
  std::string out;
  for (const auto& [region, keys] : settings.earlier_keys)
    out += fmt::format("{}\n  \"{}={}\"", out.empty() ? "" : ",", region, to_string(keys));
  return out.empty() ? out : fmt::format("[{}\n]", out);
}

constexpr std::pair<std::string_view, LogLevel> levels[] = {{"trace", LogLevel::trace},
                                                            {"debug", LogLevel::debug},
                                                            {"info", LogLevel::info},
                                                            {"warning", LogLevel::warning},
                                                            {"error", LogLevel::error}};
constexpr std::pair<std::string_view, LogFormat> formats[] = {
    {"auto", LogFormat::automatic}, {"text", LogFormat::text}, {"json", LogFormat::json}};

template <auto member>
Result<void> set_word(Draft& draft, std::string_view text, const auto& words) {
  std::string allowed;
  for (const auto& [word, value] : words) {
    if (word == text) {
      draft.settings.*member = value;
      return {};
    }
    allowed += fmt::format("{}{}", allowed.empty() ? "" : ", ", word);
  }
  return fail(Errc::config, fmt::format("\"{}\" is not one of {}", text, allowed));
}
template <auto member>
std::string show_word(const Settings& settings, const auto& words) {
  const auto* found =
      std::ranges::find(words, settings.*member, [](const auto& word) { return word.second; });
  return quote(found->first);
}
Result<void> set_level(Draft& draft, std::string_view text) {
  return set_word<&Settings::log_level>(draft, text, levels);
}
std::string show_level(const Settings& settings) { return show_word<&Settings::log_level>(settings, levels); }
constexpr std::pair<std::string_view, AuditValues> value_policies[] = {
    {"full", AuditValues::full}, {"truncated", AuditValues::truncated}, {"redacted", AuditValues::redacted}};
Result<void> set_audit_values(Draft& draft, std::string_view text) {
  return set_word<&Settings::audit_values>(draft, text, value_policies);
}
std::string show_audit_values(const Settings& settings) {
  return show_word<&Settings::audit_values>(settings, value_policies);
}
Result<void> set_format(Draft& draft, std::string_view text) {
  return set_word<&Settings::log_format>(draft, text, formats);
}
std::string show_format(const Settings& settings) {
  return show_word<&Settings::log_format>(settings, formats);
}

Result<void> add_plugin(Draft& draft, std::string_view text) {
  if (text.empty()) return fail(Errc::config, "is empty");
  draft.settings.merge_plugins.emplace_back(text);
  return {};
}
std::string show_plugins(const Settings& settings) {
  std::string out;
  for (const std::string& path : settings.merge_plugins)
    out += fmt::format("{}{}", out.empty() ? "" : ", ", quote(path));
  return out.empty() ? out : fmt::format("[{}]", out);
}

// Letters to insert, drop or change to turn one word into the other.
std::size_t edits(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t changed = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, changed}));
    }
  }
  return row.back();
}

using enum KeyType;
using S = Settings;

constexpr Key table[] = {
    {"region", text, KeyGroup::region, "NAME", "this leader's region, such as paris (required)",
     set_text<&S::region>, show_text<&S::region>},
    {"data", text, KeyGroup::region, "DIR", "directory for this leader's files (required)",
     set_text<&S::data_directory>, show_text<&S::data_directory>},
    {"cluster", text, KeyGroup::region, "NAME", "leaders of other clusters are not heard",
     set_text<&S::cluster>, show_text<&S::cluster>},
    {"peer", peer, KeyGroup::region, "NAME=HOST:PORT[,HOST:PULLPORT]",
     "another region's leader: its gossip and pull addresses; once for each", add_peer, show_peers},
    {"join", flag, KeyGroup::region, "",
     "with an empty data directory: take the data from the peers before any write", set_flag<&S::join>,
     show_flag<&S::join>},
    {"bring_back", text, KeyGroup::region, "DIR",
     "bring back what the leader of this data directory (of a removed region, or an old one of this region) "
     "wrote and nobody took from it",
     set_text<&S::bring_back>, show_text<&S::bring_back>},
    {"set_damaged_aside", flag, KeyGroup::region, "",
     "for one start: keep a damaged end of the log aside, and take what it held from the peers",
     set_flag<&S::set_damaged_aside>, show_flag<&S::set_damaged_aside>},
    {"merge_plugins", list, KeyGroup::region, "LIBRARY",
     "shared library with merge functions (docs/merge.md); may be given more than once", add_plugin,
     show_plugins},

    {"resp", text, KeyGroup::doors, "HOST:PORT", "for Redis clients", set_listen<&S::resp>,
     show_endpoint<&S::resp>},
    {"gossip", text, KeyGroup::doors, "HOST:PORT", "publishes writes to the peers", set_listen<&S::gossip>,
     show_endpoint<&S::gossip>},
    {"pull", text, KeyGroup::doors, "HOST:PORT",
     "answers peers that missed some; the port after gossip if not set", set_pull, show_endpoint<&S::pull>},

    {"key_file", text, KeyGroup::safety, "FILE",
     "this leader's secret keys, made by turnstone keygen: links are encrypted, writes signed",
     set_text<&S::key_file>, show_text<&S::key_file>},
    {"peer_key", KeyType::list, KeyGroup::safety, "NAME=PUBLICKEY",
     "what a peer is known by; once for each peer, twice while it changes its keys", add_peer_key,
     show_peer_keys},
    {"earlier_key", KeyType::list, KeyGroup::safety, "NAME=PUBLICKEY",
     "a key that a region, or this one, has used before: its old writes are signed with it", add_earlier_key,
     show_earlier_keys},
    {"requirepass_file", text, KeyGroup::safety, "FILE", "holds the password that Redis clients must give",
     set_text<&S::requirepass_file>, show_text<&S::requirepass_file>},
    {"resp_without_tls", flag, KeyGroup::safety, "",
     "accept that resp is not encrypted on an address outside loopback; needs a password",
     set_flag<&S::resp_without_tls>, show_flag<&S::resp_without_tls>},
    {"gossip_without_curve", flag, KeyGroup::safety, "",
     "accept that links outside loopback are neither encrypted nor authenticated",
     set_flag<&S::gossip_without_curve>, show_flag<&S::gossip_without_curve>},
    {"allow_link_control", flag, KeyGroup::safety, "",
     "enable TS.LINK CUT|HEAL, for demonstrations and tests", set_flag<&S::allow_link_control>,
     show_flag<&S::allow_link_control>},

    {"value_bytes_max", size, KeyGroup::limits, "SIZE", "largest value, up to 512MiB",
     set_size<&S::value_bytes_max, KiB, 512 * MiB>, show_size<&S::value_bytes_max>},
    {"clients_max", number, KeyGroup::limits, "N", "Redis clients at once",
     set_number<&S::clients_max, 1, 1'000'000>, show_number<&S::clients_max>},
    {"client_output_bytes_max", size, KeyGroup::limits, "SIZE",
     "unread replies of one client; beyond it no more of its requests are read",
     set_size<&S::client_output_bytes_max, 64 * KiB, 64 * GiB>, show_size<&S::client_output_bytes_max>},
    {"clients_bytes_max", size, KeyGroup::limits, "SIZE",
     "requests and replies under way, of all clients together; who adds most is cut off",
     set_size<&S::clients_bytes_max, MiB, 1024 * GiB>, show_size<&S::clients_bytes_max>},
    {"unstable_increments_max", number, KeyGroup::limits, "N",
     "increments that a region has yet to get; writes are refused above it",
     set_number<&S::unstable_increments_max, 1000, 1'000'000'000>, show_number<&S::unstable_increments_max>},
    {"pending_bytes_max", size, KeyGroup::limits, "SIZE",
     "what came from other leaders before what it depends on; the rest is pulled later",
     set_size<&S::pending_bytes_max, 64 * KiB, 64 * GiB>, show_size<&S::pending_bytes_max>},
    {"uncommitted_bytes_max", size, KeyGroup::limits, "SIZE",
     "written and not on the disk yet; nothing more is read or taken above it",
     set_size<&S::uncommitted_bytes_max, 64 * KiB, 64 * GiB>, show_size<&S::uncommitted_bytes_max>},
    {"dirty_cells_max", number, KeyGroup::limits, "N",
     "changed cells waiting for a checkpoint; writes slow down towards it",
     set_number<&S::dirty_cells_max, 1000, 1'000'000'000>, show_number<&S::dirty_cells_max>},
    {"mirror_bytes_per_second", size, KeyGroup::limits, "SIZE",
     "how fast copies of the state are given to other leaders",
     set_size<&S::mirror_bytes_per_second, 64 * KiB, 64 * GiB>, show_size<&S::mirror_bytes_per_second>},
    {"log_retain_bytes", size, KeyGroup::limits, "SIZE",
     "newest part of the log that stays although all regions have it",
     set_size<&S::log_retain_bytes, 0, 1024 * GiB>, show_size<&S::log_retain_bytes>},
    {"disk_reserve_bytes", size, KeyGroup::limits, "SIZE|auto",
     "refuse writes when less is free; auto: the smaller of 256MiB and 5% of the disk", set_disk_reserve,
     show_disk_reserve},
    {"checkpoint_interval_ms", number, KeyGroup::limits, "MS", "time between checkpoints",
     set_number<&S::checkpoint_interval_ms, 10, 3'600'000>, show_number<&S::checkpoint_interval_ms>},
    {"sweep_ms", number, KeyGroup::limits, "MS",
     "time in which all data is compared with the other regions' once",
     set_number<&S::sweep_ms, 100, 86'400'000>, show_number<&S::sweep_ms>},

    {"close_after_ms", number, KeyGroup::limits, "MS",
     "an earlier run of a leader is closed when it was not heard for this long; 0: never",
     set_number<&S::close_after_ms, 0, 86'400'000>, show_number<&S::close_after_ms>},

    {"audit_retain_days", number, KeyGroup::limits, "DAYS",
     "conflicts stay on record for so long after they were found",
     set_number<&S::audit_retain_days, 1, 36'500>, show_number<&S::audit_retain_days>},
    {"audit_retain_bytes", size, KeyGroup::limits, "SIZE",
     "and the oldest leave where the record grows beyond this",
     set_size<&S::audit_retain_bytes, MiB, 1024 * GiB>, show_size<&S::audit_retain_bytes>},
    {"audit_values", text, KeyGroup::limits, "WHICH",
     "what the record keeps of values: full, truncated or redacted", set_audit_values, show_audit_values},
    {"audit_value_bytes", size, KeyGroup::limits, "SIZE", "how much of a truncated value",
     set_size<&S::audit_value_bytes, 0, GiB>, show_size<&S::audit_value_bytes>},

    {"log_level", text, KeyGroup::logging, "LEVEL", "trace, debug, info, warning or error", set_level,
     show_level},
    {"log_format", text, KeyGroup::logging, "FORMAT",
     "text, json, or auto: text on a terminal and JSON lines elsewhere", set_format, show_format},
};

}  // namespace

std::span<const Key> keys() { return table; }

bool is_list(const Key& key) { return key.type == KeyType::peer || key.type == KeyType::list; }

const Key* find_key(std::string_view name) {
  const auto* found = std::ranges::find(table, name, &Key::name);
  return found == std::end(table) ? nullptr : found;
}

const Key* nearest_key(std::string_view name) {
  constexpr std::size_t typos_max = 2;
  const auto* nearest =
      std::ranges::min_element(table, {}, [&](const Key& key) { return edits(key.name, name); });
  return edits(nearest->name, name) <= typos_max ? nearest : nullptr;
}

std::string flag_of(const Key& key) {
  std::string flag = fmt::format("--{}", key.name);
  std::ranges::replace(flag, '_', '-');
  return flag;
}

std::string variable_of(const Key& key) {
  std::string variable = fmt::format("TURNSTONE_{}", key.name);
  std::ranges::transform(variable, variable.begin(),
                         [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
  return variable;
}

}  // namespace turnstone::regions
