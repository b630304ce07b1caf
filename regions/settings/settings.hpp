#pragma once
// What a leader is told before it starts. Plain values; where they come from is load.hpp.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "regions/security/public_keys.hpp"
#include "regions/settings/endpoint.hpp"

namespace turnstone::regions {

struct PeerSettings {
  std::string name;  // the peer's region
  Endpoint gossip;   // its PUB socket
  Endpoint pull;     // its ROUTER socket
  // What it may be known by: one, or two while it changes its keys.
  std::vector<PublicKeys> keys = {};
  friend bool operator==(const PeerSettings&, const PeerSettings&) = default;
};

struct RegionKey {
  std::string region;
  PublicKeys keys;
  friend bool operator==(const RegionKey&, const RegionKey&) = default;
};

enum class LogLevel { trace, debug, info, warning, error };
// automatic: text when stderr is a terminal, JSON lines otherwise.
enum class LogFormat { automatic, text, json };

// What the record of conflicts keeps of values.
enum class AuditValues { full, truncated, redacted };

struct Settings {
  std::string region;
  std::string cluster = "turnstone";
  std::string data_directory;

  Endpoint resp{"127.0.0.1", 7001};    // Redis clients
  Endpoint gossip{"127.0.0.1", 7101};  // PUB: batches and beacons
  Endpoint pull{"127.0.0.1", 7102};    // ROUTER: ranges that a peer missed
  std::vector<PeerSettings> peers;

  // This leader's secret keys; empty: links are in clear. The keys themselves are read when
  // the links are opened.
  std::string key_file;
  // Used before, by anybody: old writes are signed with them.
  std::vector<RegionKey> earlier_keys;

  // The data come from the other regions first: for a region that is added to a running
  // cluster, or lost its disk. Means nothing once the data directory holds something.
  bool join = false;
  // The data directory of a removed region, or an old one of this region's: what was written there
  // and reached nobody is brought back. Empty: none.
  std::string bring_back;

  // A log that is damaged behind the stored state does not stop the start: the damaged batch
  // and those behind it are kept aside, and what peers have of them is taken from there.
  bool set_damaged_aside = false;

  // Shared libraries with merge functions (regions/merge/turnstone_merge.h), loaded at start.
  std::vector<std::string> merge_plugins;

  std::string requirepass_file;
  std::string requirepass;        // what the file holds; empty: no password. Never printed.
  bool resp_without_tls = false;  // exceptions to "loopback only", see check_settings()
  bool gossip_without_curve = false;
  bool allow_link_control = false;  // TS.LINK CUT|HEAL, for demos and tests

  std::uint64_t value_bytes_max = 1024 * 1024;
  std::uint64_t clients_max = 10'000;
  std::uint64_t client_output_bytes_max = 8 * 1024 * 1024;
  // Requests and replies under way and transactions not executed, of all clients together.
  std::uint64_t clients_bytes_max = 1024u * 1024 * 1024;
  // Increments that not every region has: writes are refused above it.
  std::uint64_t unstable_increments_max = 5'000'000;
  // Batches of other leaders that came before what they depend on, and batches that are not
  // on the disk yet.
  std::uint64_t pending_bytes_max = 64u * 1024 * 1024;
  std::uint64_t uncommitted_bytes_max = 64u * 1024 * 1024;
  // Changed cells that wait for a checkpoint; writes slow down towards it.
  std::uint64_t dirty_cells_max = 1'000'000;
  // How fast copies of the state are given to other leaders, all together.
  std::uint64_t mirror_bytes_per_second = 64u * 1024 * 1024;
  std::uint64_t close_after_ms = 600'000;
  std::uint64_t log_retain_bytes = 256u * 1024 * 1024;
  // Writes are refused when less is free; not set: see disk_reserve().
  std::optional<std::uint64_t> disk_reserve_bytes;
  std::uint64_t checkpoint_interval_ms = 10'000;
  // Every bucket's digest is announced to the peers once in this time.
  std::uint64_t sweep_ms = 40'000;

  // The record of conflicts: how long and how large, and what of the values.
  std::uint64_t audit_retain_days = 90;
  std::uint64_t audit_retain_bytes = 1024u * 1024 * 1024;
  AuditValues audit_values = AuditValues::full;
  std::uint64_t audit_value_bytes = 1024;

  LogLevel log_level = LogLevel::info;
  LogFormat log_format = LogFormat::automatic;

  friend bool operator==(const Settings&, const Settings&) = default;
};

// Whether a region or cluster may have this name: 1 to 32 characters of a-z, 0-9 and "-".
bool is_name(std::string_view text);

// Everything that is wrong with the settings as a whole, a sentence each; empty when a
// leader may start. A door on another address than loopback is refused unless its
// exception is set (the links' door: unless there is a key file), and the Redis door then
// needs a password, too.
std::vector<std::string> check_settings(const Settings& settings);

// The exceptions that the settings really use, a sentence each, to be logged at start.
std::vector<std::string> exceptions_used(const Settings& settings);

// Bytes to keep free on a disk of this capacity: as set, or the smaller of 256 MiB and 5 %.
std::uint64_t disk_reserve(const Settings& settings, std::uint64_t capacity_bytes);

}  // namespace turnstone::regions
