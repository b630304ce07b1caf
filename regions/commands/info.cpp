// INFO: the sections that Redis's clients and tools read, with our own facts beside them.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <string>

#include "regions/commands/handlers.hpp"
#include "regions/commands/leader_port.hpp"
#include "regions/commands/link_names.hpp"
#include "regions/commands/values.hpp"
#include "regions/commands/versions.hpp"

namespace turnstone::commands {
namespace {

constexpr std::size_t quarantined_shown_max = 16;

template <class... Values>
void line(std::string& out, fmt::format_string<Values...> format, Values&&... values) {
  fmt::format_to(std::back_inserter(out), format, std::forward<Values>(values)...);
  out += "\r\n";
}

void server(const Call& call, std::string& out) {
  const ServerInfo& info = call.leader.server_info();
  const std::uint64_t uptime_ms = call.now_ms > info.started_ms ? call.now_ms - info.started_ms : 0;
  line(out, "# Server");
  line(out, "redis_version:{}", redis_version);
  line(out, "turnstone_version:{}", info.version);
  line(out, "redis_mode:standalone");
  line(out, "arch_bits:64");
  line(out, "process_id:{}", getpid());
  line(out, "run_id:{}", to_string(call.replica.config().origin));
  line(out, "tcp_port:{}", info.resp_port);
  line(out, "server_time_usec:{}", call.now_ms * 1000);
  line(out, "uptime_in_seconds:{}", uptime_ms / 1000);
  line(out, "uptime_in_days:{}", uptime_ms / 86'400'000);
  line(out, "config_file:{}", info.config_file);
  line(out, "data_directory:{}", info.data_directory);
}

void clients(const Call& call, std::string& out) {
  line(out, "# Clients");
  line(out, "connected_clients:{}", call.leader.sessions());
}

void memory(const Call& call, std::string& out) {
  const std::uint64_t bytes = call.leader.stats().memory_bytes;
  line(out, "# Memory");
  line(out, "used_memory:{}", bytes);
  line(out, "used_memory_human:{:.2f}M", static_cast<double>(bytes) / 1048576.0);
  line(out, "used_memory_rss:{}", bytes);
  line(out, "maxmemory:0");
  line(out, "maxmemory_policy:noeviction");
}

void persistence(const Call& call, std::string& out) {
  const auto refused = call.leader.writes_refused();
  line(out, "# Persistence");
  line(out, "loading:{}", call.leader.loading() ? 1 : 0);
  line(out, "log_last_lsn:{}", call.replica.last_lsn());
  line(out, "log_durable_lsn:{}", call.replica.durable_lsn());
  line(out, "log_floor_lsn:{}", call.replica.log().floor_lsn());
  line(out, "cells_to_checkpoint:{}", call.replica.keyspace().dirty().size());
  line(out, "checkpoints_stored:{}", call.leader.checkpoints_stored());
  line(out, "writes_refused:{}", call.leader.loading().value_or(refused.value_or("")));
}

void stats(const Call& call, std::string& out) {
  const Stats stats = call.leader.stats();
  const sync::Counters& counters = call.replica.counters();
  line(out, "# Stats");
  line(out, "total_connections_received:{}", stats.connections_received);
  line(out, "total_commands_processed:{}", stats.commands_processed);
  line(out, "instantaneous_ops_per_sec:{}", stats.ops_per_second);
  line(out, "total_net_input_bytes:{}", stats.net_input_bytes);
  line(out, "total_net_output_bytes:{}", stats.net_output_bytes);
  line(out, "rejected_connections:{}", stats.connections_rejected);
  line(out, "links_refused:{}", stats.links_refused);
  line(out, "link_handshakes_failed:{}", stats.link_handshakes_failed);
  line(out, "link_requests_dropped:{}", stats.link_requests_dropped);
  line(out, "link_replies_dropped:{}", stats.link_replies_dropped);
  line(out, "batches_applied:{}", counters.batches_applied);
  line(out, "deltas_applied:{}", counters.deltas_applied);
  line(out, "duplicate_batches:{}", counters.duplicates);
  line(out, "pulls:{}", counters.pulls);
  line(out, "pages_served:{}", counters.pages_served);
  line(out, "frames_malformed:{}", counters.frames_malformed);
  line(out, "batches_quarantined:{}", counters.batches_quarantined);
  line(out, "batches_forged:{}", counters.batches_forged);
  line(out, "pending_dropped:{}", counters.pending_dropped);
  line(out, "ingest_refused:{}", counters.ingest_refused);
}

void replication(const Call& call, std::string& out) {
  const sync::Replica& replica = call.replica;
  line(out, "# Replication");
  line(out, "role:master");
  line(out, "connected_slaves:0");
  line(out, "cluster:{}", call.leader.server_info().cluster);
  line(out, "region:{}", replica.config().region);
  line(out, "origin:{}", to_string(replica.config().origin));
  line(out, "origins_in_vector:{}", replica.vector().entries().size());
  line(out, "origins_closing:{}", replica.closings().open().size());
  line(out, "origins_retired:{}", replica.closings().retired().entries().size());
  const MirrorView mirror = call.leader.mirror();
  line(out, "mirror:state={},source={},bytes={},total_bytes={}", mirror.state, mirror.source, mirror.bytes,
       mirror.total_bytes);
  line(out, "mirror_bytes_given:{}", mirror.bytes_given);
  line(out, "quarantined_origins:{}", replica.quarantined().size());
  std::size_t shown = 0;
  for (const auto& [origin, why] : replica.quarantined()) {
    if (shown == quarantined_shown_max) break;
    line(out, "quarantined{}:origin={},region={},first_seq={},reason={}", shown++, to_string(origin),
         why.region, why.first_seq, why.reason);
  }
  const auto peers = replica.peers();
  line(out, "peers:{}", peers.size());
  for (std::size_t i = 0; i < peers.size(); ++i) {
    const sync::PeerView& peer = peers[i];
    line(out, "peer{}:region={},link={},last_heard_ms_ago={},behind_us={},ahead_of_us={}", i, peer.region,
         link_name(call.leader.link_state(peer.region)), heard_ms_ago(peer, call.now_ms), peer.behind_us,
         peer.ahead_of_us);
    const sync::ComparisonView compared = replica.divergence().about(peer.region);
    line(out, "peer{}_comparison:buckets_compared={},differing={},overdue={},sweep_age_ms={}", i,
         compared.buckets_compared, compared.buckets_differing, compared.buckets_overdue,
         compared.sweep_age_ms ? static_cast<std::int64_t>(*compared.sweep_age_ms) : -1);
  }
}

void bounds(const Call& call, std::string& out) {
  line(out, "# Bounds");
  for (const Bounds& all : {call.replica.bounds(), call.leader.bounds()}) {
    for (const Bound& one : all)
      line(out, "{}:now={},max={},reached={}", one.name, one.now, one.max, one.reached);
  }
  line(out, "log_batches:{}", call.replica.log().size());
  line(out, "vector_entries:{}", call.replica.vector().entries().size());
}

void merging(const Call& call, std::string& out) {
  const auto policies = call.leader.merging().policies();
  line(out, "# Merging");
  line(out, "policies:{}", policies.size());
  line(out, "policies_without_function:{}", std::ranges::count_if(policies, [](const crdt::Policy& policy) {
         return policy.problem.has_value();
       }));
  line(out, "merges:{}", call.leader.merging().calls());
  line(out, "merges_failed:{}", call.leader.merging().failures());
}

void keyspace(const Call& call, std::string& out) {
  line(out, "# Keyspace");
  const std::size_t keys = call.replica.keyspace().size();
  if (keys > 0) line(out, "db0:keys={},expires=0,avg_ttl=0", keys);
}

struct Section {
  std::string_view name;
  void (*write)(const Call& call, std::string& out);
};
constexpr Section sections[] = {
    {"server", server},           {"clients", clients}, {"memory", memory},
    {"persistence", persistence}, {"stats", stats},     {"replication", replication},
    {"bounds", bounds},           {"merging", merging}, {"keyspace", keyspace},
};

bool asks_for_all(std::string_view word) {
  return is_word(word, "default") || is_word(word, "all") || is_word(word, "everything");
}

}  // namespace

namespace handle {

void info(Call& call, Args args) {
  const Args words = args.subspan(1);
  const bool all = words.empty() || std::any_of(words.begin(), words.end(), asks_for_all);
  std::string text;
  for (const Section& section : sections) {
    const auto names_it = [&](std::string_view word) { return is_word(word, section.name); };
    if (!all && std::none_of(words.begin(), words.end(), names_it)) continue;
    if (!text.empty()) text += "\r\n";
    section.write(call, text);
  }
  call.reply.verbatim(text);
}

}  // namespace handle
}  // namespace turnstone::commands
