#include "regions/engine/leader.hpp"

#include <fmt/format.h>
#include <sys/random.h>
#include <sys/resource.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "core/hash.hpp"
#include "regions/durability/earlier_writes.hpp"
#include "regions/engine/engine.hpp"
#include "regions/engine/link_security.hpp"
#include "regions/settings/exit_code.hpp"
#include "regions/settings/log.hpp"

namespace turnstone::regions {
namespace {

int exit_code_of(const Error& error) {
  switch (error.code) {
    case Errc::in_use:
      return exit_code::in_use;
    case Errc::config:
    case Errc::wrong_cluster:
    case Errc::unsupported_version:
      return exit_code::config;
    default:
      return exit_code::io;
  }
}

// Fresh for every start: no restore, clone or lost tail of the log can use a stamp twice.
Result<Origin> draw_origin(const std::string& region) {
  Origin origin{};
  while (origin == Origin{}) {
    std::uint64_t number = 0;
    if (getrandom(&number, sizeof number, 0) != static_cast<ssize_t>(sizeof number)) {
      return fail(Errc::io, "the system gives no random number");
    }
    origin = sync::origin_of(region, number);
  }
  return origin;
}

sync::ReplicaConfig replica_config(const Settings& settings, Origin origin,
                                   const std::shared_ptr<KeyRing>& keys) {
  sync::ReplicaConfig config;
  config.cluster = hash64(settings.cluster);
  config.region = settings.region;
  config.origin = origin;
  config.signatures = keys;
  config.limits.sweep_ms = settings.sweep_ms;
  config.limits.compare_within_ms = 3 * settings.sweep_ms;
  config.limits.close_after_ms = settings.close_after_ms;
  config.limits.unstable_increments_max = settings.unstable_increments_max;
  config.limits.pending_bytes_max = settings.pending_bytes_max;
  config.limits.uncommitted_bytes_max = settings.uncommitted_bytes_max;
  config.limits.log_retain_bytes = settings.log_retain_bytes;
  for (const PeerSettings& peer : settings.peers) config.peers.push_back(peer.name);
  return config;
}

void report_recovery(const durability::RecoveryReport& report) {
  for (const std::string& text : report.alarms) log::warning(text, {{"alarm", "recovery"}});
  log::info("recovered", {{"cells", report.cells_loaded},
                          {"batches_replayed", report.batches_replayed},
                          {"state_lsn", report.state_lsn},
                          {"log_lsn", report.log_lsn}});
}

// Once this leader has the data: what it has need not be brought back.
Result<void> find_earlier_writes(const Settings& settings, durability::Store& store) {
  const bool joins = settings.join && store.replica->last_lsn() == 0;
  if (settings.bring_back.empty() || joins || store.directory.has(durability::joining_file)) return {};
  const sync::Replica& replica = *store.replica;
  const VersionVector vector = replica.full_vector();
  const auto is_kept = [&](Origin origin, Seq first_seq) {
    return std::any_of(store.aside.begin(), store.aside.end(), [&](const storage::AsidePlace& place) {
      return place.origin == origin && place.first_seq == first_seq;
    });
  };
  const auto kept = durability::keep_earlier_writes_of(
      settings.bring_back, settings.cluster,
      [&](const std::string& region) -> Result<void> {
        if (region == settings.region || replica.members().is_removed(region)) return {};
        return fail(Errc::config,
                    fmt::format("{} is of region '{}', which belongs to the cluster: start its own "
                                "leader on it, or remove the region first",
                                settings.bring_back, region));
      },
      [&](Origin origin, Seq first_seq, Seq last_seq) {
        return !vector.covers({origin, last_seq}) &&
               !replica.has_brought_back({origin, first_seq, last_seq}) && !is_kept(origin, first_seq);
      },
      store.aside.empty() ? 1 : store.aside.back().id + 1, store.log);
  if (!kept) return tl::make_unexpected(kept.error());
  log::info("found what was written earlier and is not here",
            {{"directory", settings.bring_back}, {"batches", *kept}});
  auto reader = storage::LogReader::open(store.directory.file(durability::log_file));
  if (!reader) return tl::make_unexpected(reader.error());
  auto aside = reader->aside();
  if (!aside) return tl::make_unexpected(aside.error());
  store.aside = std::move(*aside);
  return {};
}

struct Run {
  int exit_code = 0;
  bool reopen = false;
  Settings settings;  // with the keys that were in force at the end
};

Run run_once(const Settings& settings, const std::shared_ptr<KeyRing>& keys, const RereadSettings& reread) {
  const auto refuse = [&](const char* what, const Error& error, int code) {
    log::error(what, {{"error", error.message}});
    return Run{code, false, settings};
  };
  const auto origin = draw_origin(settings.region);
  if (!origin) return refuse("cannot start", origin.error(), exit_code::io);

  auto store = durability::open_store(
      settings.data_directory, {settings.cluster, settings.region},
      [&] { return std::make_unique<sync::Replica>(replica_config(settings, *origin, keys)); },
      ConflictLog::conflicts_max,
      settings.set_damaged_aside ? durability::DamagedLog::set_aside : durability::DamagedLog::refuse);
  if (!store) return refuse("cannot open the data directory", store.error(), exit_code_of(store.error()));
  report_recovery(store->report);
  if (auto found = find_earlier_writes(settings, *store); !found)
    return refuse("cannot bring back what was written earlier", found.error(), exit_code_of(found.error()));

  const auto log_path = store->directory.file(durability::log_file);
  auto reader = storage::LogReader::open(log_path);
  auto scanner = storage::LogReader::open(log_path);
  if (!reader) return refuse("cannot read the log", reader.error(), exit_code::io);
  if (!scanner) return refuse("cannot read the log", scanner.error(), exit_code::io);

  // Until now nothing is lost by a sudden end; the engine's threads are not to be interrupted.
  Loop::hold_stop_signals();
  Engine engine(settings, keys, std::move(*store), std::move(*reader), std::move(*scanner));
  engine.on_reread_settings(reread);
  if (auto opened = engine.open(); !opened) {
    const bool taken = opened.error().code == Errc::in_use;
    return refuse("cannot open a door", opened.error(),
                  taken ? exit_code::unavailable : exit_code_of(opened.error()));
  }
  log::info("ready", {{"resp", to_string(settings.resp)},
                      {"gossip", to_string(settings.gossip)},
                      {"origin", to_string(*origin)},
                      {"peers", settings.peers.size()},
                      {"links", settings.key_file.empty() ? "in clear" : "encrypted"}});
  const int code = engine.run();
  if (!engine.wants_reopen()) log::info("stopped", {{"exit_code", code}});
  return {code, engine.wants_reopen(), engine.settings_in_force()};
}

}  // namespace

int run_leader(const Settings& settings, const RereadSettings& reread) {
  Loop::hold_reload_signal();
  auto keys = key_ring(settings);
  if (!keys) {
    log::error("cannot use the key file", {{"error", keys.error().message}});
    return exit_code_of(keys.error());
  }
  // A core file would hold the secrets.
  const rlimit no_core{0, 0};
  if (*keys) setrlimit(RLIMIT_CORE, &no_core);

  Run run = run_once(settings, *keys, reread);
  // On the copy of another region's state that was installed; with an origin of its own.
  while (run.reopen) run = run_once(run.settings, *keys, reread);
  return run.exit_code;
}

}  // namespace turnstone::regions
