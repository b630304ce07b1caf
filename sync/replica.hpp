#pragma once
// One replica's protocol as a state machine without I/O: events in, effects out. It owns
// the keyspace, the version vector and everything the leaders say to each other. State
// changes in one way only: a delta is applied, exactly once, in causal order.
//
// One thread. The order of effects is the order in which they must be carried out.
#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/bound.hpp"
#include "core/error.hpp"
#include "core/hybrid_clock.hpp"
#include "core/version_vector.hpp"
#include "crdt/keyspace.hpp"
#include "sync/batch.hpp"
#include "sync/closings.hpp"
#include "sync/context_trail.hpp"
#include "sync/divergence_audit.hpp"
#include "sync/earlier_batch.hpp"
#include "sync/event.hpp"
#include "sync/limits.hpp"
#include "sync/log_index.hpp"
#include "sync/members.hpp"
#include "sync/message.hpp"
#include "sync/pending.hpp"
#include "sync/returned.hpp"
#include "sync/signatures.hpp"
#include "sync/sinks.hpp"
#include "sync/stability.hpp"

namespace turnstone::sync {

struct ReplicaConfig {
  std::uint64_t cluster = 0;
  std::string region;
  // Fresh and random for every start; where batches are signed, one of the region's (origin_of).
  Origin origin{};
  // The other regions, by the settings. Deltas may name more, and remove some (members()).
  std::vector<std::string> peers;
  Limits limits;
  // Null: batches are neither signed nor checked.
  std::shared_ptr<const Signatures> signatures = nullptr;
};

// What is known of one origin; a function of the applied deltas.
struct OriginState {
  std::string region;
  Seq seq = 0;
  std::uint64_t chain = 0;
  // Context of the newest applied batch, without the origin's own entry.
  VersionVector deps;
  friend bool operator==(const OriginState&, const OriginState&) = default;
};

// An origin of which nothing more is taken, because its next batch cannot be applied here.
struct QuarantinedOrigin {
  std::string region;
  Seq first_seq = 0;  // of that batch
  std::string reason;
};

// What is known of a peer, for people.
struct PeerView {
  std::string region;
  Origin origin{};
  VersionVector durable;       // as last reported
  std::uint64_t heard_ms = 0;  // 0: never
  std::int64_t clock_skew_ms = 0;
  std::uint64_t behind_us = 0;  // deltas that we have and it has not reported
  std::uint64_t ahead_of_us = 0;
  bool is_heard = false;    // lately: it can be asked
  bool is_joining = false;  // it says that it has yet to catch up itself
  // It has answered a question of this run's, and does not refuse them: this region is its peer.
  bool has_answered = false;
};

struct Counters {
  std::uint64_t batches_applied = 0;
  std::uint64_t deltas_applied = 0;
  std::uint64_t duplicates = 0;
  std::uint64_t pulls = 0;
  std::uint64_t pages_served = 0;
  std::uint64_t frames_malformed = 0;
  std::uint64_t batches_quarantined = 0;
  std::uint64_t quarantine_overflows = 0;
  std::uint64_t batches_forged = 0;
  std::uint64_t pending_dropped = 0;
  std::uint64_t pending_origins_refused = 0;  // batches of one origin too many that waited
  std::uint64_t batches_filled = 0;           // sealed because of their bytes
  std::uint64_t batches_filled_by_deltas = 0;
  std::uint64_t batches_left_to_pulls = 0;  // too large to be published
  std::uint64_t members_refused = 0;        // records of one member too many
  std::uint64_t backlogs = 0;               // times that as many increments were unstable as may be
  std::uint64_t ingest_refused = 0;         // batches not taken because the disk is behind, or paused
  std::uint64_t origins_refused = 0;        // batches of one origin too many
  std::uint64_t reports_refused = 0;        // beacons with too long a vector
  std::uint64_t batches_below_floor = 0;
  std::uint64_t deltas_returned = 0;  // stamped again here
};

// The state at a moment, to be stored in one transaction with the frozen cells. To be
// stored only once the log is durable up to `lsn`.
struct Checkpoint {
  Lsn lsn = 0;
  Hlc hlc = 0;
  std::map<Origin, OriginState> origins;
  // The cells list no increment singly that this covers.
  VersionVector forgotten;
  Closings closings;
  Members members;
  Returned returned;
};

class Replica final : private crdt::KeyspaceObserver {
 public:
  explicit Replica(ReplicaConfig config, unsigned shard_bits = 16);

  // --- recovery: load the stored state, then replay the log behind it, then start

