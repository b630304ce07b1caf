#include "regions/engine/engine.hpp"

#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <utility>

#include "crdt/merge/native.hpp"
#include "regions/engine/link_security.hpp"
#include "regions/settings/command_line.hpp"
#include "regions/settings/exit_code.hpp"
#include "regions/settings/log.hpp"

namespace turnstone::regions {
namespace {

constexpr std::uint64_t tick_ms = 10;
// Frames handled before clients get their turn again.
constexpr std::size_t frames_at_once = 64;
constexpr std::uint64_t stop_within_ms = 4000;
constexpr std::uint64_t day_ms = 86'400'000;
// What the logs of both databases may take beside them.
constexpr std::uint64_t wal_bytes = 8 << 20;

RespDoorLimits door_limits(const Settings& settings) {
  return {settings.clients_max, settings.value_bytes_max, settings.client_output_bytes_max,
          settings.clients_bytes_max};
}

LinkLimits link_limits(const Settings& settings) {
  LinkLimits limits;
  // The largest page is one batch that holds one largest write.
  limits.page_bytes_max += 64 * settings.value_bytes_max;
  return limits;
}

}  // namespace

Engine::Engine(const Settings& settings, std::shared_ptr<KeyRing> keys, durability::Store store,
               storage::LogReader reader, storage::LogReader scanner)
    : settings_(settings),
      keys_(std::move(keys)),
      key_settings_(settings),
      directory_(std::move(store.directory)),
      replica_(std::move(store.replica)),
      merging_(replica_->keyspace(), crdt::find_native_rule),
      scanner_(std::move(scanner)),
      door_(loop_, *this, door_limits(settings)),
      links_(settings.region, link_limits(settings)),
      conflicts_([this](const crdt::Conflict& conflict) { return describe(conflict); }),
      merge_watch_(
          replica_->keyspace(), merging_,
          [this](const crdt::Conflict& conflict) { conflicts_.add(conflict); },
          [this](const sync::Alarm& raised) { alarm(raised); }),
      aside_(std::move(store.aside)),
      random_state_(static_cast<std::uint64_t>(replica_->config().origin)),
      committer_(std::move(store.log),
                 [this](Result<sync::Lsn> durable) {
                   loop_.post([this, durable = std::move(durable)] { on_committed(durable); });
                 }),
      log_reading_(std::move(reader),
                   [this](sync::LogRead read, std::optional<Error> error) {
                     loop_.post([this, read = std::move(read), error = std::move(error)]() mutable {
                       on_log_read(std::move(read), error);
                     });
                   }),
      checkpointer_(
          std::move(store.state),
          {std::move(store.audit), settings.audit_retain_days * day_ms, settings.audit_retain_bytes},
          [this](Result<sync::Lsn> stored) {
            loop_.post([this, stored = std::move(stored)] { on_checkpoint(stored); });
          }),
      checkpoints_(loop_, *replica_, conflicts_, checkpointer_,
                   {settings.checkpoint_interval_ms, settings.dirty_cells_max / 4},
                   [this](sync::Effects effects) { carry_out(std::move(effects)); }),
      mirroring_(*this, {settings.data_directory,
                         {settings.cluster, settings.region},
                         settings.mirror_bytes_per_second,
                         settings.join,
                         random()}),
      audit_desk_(directory_.file(durability::audit_file), [this](AuditAnswer answer) {
        loop_.post([this, answer = std::move(answer)] { on_audit_answer(answer); });
      }) {
  if (!settings.requirepass.empty()) password_ = settings.requirepass;
  info_.version = version();
  info_.cluster = settings.cluster;
  info_.resp_port = settings.resp.port;
  info_.started_ms = now_ms();
  info_.data_directory = std::filesystem::absolute(settings.data_directory).string();
  std::error_code unknown;
  disk_bytes_ = std::filesystem::space(info_.data_directory, unknown).capacity;
  watch_conflicts(store);
  replica_->on_key_change([this](std::string_view key) { watches_.changed(key); });
  replica_->on_log_scan([this](const std::function<void(std::string_view)>& visit) { scan_log(visit); });
  replica_->on_members_change([this] { trust_members(); });
  link_members_ = link_members(key_settings_, *replica_);
  trust_members();
}

Result<void> Engine::open() {
  if (auto opened = open_links(); !opened) return opened;
  return door_.open(settings_.resp.host, settings_.resp.port);
}

int Engine::run() {
  watch_links();
  loop_.every(tick_ms, [this] { tick(); });
  loop_.every(1000, [this] { each_second(); });
  loop_.on_reload_signal([this] { renew_keys(); });
  loop_.on_stop_signal([this] { stopping_ ? stop_now(0) : begin_stop(); });
  check_disk();
  reconsider_aside();
  loop_.run();
  audit_desk_.stop();
  mirroring_.stop();
  committer_.stop();
  log_reading_.stop();
  checkpointer_.stop();
  record_last_conflicts();
  return exit_code_;
}

std::uint64_t Engine::now_ms() const {
  using namespace std::chrono;
  return static_cast<std::uint64_t>(
      duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count());
}

// --- the protocol's effects

void Engine::step(sync::Event event) { carry_out(replica_->step(now_ms(), std::move(event))); }

void Engine::carry_out(sync::Effects effects) {
  for (sync::Effect& effect : effects) {
    if (auto* append = std::get_if<sync::Append>(&effect)) {
      unstored_bytes_ += append->bytes->size();
      committer_.submit(std::move(*append));
    } else if (const auto* publish = std::get_if<sync::Publish>(&effect)) {
      links_.publish(publish->frame);
      pump_links_soon();
    } else if (const auto* send = std::get_if<sync::Send>(&effect)) {
      // What cannot go out now is asked again by the one who misses it.
      this->send(send->peer, send->channel, send->frame);
    } else if (auto* read = std::get_if<sync::ReadLog>(&effect)) {
      log_reading_.submit(std::move(*read));
    } else if (const auto* truncate = std::get_if<sync::Truncate>(&effect)) {
      committer_.truncate(truncate->up_to);
    } else if (const auto* acknowledge = std::get_if<sync::Acknowledge>(&effect)) {
      door_.acknowledge(acknowledge->up_to);
    } else if (auto* batch = std::get_if<sync::SetAside>(&effect)) {
      set_aside(std::move(*batch));
    } else {
      alarm(std::get<sync::Alarm>(effect));
    }
  }
}

// Group commit: while one batch is being synced, the next one gathers.
void Engine::written() {
  if (replica_->open_batch_is_full()) return flush();
  const bool log_is_busy = replica_->last_lsn() > replica_->durable_lsn();
  if (log_is_busy || flush_posted_) return;
  flush_posted_ = true;
  // Behind the requests that other clients have sent already.
  loop_.post([this] {
    flush_posted_ = false;
    flush();
  });
}

void Engine::flush() {
  if (replica_->has_open_batch()) step(sync::Flush{});
}

void Engine::on_committed(const Result<sync::Lsn>& durable) {
  if (!durable) {
    // Whether it is on disk is unknown: no answer, no retry, a fresh start will tell.
    log::error("the log cannot be written, stopping; writes in progress have an unknown outcome",
               {{"error", durable.error().message}});
    return stop_now(exit_code::io);
  }
  step(sync::Committed{*durable});
  check_disk();
  checkpoints_.on_durable();
  flush();
}

void Engine::on_checkpoint(const Result<sync::Lsn>& stored) {
  if (!stored) {
    // The log has everything: a fresh start goes on from there.
    log::error("the state cannot be written, stopping", {{"error", stored.error().message}});
    return stop_now(exit_code::io);
  }
  unstored_bytes_ -= std::exchange(bytes_being_stored_, 0);
  checkpoints_.on_stored();
  step(sync::Stored{*stored});
}

void Engine::on_log_read(sync::LogRead read, const std::optional<Error>& error) {
  if (error) alarm({"log_unreadable", error->message});
  step(std::move(read));
}

void Engine::scan_log(const std::function<void(std::string_view)>& visit) {
  const auto scanned = scanner_.for_each(1, [&](const storage::LogEntry& entry) -> Result<void> {
    visit(entry.bytes);
    return {};
  });
  if (!scanned) alarm({"log_unreadable", scanned.error().message});
}

void Engine::pump_links() {
  const bool more = links_.receive(frames_at_once, [this](const std::string& peer, std::string_view frame) {
    if (!mirroring_.receive(peer, frame)) step(sync::FrameReceived{peer, std::string(frame)});
  });
  if (more) pump_links_soon();
}

void Engine::pump_links_soon() {
  if (pump_posted_) return;
  pump_posted_ = true;
  loop_.post([this] {
    pump_posted_ = false;
    pump_links();
  });
}

void Engine::alarm(const sync::Alarm& alarm) {
  AlarmState& state = alarms_[alarm.name];
  const std::uint64_t now = now_ms();
  if (state.logged_ms != 0 && now < state.logged_ms + 1000) {
    ++state.suppressed;
    return;
  }
  log::warning(alarm.text,
               {{"alarm", alarm.name}, {"suppressed_before", std::exchange(state.suppressed, 0)}});
  state.logged_ms = now;
}

// --- time

void Engine::tick() {
  step(sync::Tick{});
  if (members_changed_) follow_members();
  pump_links();
  mirroring_.tick();
  merge_watch_.tick();
  const bool too_dirty = replica_->keyspace().dirty().size() >= settings_.dirty_cells_max;
  if (!std::exchange(too_dirty_, too_dirty) && too_dirty) ++dirty_pauses_;
  replica_->set_ingest_paused(writes_refused_.has_value() || mirroring_.holds_still() || too_dirty);
  if (checkpoint_fits_ && checkpoints_.tick(now_ms(), checkpoint_hurries_))
    bytes_being_stored_ = unstored_bytes_;
  if (stopping_) finish_stop();
}

void Engine::each_second() {
  const std::uint64_t commands = door_.counters().commands;
  ops_per_second_ = commands - std::min(commands, std::exchange(commands_a_second_ago_, commands));
  check_disk();
  check_backlog();
  tend_links();
  reconsider_aside();
  repeat_quarantine_alarm();
  check_exclusion();
  check_history();
  merge_watch_.look_for_missing();
}

void Engine::check_history() {
  if (history_ended_ || replica_->exclusion()) return;
  if (replica_->being_ended()) {
    history_ended_ = fmt::format(
        "another leader of region '{}' was started on a copy of {}, and this one was not heard for so long "
        "that its run is being closed: stop the other one, and start this one again, which saves all of it",
        settings_.region, info_.data_directory);
  } else if (replica_->history_ended()) {
    history_ended_ = fmt::format(
        "this leader was away when the earlier runs of region '{}' were closed, because another leader was "
        "started on a copy of its data directory: keep {} and see docs/architecture.md, What can fail",
        settings_.region, info_.data_directory);
  } else {
    return;
  }
  log::error("writes are refused", {{"alarm", "history_ended"}, {"reason", *history_ended_}});
}

void Engine::check_disk() {
  const auto free = directory_.free_bytes();
  if (!free) return alarm({"disk_unknown", free.error().message});
  const std::uint64_t reserve = disk_reserve(settings_, disk_bytes_);
  // A checkpoint writes what it stores twice, and fills pages in part. It comes early while
  // it still fits easily, so that what waits for it does not take all there is.
  const std::uint64_t checkpoint = 3 * unstored_bytes_ + wal_bytes;
  checkpoint_fits_ = *free >= 2 * unstored_bytes_ + wal_bytes;
  checkpoint_hurries_ = *free < reserve + 2 * checkpoint;
  const bool full = *free < reserve + checkpoint;
  if (full == writes_refused_.has_value()) return;
  if (full) {
    writes_refused_ = fmt::format("the disk of {} is nearly full: {} bytes free, {} are kept in reserve",
                                  info_.data_directory, *free, reserve + checkpoint);
    log::error("writes are refused", {{"reason", *writes_refused_}});
  } else {
    writes_refused_.reset();
    log::info("writes are accepted again", {{"free_bytes", *free}});
  }
}

// While a region is away, what it has not got is listed singly. The writes of other leaders go
// on being taken: what brings the region up to date may wait behind them, and each of them
// refuses its own at the same limit.
void Engine::check_backlog() {
  const std::size_t held = replica_->keyspace().unstable_increments();
  const std::size_t most = replica_->config().limits.unstable_increments_max;
  if (!backlog_refused_ && held >= most) {
    std::string away;
    for (const sync::PeerView& peer : replica_->peers())
      if (peer.behind_us > 0) away += fmt::format("{}{}", away.empty() ? "" : ", ", peer.region);
    backlog_refused_ = fmt::format(
        "{} increments wait until every region has them, which is the most (unstable_increments_max); behind "
        "is: {}",
        held, away.empty() ? "nobody known" : away);
    log::error("writes are refused", {{"reason", *backlog_refused_}});
  } else if (backlog_refused_ && held < most - most / 10) {
    backlog_refused_.reset();
    log::info("writes are accepted again", {{"unstable_increments", held}});
  }
}

void Engine::send(const std::string& peer, sync::Channel channel, std::string_view frame) {
  channel == sync::Channel::request ? links_.request(peer, frame) : links_.reply(peer, frame);
  pump_links_soon();
}

std::optional<std::string> Engine::no_room_for(std::uint64_t bytes) const {
  const auto free = directory_.free_bytes();
  if (!free) return free.error().message;
  const std::uint64_t needed = bytes + disk_reserve(settings_, disk_bytes_) + 3 * unstored_bytes_ + wal_bytes;
  if (*free >= needed) return std::nullopt;
  return fmt::format("the disk of {} has {} bytes free, and {} are needed", info_.data_directory, *free,
                     needed);
}

void Engine::reopen() {
  reopen_ = true;
  stop_now(0);
}

// What is to be brought back is looked for at the start, by a leader that has the others' data.
void Engine::joined() {
  if (!settings_.bring_back.empty() && replica_->last_lsn() != 0) reopen();
}

bool Engine::log_is_behind() const {
  return replica_->uncommitted_bytes() > replica_->config().limits.uncommitted_bytes_max;
}

std::uint64_t Engine::read_delay_ms() const { return checkpoints_.write_delay_ms(); }

// --- stopping

void Engine::begin_stop() {
  log::info("stopping: writes in progress are made durable and answered");
  stopping_ = true;
  door_.stop_reading();
  flush();
  loop_.after(stop_within_ms, [this] { stop_now(0); });
}

void Engine::finish_stop() {
  const bool durable = !replica_->has_open_batch() && replica_->last_lsn() == replica_->durable_lsn();
  if (durable && door_.idle()) stop_now(0);
}

void Engine::stop_now(int exit_code) {
  exit_code_ = exit_code;
  loop_.stop();
}

}  // namespace turnstone::regions
