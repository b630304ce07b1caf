#pragma once
// The engine: one thread and one event loop that own the replica. It carries out what the
// protocol asks for (append, publish, send, answer) and tells it what happened. Reads are
// answered from memory; replies to writes leave when the committer says they are durable.
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "regions/commands/leader_port.hpp"
#include "regions/durability/checkpointer.hpp"
#include "regions/durability/committer.hpp"
#include "regions/durability/kept_aside.hpp"
#include "regions/durability/log_reading.hpp"
#include "regions/durability/open_store.hpp"
#include "regions/engine/audit_desk.hpp"
#include "regions/engine/checkpoints.hpp"
#include "regions/engine/conflict_log.hpp"
#include "regions/engine/link_members.hpp"
#include "regions/engine/loop.hpp"
#include "regions/engine/merge_watch.hpp"
#include "regions/engine/resp_door.hpp"
#include "regions/engine/watches.hpp"
#include "regions/links/peer_links.hpp"
#include "regions/mirror/mirroring.hpp"
#include "regions/security/key_ring.hpp"
#include "regions/settings/settings.hpp"
#include "sync/replica.hpp"

namespace turnstone::regions {

class Engine final : public commands::LeaderPort, private RespDoorHost, private mirror::MirroringHost {
 public:
  using RereadSettings = std::function<Result<Settings>()>;

  // Takes what was recovered; `keys` are null where links are in clear; `reader` is for the pulls of peers,
  // `scanner` for this thread.
  Engine(const Settings& settings, std::shared_ptr<KeyRing> keys, durability::Store store,
         storage::LogReader reader, storage::LogReader scanner);

  // What SIGHUP reads the keys from. Before run().
  void on_reread_settings(RereadSettings reread) { reread_settings_ = std::move(reread); }
  // Binds every door. Errors: in_use, config, io.
  Result<void> open();
  // Those of the start, with the keys of now.
  const Settings& settings_in_force() const { return key_settings_; }
  // Until a stop signal, or until something cannot go on; the exit code.
  int run();
  // It stopped to be made anew, on a data directory that now holds another state.
  bool wants_reopen() const { return reopen_; }

  // --- what commands ask (commands::LeaderPort)
  const commands::ServerInfo& server_info() const override { return info_; }
  commands::Stats stats() const override;
  void reset_stats() override { door_.reset_counters(); }
  Bounds bounds() const override;
  std::vector<std::pair<std::string, std::string>> settings() const override;
  std::size_t value_bytes_max() const override { return settings_.value_bytes_max; }
  const std::optional<std::string>& password() const override { return password_; }
  std::optional<std::string> writes_refused() const override {
    if (replica_->exclusion()) return replica_->exclusion();
    if (history_ended_) return history_ended_;
    return writes_refused_ ? writes_refused_ : backlog_refused_;
  }
  void each_session(const std::function<void(const commands::Session&)>& visit) const override {
    door_.each_session(visit);
  }
  std::size_t sessions() const override { return door_.sessions(); }
  std::optional<std::string> loading() const override { return mirroring_.loading(); }
  commands::MirrorView mirror() const override;
  Result<std::vector<commands::MemberRecord>> records_for(const std::string& region,
                                                          const std::string& address,
                                                          const std::string& keys) const override;
  const crdt::Merging& merging() const override { return merging_; }
  std::string address_of(const std::string& region) const override;
  commands::LinkState link_state(std::string_view region) const override;
  Result<void> control_link(std::string_view region, commands::LinkAction action) override;
  std::uint64_t repaired(std::size_t bucket, const std::vector<crdt::CellImage>& replaced) override;
  std::uint64_t checkpoints_stored() const override { return checkpoints_.stored(); }
  std::vector<audit::Entry> newest_conflicts(std::size_t count) const override {
    return conflicts_.newest(count);
  }
  std::optional<std::uint64_t> ask_audit(commands::AuditInquiry inquiry) override;
  std::uint64_t random() override;
  void watch(commands::Session& session, std::string_view key) override { watches_.watch(session, key); }
  void unwatch(commands::Session& session) override { watches_.unwatch(session); }

 private:
  // --- what the RESP door asks (RespDoorHost)
  sync::Replica& replica() override { return *replica_; }
  commands::LeaderPort& port() override { return *this; }
  std::uint64_t now_ms() const override;
  void written() override;
  bool log_is_behind() const override;
  std::uint64_t read_delay_ms() const override;