  // First of all, then the rest.
  void restore_closings(Closings closings) { closings_ = std::move(closings); }
  void restore_members(Members members);
  void restore_returned(Returned returned) { returned_ = std::move(returned); }
  void restore_origin(Origin origin, OriginState state);
  Result<void> restore_cell(const crdt::CellImage& image) { return keyspace_.load(image); }
  // The stored state holds the log up to here; our clock had come this far.
  void restore_position(Lsn lsn, Hlc hlc);
  // What the stored cells have forgotten. A host whose log is whole may do without this call:
  // then anything may be forgotten, and the log is scanned when a delta arrives that had not seen all of the
  // stored state.
  void restore_forgotten(VersionVector forgotten) { forgotten_ = std::move(forgotten); }
  // Where the log begins; before its batches are learnt.
  void restore_floor(Lsn lsn, VersionVector vector);
  // A batch of the log that the stored state has: only its place is learnt.
  void restore_index(Lsn lsn, Origin origin, Seq first_seq, Seq last_seq, std::size_t bytes);
  // A batch of the log behind the stored state. Errors: malformed, corrupt.
  Result<void> replay(Lsn lsn, std::string_view bytes);

  // --- local operations: one stamp for all effects between begin and commit, visible
  // here at once, durable when the ticket is acknowledged

  void begin(std::uint64_t now_ms);
  void apply(const crdt::Effect& effect);
  // The ticket to wait for; nothing when no effect was applied.
  std::optional<Lsn> commit();

  // --- the protocol

  Effects step(std::uint64_t now_ms, Event event);

  // Deltas wait to be sealed: a Flush would append them.
  bool has_open_batch() const { return !builder_.empty(); }
  // The open batch is full: it should be sealed even while the log is busy.
  bool open_batch_is_full() const;
  // Fixes a moment for a checkpoint: seals the open batch and freezes the dirty cells.
  Checkpoint freeze(Effects& effects);

  // Stamps what is void of these again: their origins have ended below them (replica_return.cpp).
  // As much as the log takes at once; call it again until all is brought back. In between and
  // before it waits; return_waits_for() says for what.
  Effects bring_back(std::uint64_t now_ms, const std::vector<EarlierBatch>& places, const EarlierScan& scan);
  // All of it is applied, or was stamped again, durably.
  bool has_brought_back(const EarlierBatch& place) const;
  // It is the next of its origin, and may be taken now, or something is to be done about it.
  bool should_reconsider(Origin origin, Seq first_seq) const {
    return first_seq == vector_.get(origin) + 1 &&
           (!quarantined_.contains(origin) || below_floor_.contains(origin));
  }
  const std::optional<std::string>& return_waits_for() const { return return_waits_for_; }

  // Puts a row of another leader in the place of ours; see sync/bucket_rows.hpp, which checks
  // first that this may be. Errors: corrupt, malformed.
  Result<void> replace(const crdt::CellImage& image) { return keyspace_.replace(image, *this); }

  // --- reading

