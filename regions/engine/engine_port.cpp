// What commands ask of the leader.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "core/hash.hpp"
#include "regions/engine/engine.hpp"
#include "regions/settings/log.hpp"

namespace turnstone::regions {
namespace {

std::uint64_t resident_bytes() {
  std::uint64_t pages = 0;
  if (std::FILE* file = std::fopen("/proc/self/statm", "r")) {
    if (std::fscanf(file, "%*u %lu", &pages) != 1) pages = 0;
    std::fclose(file);
  }
  return pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

std::string show_word(AuditValues values) {
  if (values == AuditValues::full) return "full";
  return values == AuditValues::truncated ? "truncated" : "redacted";
}

}  // namespace

commands::Stats Engine::stats() const {
  const RespDoorCounters& counters = door_.counters();
  commands::Stats stats;
  stats.commands_processed = counters.commands;
  stats.connections_received = counters.connections;
  stats.connections_rejected = counters.rejected;
  stats.net_input_bytes = counters.input_bytes;
  stats.net_output_bytes = counters.output_bytes;
  stats.ops_per_second = ops_per_second_;
  stats.memory_bytes = resident_bytes();
  stats.link_requests_dropped = links_.requests_dropped();
  stats.link_replies_dropped = links_.replies_dropped();
  const Refusals refusals = links_.refusals();
  stats.links_refused = refusals.keys;
  stats.link_handshakes_failed = refusals.handshakes;
  return stats;
}

Bounds Engine::bounds() const {
  const RespDoorBuffers buffers = door_.buffers();
  const RespDoorCounters& door = door_.counters();
  Bounds all{
      {"clients_max", door_.sessions(), settings_.clients_max, door.rejected},
      {"client_output_bytes_max", buffers.output_bytes_most, settings_.client_output_bytes_max, door.stalled},
      {"clients_bytes_max", buffers.all(), settings_.clients_bytes_max, door.shed},
      {"dirty_cells_max", replica_->keyspace().dirty().size(), settings_.dirty_cells_max, dirty_pauses_},
      {"quarantine_bytes_max", aside_.bytes(), durability::KeptAside::quarantine_bytes_max,
       aside_.not_kept()},
      {"conflicts_max", conflicts_.size(), ConflictLog::conflicts_max, conflicts_.pushed_out()},
      {"merges_waiting_max", merge_watch_.waiting(), MergeWatch::waiting_max, merge_watch_.left_to_readers()},
      {"conflicts_bytes_max", conflicts_.unstored_bytes(), ConflictLog::conflicts_bytes_max,
       conflicts_.lost()},
      {"audit_questions_max", audit_desk_.waiting(), AuditDesk::audit_questions_max,
       audit_questions_refused_},
      {"link_connections_max", links_.connections(), links_.connections_max(), links_.refusals().too_many},
  };
  const Bounds mirror = mirroring_.bounds();
  all.insert(all.end(), mirror.begin(), mirror.end());
  return all;
}

std::vector<std::pair<std::string, std::string>> Engine::settings() const {
  return {
      // Redis's names, as its clients and tools read them.
      {"save", ""},
      {"appendonly", "yes"},
      {"appendfsync", "always"},
      {"port", std::to_string(settings_.resp.port)},
      {"bind", settings_.resp.host},
      {"databases", "1"},
      {"maxclients", std::to_string(settings_.clients_max)},
      {"maxmemory", "0"},
      {"maxmemory-policy", "noeviction"},
      {"proto-max-bulk-len", std::to_string(settings_.value_bytes_max)},
      {"dir", info_.data_directory},
      {"timeout", "0"},
      // Our own.
      {"region", settings_.region},
      {"cluster", settings_.cluster},
      {"gossip", to_string(settings_.gossip)},
      {"pull", to_string(settings_.pull)},
      {"checkpoint-interval-ms", std::to_string(settings_.checkpoint_interval_ms)},
      {"sweep-ms", std::to_string(settings_.sweep_ms)},
      {"clients-bytes-max", std::to_string(settings_.clients_bytes_max)},
      {"unstable-increments-max", std::to_string(settings_.unstable_increments_max)},
      {"pending-bytes-max", std::to_string(settings_.pending_bytes_max)},
      {"uncommitted-bytes-max", std::to_string(settings_.uncommitted_bytes_max)},
      {"dirty-cells-max", std::to_string(settings_.dirty_cells_max)},
      {"mirror-bytes-per-second", std::to_string(settings_.mirror_bytes_per_second)},
      {"audit-retain-days", std::to_string(settings_.audit_retain_days)},
      {"audit-retain-bytes", std::to_string(settings_.audit_retain_bytes)},
      {"audit-values", show_word(settings_.audit_values)},
      {"audit-value-bytes", std::to_string(settings_.audit_value_bytes)},
      {"close-after-ms", std::to_string(settings_.close_after_ms)},
      {"log-retain-bytes", std::to_string(settings_.log_retain_bytes)},
      {"allow-link-control", settings_.allow_link_control ? "yes" : "no"},
  };
}

commands::MirrorView Engine::mirror() const {
  const sync::MirrorSink& sink = mirroring_.sink();
  return {std::string(name(sink.state())), sink.source(), sink.bytes(), sink.total_bytes(),
          mirroring_.pages_given() * sync::mirror_page_bytes};
}

commands::LinkState Engine::link_state(std::string_view region) const {
  if (links_.is_cut(std::string(region))) return commands::LinkState::cut;
  const std::uint64_t now = now_ms();
  for (const sync::PeerView& peer : replica_->peers()) {
    if (peer.region != region || peer.heard_ms == 0) continue;
    const bool silent = now > peer.heard_ms + replica_->config().limits.peer_silence_ms;
    return silent ? commands::LinkState::down : commands::LinkState::up;
  }
  return commands::LinkState::down;
}

Result<void> Engine::control_link(std::string_view region, commands::LinkAction action) {
  if (!settings_.allow_link_control) {
    return fail(Errc::config,
                "link control is for tests and demos: start the leader with --allow-link-control");
  }
  auto done = action == commands::LinkAction::cut ? links_.cut(std::string(region))
                                                  : links_.heal(std::string(region));
  pump_links_soon();
  return done;
}

std::uint64_t Engine::repaired(std::size_t bucket, const std::vector<crdt::CellImage>& replaced) {
  log::warning("rows were replaced by those of another leader",
               {{"bucket", bucket}, {"rows", replaced.size()}});
  return checkpoints_.store_soon();
}

// Seeded by the origin, which the system's own generator drew.
std::uint64_t Engine::random() {
  random_state_ =
      hash64({reinterpret_cast<const char*>(&random_state_), sizeof random_state_}, random_state_);
  return random_state_;
}

}  // namespace turnstone::regions