  // --- what mirrors ask (mirror::MirroringHost)
  void send(const std::string& peer, sync::Channel channel, std::string_view frame) override;
  void post(std::function<void()> handler) override { loop_.post(std::move(handler)); }
  void raise(const sync::Alarm& raised) override { alarm(raised); }
  std::optional<std::string> no_room_for(std::uint64_t bytes) const override;
  void reopen() override;
  void joined() override;

  void step(sync::Event event);
  void carry_out(sync::Effects effects);
  void flush();
  void on_committed(const Result<sync::Lsn>& durable);
  void on_checkpoint(const Result<sync::Lsn>& stored);
  void on_log_read(sync::LogRead read, const std::optional<Error>& error);
  void set_aside(sync::SetAside batch);
  void reconsider_aside();
  void note_unreadable(const storage::AsidePlace& place, const Error& error);
  void bring_back();
  audit::Entry describe(const crdt::Conflict& conflict) const;
  void watch_conflicts(const durability::Store& store);
  void record_last_conflicts();
  void on_audit_answer(const AuditAnswer& answer);
  void scan_earlier(const std::function<bool(std::string_view bytes, const VersionVector& seen)>& visit);
  void repeat_quarantine_alarm();
  void scan_log(const std::function<void(std::string_view)>& visit);
  void tick();
  void each_second();
  void pump_links();
  void pump_links_soon();
  void alarm(const sync::Alarm& alarm);
  void check_disk();
  void check_history();
  void check_backlog();
  Result<void> open_links();
  void watch_links();
  void tend_links();
  void open_links_anew();
  void renew_keys();
  void trust_members();
  void follow_members();
  void check_exclusion();
  void report_refusals();
  void begin_stop();
  void finish_stop();
  void stop_now(int exit_code);

  const Settings& settings_;
  std::shared_ptr<KeyRing> keys_;  // the replica's, too
  RereadSettings reread_settings_;
  Settings key_settings_;  // as last read, where keys are concerned
  LinkMembers link_members_;
  bool members_changed_ = false;  // and the links have not followed yet
  storage::DataDirectory directory_;
  std::unique_ptr<sync::Replica> replica_;
  crdt::Merging merging_;
  storage::LogReader scanner_;
  commands::ServerInfo info_;
  std::optional<std::string> password_;
  Loop loop_;
  RespDoor door_;
  PeerLinks links_;
  ConflictLog conflicts_;
  MergeWatch merge_watch_;
  durability::KeptAside aside_;
  std::set<std::int64_t> unreadable_aside_;
  std::uint64_t next_quarantine_alarm_ms_ = 0;
  std::size_t batches_to_bring_back_ = 0;
  std::uint64_t next_return_alarm_ms_ = 0;
  Watches watches_;

  struct AlarmState {
    std::uint64_t logged_ms = 0;
    std::uint64_t suppressed = 0;
  };
  std::map<std::string, AlarmState> alarms_;
  std::optional<std::string> writes_refused_;   // the disk is full
  std::optional<std::string> backlog_refused_;  // a region is away, and too much waits for it
  std::optional<std::string> excluded_;         // as last logged
  // Why this process may not write any more; it stays so until it is started again.
  std::optional<std::string> history_ended_;
  std::uint64_t commands_a_second_ago_ = 0;
  std::uint64_t ops_per_second_ = 0;
  std::uint64_t disk_bytes_ = 0;
  // Appended to the log and not in the state file yet: what a checkpoint will have to store.
  std::uint64_t unstored_bytes_ = 0;
  std::uint64_t bytes_being_stored_ = 0;
  bool checkpoint_fits_ = true;
  bool too_dirty_ = false;
  std::uint64_t dirty_pauses_ = 0;  // of the taking of others' batches
  Refusals refusals_;               // as last reported
  bool checkpoint_hurries_ = false;
  std::uint64_t random_state_;
  bool flush_posted_ = false;
  bool pump_posted_ = false;
  bool stopping_ = false;
  bool reopen_ = false;
  int exit_code_ = 0;

  // Their threads report through the loop. Last, so that they end first.
  durability::Committer committer_;
  durability::LogReading log_reading_;
  durability::Checkpointer checkpointer_;
  Checkpoints checkpoints_;
  mirror::Mirroring mirroring_;
  AuditDesk audit_desk_;
  std::uint64_t audit_questions_ = 0;
  std::uint64_t audit_questions_refused_ = 0;
};

}  // namespace turnstone::regions