  const crdt::Keyspace& keyspace() const { return keyspace_; }
  crdt::Keyspace& keyspace() { return keyspace_; }
  const ReplicaConfig& config() const { return config_; }
  const VersionVector& vector() const { return vector_; }
  const VersionVector& durable() const { return durable_; }
  const VersionVector& stable() const { return stability_.stable(); }
  // What the log of this leader holds, and where it begins.
  const LogIndex& log() const { return log_index_; }
  // This leader lacks what only this peer still offers, and the peer's log begins behind it, or
  // it may not take it from a log any more: it needs a copy of that peer's state. Nothing when
  // the log is enough.
  std::optional<std::string> needs_state_of() const;
  const std::map<Origin, OriginState>& origins() const { return origins_; }
  const Closings& closings() const { return closings_; }
  const Members& members() const { return members_; }
  const Returned& returned() const { return returned_; }
  // It is heard and asked.
  bool is_peer(const std::string& region) const { return peers_.contains(region); }
  // Removed, and gone: those that stay have all that they will ever have of it.
  bool has_left(const std::string& region) const { return closings_.waives(region); }
  // Added, and not every member knows it yet.
  bool is_new(const std::string& region) const;
  // Why this leader may stamp nothing, in words for its clients: its region was removed, is no
  // member, or is a new one that has to wait. Nothing when it may.
  const std::optional<std::string>& exclusion() const { return exclusion_; }
  // What a removed region still waits for.
  Regions waited_for_by(const std::string& region) const;
  // The applied vector with the retired origins, which all other vectors leave out.
  VersionVector full_vector() const;
  // True when this leader's own origin was closed while it was away, or it holds deltas behind
  // the end of an origin (a copy of a directory that was started, or found, too late): what
  // it stamps now could be applied by nobody. It must start again, or on another copy.
  bool history_ended() const;
  // The latter: it needs the state of another leader, and keeps these deltas aside.
  bool has_void() const;
  // True when another leader has stopped taking what this one stamps, since a second leader of
  // this region has asked for the end of its run. Another start saves all of it.
  bool being_ended() const;
  // The highest lsn given out, known to be durable, and in the stored state.
  Lsn last_lsn() const { return next_lsn_ - 1; }
  Lsn durable_lsn() const { return durable_lsn_; }
  Lsn stored_lsn() const { return stored_lsn_; }
  // Written and not durable yet; local writes should pause above the limit of that name.
  std::size_t uncommitted_bytes() const { return uncommitted_bytes_ + builder_.bytes(); }
  Hlc last_hlc() const { return clock_.last(); }
  // Nobody else's stamps set the clock beyond this now.
  Hlc hlc_max() const {
    return std::max(clock_.last(), hlc_from_ms(now_ms_ + config_.limits.clock_drift_max_ms));
  }
  // Time passed, as of the last step: never goes back, wherever the clock goes.
  std::uint64_t timer_ms() const { return timer_ms_; }
  std::vector<PeerView> peers() const;
  // The proof of convergence, and up to where its peers have this leader's log.
  DivergenceAudit& divergence() { return divergence_; }
  const DivergenceAudit& divergence() const { return divergence_; }
  const LogPrefix& settled() const { return settled_; }
  std::string region_of(Origin origin) const;
  // Nothing where that is not known any more (ContextTrail).
  std::optional<VersionVector> seen_by_author_of(Stamp stamp) const;
  // Of this region: the present one, and those of earlier runs that are not retired.
  std::set<Origin> own_origins() const;
  const std::map<Origin, QuarantinedOrigin>& quarantined() const { return quarantined_; }
  // Origins of which a peer that is heard has more.
  std::size_t gaps() const { return gaps_.size(); }
  const Counters& counters() const { return counters_; }
  // What is held now, beside its limits.
  Bounds bounds() const;

  // To be set before anything is replayed.
  void on_log_scan(LogScan scan) { log_scan_ = std::move(scan); }
  void on_conflict(ConflictSink sink) { conflict_sink_ = std::move(sink); }
  void on_settlement(SettlementSink sink) { settlement_sink_ = std::move(sink); }
  void on_members_change(MembersSink sink) { members_sink_ = std::move(sink); }
  void on_key_change(KeyChangeSink sink) { key_change_sink_ = std::move(sink); }
  // While set, batches of other leaders are not taken; they are pulled later.
  void set_ingest_paused(bool paused) { ingest_paused_ = paused; }
  // While set, this leader began without what earlier runs of its region have stamped: its reports
  // count for no stability, and it takes nothing for stable itself.
  void set_quiet(bool quiet) { quiet_ = quiet; }
  // So it is, too, while a member has not said what it has, or has more of this region's runs than
  // is durable here: its directory may be an old copy, which nobody has told it.
  bool is_quiet() const;
  // Of this region's earlier runs nothing is on its way any more: all of them have ended.
  bool earlier_runs_ended() const;
  // While set, it stamps nothing of its own accord: it has yet to catch up, and what it stamped
  // now would have seen too little for anybody to take it.
  void set_stamping_paused(bool paused) { stamping_paused_ = paused; }

 private:
  struct Uncommitted {
    Lsn lsn;
    Origin origin;
    Seq first_seq;
    Seq last_seq;
    SharedBytes bytes;
  };
  struct Peer {
    Origin origin{};
    VersionVector durable;
    bool joining = false;
    std::uint64_t heard_ms = 0;  // on the timers' time, as all times below
    std::int64_t clock_skew_ms = 0;
    // Not asked before this time: it did not answer, or had nothing to give.
    std::uint64_t rest_until_ms = 0;
    std::uint64_t timeout_ms = 0;
    // How much it is asked for at once: less where answers do not come in time.
    std::size_t page_bytes = 0;
    // Answers in a row that brought nothing new.
    unsigned fruitless = 0;
    // Its log begins here, as it said when it was asked for what was older.
    VersionVector floor;
    // It answered that this region is none of its.
    std::optional<Refused> refused;
    bool has_answered = false;
    std::uint64_t next_probe_ms = 0;
  };
  struct Gap {
    Seq target = 0;
    std::uint64_t since_ms = 0;
  };
  struct PullUnderWay {
    std::string peer;
    std::uint64_t request = 0;
    std::uint64_t deadline_ms = 0;
  };

  void key_changed(std::string_view key) override;
  void conflict_found(const crdt::Conflict& conflict) override;
  void conflict_settled(const crdt::Settlement& settlement) override;

  // Timers run on time passed, so that a clock that is set back stops none of them.
  void set_clock(std::uint64_t now_ms);
  void seal(Effects& effects);
  void note_full_batch();
  void append(const BatchHeader& header, std::string bytes, Effects& effects);
  void committed(Lsn lsn, Effects& effects);
  void tick(Effects& effects);
  void beacon(Effects& effects);
  // What this leader and every peer that it hears from have durably.
  VersionVector held_by_all() const;

  void receive(const std::string& sender, std::string_view frame, Effects& effects);
  void receive_beacon(const std::string& region, const Beacon& report, Effects& effects);
  void receive_page(const std::string& region, const Page& page, Effects& effects);
  // True when the batch was applied, or was already.
  bool receive_batch(const std::string& sender, std::string_view bytes, Effects& effects);
  // Whether an honest leader may say this; an alarm if not.
  bool is_believable(const std::string& region, const Beacon& report, Effects& effects);
  // Whether the region that the batch's origin belongs to has signed it; an alarm if not.
  bool is_authentic(const std::string& sender, const BatchHeader& header, std::string_view bytes,
                    Effects& effects);
  void drain_pending(Effects& effects);
  enum class Readiness : std::uint8_t { ready, duplicate, early, refused, below_floor };
  // `context`: context_of(header).
  Readiness readiness(const BatchHeader& header, const VersionVector& context) const;
  VersionVector context_of(const BatchHeader& header) const;
  // Applies a batch that is ready; returns its newest stamp's clock. Errors: corrupt (a fork),
  // malformed; nothing is changed then.
  Result<Hlc> apply_batch(const BatchHeader& header, VersionVector context, std::string_view bytes,
                          Effects& effects);
  Hlc apply_deltas(const BatchHeader& header, const std::vector<BatchDelta>& deltas,
                   const VersionVector& context, Effects& effects);
  // Sets a batch aside that cannot be applied; its origin's later ones wait.
  void quarantine(const BatchHeader& place, std::string_view bytes, const Error& error, Effects& effects);
  void refuse_unreadable(const std::string& sender, std::string_view bytes, const Error& error,
                         Effects& effects);
  // Lists increments singly again that are stable no more.
  void relist_unstable(const BatchHeader& header, const VersionVector& context);

  void apply_system(const crdt::Effect& effect, const crdt::Author& author, const std::string& region);
  void add_member(const crdt::AddMember& member, Stamp stamp, const std::string& by);
  // An operation of the protocol's own.
  void stamp_system(const crdt::Effect& effect, Effects& effects);
  // This region has acknowledged the origin's end.
  bool is_frozen(Origin origin) const;
  Seq may_take_up_to(Origin origin) const;
  void note_needed(const std::string& region, const VersionVector& vector, Origin except);
  void note_raised(const std::string& region, const VersionVector& seen);
  bool acknowledges_again(Origin origin, const Closing& closing) const;
  std::optional<Origin> overtaken_run() const;
  bool has_own_past() const;
  bool has_what_members_have(Origin origin, const Regions& required) const;
  void heard_of(Origin origin);
  bool is_log_behind() const { return uncommitted_bytes_ > config_.limits.uncommitted_bytes_max; }
  void close_ended(Effects& effects);
  void close_runs(Effects& effects);
  void acknowledge_ends(Effects& effects);
  void retire_ended();

  // A batch that is kept beside the log.
  void reconsider(std::string_view bytes, Effects& effects);
  void note_returned(const crdt::Again& again, Stamp stamp, const std::string& region);
  // Why nothing can be stamped again yet.
  std::optional<std::string> why_return_waits() const;
  std::optional<std::string> why_nothing_is_stamped() const;
  void close_earlier_runs(const std::vector<EarlierBatch>& places, Effects& effects);
  class BringingBack;

  void add_peer(const std::string& region);
  void drop_peer(const std::string& region);
  // Brings peers, stability and closings in line with the members.
  void follow_members();
  void acknowledge_removals(Effects& effects);
  // All that the removed region's leader has said, and will say, is here.
  bool has_said_all(const std::string& region, const Removal& removal) const;
  // A region that is neither new nor the author's has it durably, or there is none.
  bool is_vouched_for(Stamp stamp, const std::string& author) const;
  void look_whether_ready();
  void look_whether_excluded();
  bool is_told_of_its_removal() const;
  void receive_refusal(const std::string& region, const Refused& refusal, Effects& effects);
  void note_answer(const std::string& region);
  // Asks those that have not answered yet, and now and then those that are silent or refuse to
  // answer, whether they do.
  void probe_peers(Effects& effects);

  // Limits of what peers may make this leader hold; an alarm when one is reached.
  bool is_one_too_many(Origin origin, Effects& effects);
  bool is_short_enough(const std::string& region, std::size_t entries, Effects& effects);
  void note_backlog();
  void refuse_below_floor(const BatchHeader& header, Effects& effects);
  void forget_stable();
  void cut_log(Effects& effects);

  void answer_pull(const std::string& region, const Pull& pull, Effects& effects);
  void receive_too_old(const std::string& region, const TooOld& refusal, Effects& effects);
  void rest_after_nothing(Peer& peer) const;
  bool is_heard(const Peer& peer) const;
  void pull_if_behind(Effects& effects);
  void note_gaps();
  bool can_help(const Peer& peer) const;
  void send_pull(const std::string& region, Peer& peer, Effects& effects);
  void pull_timed_out(Effects& effects);

  ReplicaConfig config_;
  crdt::Keyspace keyspace_;
  std::uint64_t now_ms_ = 0;    // what the host's clock shows
  std::uint64_t timer_ms_ = 0;  // never goes back; what deadlines are set on
  std::uint64_t started_ms_ = 0;
  HybridClock clock_;
  VersionVector vector_;   // applied
  VersionVector durable_;  // applied, and durable here
  std::map<Origin, OriginState> origins_;

  BatchBuilder builder_;
  std::optional<crdt::Author> operation_;  // the local operation being applied
  VersionVector as_of_;                    // its, where it is stamped again
  std::uint32_t operation_effects_ = 0;

  Lsn next_lsn_ = 1;
  Lsn durable_lsn_ = 0;
  Lsn stored_lsn_ = 0;    // what the state file holds
  Lsn relisted_lsn_ = 0;  // the newest batch for which increments were listed again
  std::deque<Uncommitted> uncommitted_;
  std::size_t uncommitted_bytes_ = 0;
  LogIndex log_index_;

  Members members_;
  std::uint64_t members_seen_ = 0;  // Members::changes() as last followed
  // What was found while deltas were applied, here or from others; raised with the next step.
  std::optional<Alarm> member_alarm_;
  // A new member that may stamp, since what it has others have, too.
  bool ready_ = false;
  std::optional<std::string> exclusion_;
  // When a removal was applied here, on the timers' time.
  std::map<std::string, std::uint64_t> removal_seen_ms_;
  Closings closings_;
  Returned returned_;
  ContextTrail trail_;
  std::optional<std::string> return_waits_for_;
  // What was stable when the log had come this far.
  struct StableThen {
    Lsn lsn = 0;
    VersionVector vector;
  };
  std::optional<StableThen> stable_then_;
  VersionVector past_;  // stable, or retired: the cells list nothing of it singly
  // Of origins whose end this region has acknowledged: what other members have all the same.
  std::map<Origin, Seq> needed_;
  std::map<Origin, Seq> raised_;  // of those whose end is complete: note_raised()
  std::map<Origin, std::uint64_t> last_heard_;

  Pending pending_;
  std::map<std::string, Peer> peers_;
  std::map<Origin, QuarantinedOrigin> quarantined_;
  // Of these, batches from here on were refused since they are from below the floor.
  std::map<Origin, Seq> below_floor_;
  std::map<Origin, Gap> gaps_;
  std::optional<PullUnderWay> pull_;
  std::uint64_t next_request_ = 1;
  bool ingest_paused_ = false;
  bool stamping_paused_ = false;
  bool quiet_ = false;

  Stability stability_;
  // No cell lists an increment singly that this covers; all that it does not cover are listed.
  VersionVector forgotten_;
  bool backlog_ = false;  // as many increments are unstable as may be
  std::uint64_t next_forget_ms_ = 0;
  std::uint64_t next_beacon_ms_ = 0;
  std::size_t published_bytes_ = 0;  // of the newest batch that was
  VersionVector announced_;

  // The log as far as held_by_all() covered it.
  LogPrefix settled_;
  DivergenceAudit divergence_;

  Counters counters_;
  ConflictSink conflict_sink_;
  SettlementSink settlement_sink_;
  KeyChangeSink key_change_sink_;
  MembersSink members_sink_;
  LogScan log_scan_;
};

}  // namespace turnstone::sync
