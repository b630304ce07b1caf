#include "regions/durability/open_store.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <map>
#include <optional>
#include <utility>

#include "core/storage/log_reader.hpp"
#include "regions/durability/install.hpp"
#include "regions/durability/open_conflicts.hpp"

namespace turnstone::durability {
namespace {

std::uint64_t unix_ms() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
}

// Of those that the replay of the log finds the oldest are forgotten beyond this many.
constexpr std::size_t replayed_conflicts_max = 100'000;

// What can be done about a log that cannot be read.
constexpr std::string_view whole_again =
    "Put the whole data directory back from a copy, or move it away and start with an empty one, which takes "
    "from the other regions what they have";

// The same for errors of the files themselves, which say what is wrong and no more.
Error of_log(Error error) {
  if (error.code == Errc::corrupt) error.message = fmt::format("{}. {}", error.message, whole_again);
  return error;
}

class Recovery {
 public:
  Recovery(const storage::DataDirectory& directory, const storage::Identity& identity,
           const MakeReplica& make_replica, std::size_t conflicts_wanted, storage::LogReader reader,
           storage::LogDb& log, DamagedLog damaged)
      : directory_(directory),
        identity_(identity),
        make_replica_(make_replica),
        conflicts_wanted_(conflicts_wanted),
        reader_(std::move(reader)),
        log_(log),
        damaged_(damaged),
        floor_(log.floor()) {
    report_.log_lsn = log.last_lsn();
  }

  Result<void> run() {
    auto loaded = load();
    if (loaded && !*loaded) {
      if (auto aside = set_state_aside(); !aside) return aside;
      loaded = load();
      if (loaded && !*loaded) return fail(Errc::corrupt, unusable_);
    }
    if (!loaded) return tl::make_unexpected(std::move(loaded.error()));
    if (auto audit = load_audit(); !audit) return audit;
    if (auto replayed = replay(); !replayed) return replayed;
    auto aside = reader_.aside();
    if (!aside) return tl::make_unexpected(aside.error());
    aside_ = std::move(*aside);
    return {};
  }

  Store take(storage::DataDirectory directory, storage::LogDb log) {
    return {std::move(directory),
            std::move(log),
            std::move(*state_),
            std::move(*audit_),
            std::move(replica_),
            std::move(stored_conflicts_),
            {replayed_conflicts_.begin(), replayed_conflicts_.end()},
            std::move(replayed_settlements_),
            std::move(aside_),
            std::move(report_)};
  }

 private:
  // Loads the state file into a new replica, and the places of the batches that it holds.
  // False when the state file cannot be used; unusable_ says why.
  Result<bool> load() {
    replica_ = make_replica_();
    report_.cells_loaded = 0;
    auto state = storage::StateDb::open(directory_.file(state_file), identity_);
    if (!state) return without_state(state.error());
    state_.emplace(std::move(*state));
    report_.state_lsn = state_->position().lsn;
    if (report_.state_lsn > report_.log_lsn) {
      // Acknowledged writes are gone from the log. To go on would hide it, and the state
      // holds what nobody could ever pull from us.
      return fail(
          Errc::corrupt,
          fmt::format("{} holds the log up to batch {}, but {} ends with batch {}: the log has lost its "
                      "newest part. {}",
                      directory_.file(state_file).string(), report_.state_lsn, log_file, report_.log_lsn,
                      whole_again));
    }
    if (report_.state_lsn < floor_.lsn) {
      return without_state({Errc::corrupt, fmt::format("it holds the log up to batch {} only, and the log "
                                                       "begins behind batch {}",
                                                       report_.state_lsn, floor_.lsn)});
    }
    if (auto protocol = load_protocol(); !protocol) return without_state(protocol.error());
    Heads heads;
    if (auto indexed = index_log(heads); !indexed) return tl::make_unexpected(indexed.error());
    if (auto origins = load_origins(heads); !origins) return without_state(origins.error());
    if (auto cells = load_cells(); !cells) return without_state(cells.error());
    if (auto position = load_position(); !position) return without_state(position.error());
    return true;
  }

  // A file of another cluster or release, or without rights, is no damage: the start is
  // refused, and nothing is moved.
  Result<bool> without_state(const Error& error) {
    if (error.code != Errc::corrupt && error.code != Errc::malformed) return tl::make_unexpected(error);
    unusable_ = error.message;
    return false;
  }

  Result<void> set_state_aside() {
    state_.reset();
    if (floor_.lsn > 0) {
      return fail(Errc::corrupt,
                  fmt::format("{}: {}. The log alone cannot replace it: its old part was cut. {}",
                              directory_.file(state_file).string(), unusable_, whole_again));
    }
    const std::string name = fmt::format("{}.damaged-{}", state_file, unix_ms());
    if (auto moved = directory_.set_aside(state_file, name); !moved) return moved;
    report_.alarms.push_back(
        fmt::format("the state file was set aside as {} and the state is computed anew from the log: {}",
                    directory_.file(name.c_str()).string(), unusable_));
    return {};
  }

  using Heads = std::map<Origin, Seq>;

  tl::unexpected<Error> log_damaged(sync::Lsn lsn, std::string_view what) const {
    return fail(Errc::corrupt,
                fmt::format("{}: batch {} of the log {}", directory_.file(log_file).string(), lsn, what));
  }

  Result<void> index_log(Heads& heads) {
    sync::Lsn next = floor_.lsn + 1;
    const sync::Lsn last = report_.state_lsn;
    for (const auto& [origin, seq] : floor_.vector.entries()) heads[origin] = seq;
    replica_->restore_floor(floor_.lsn, floor_.vector);
    auto read = reader_.for_each_header(next, last, [&](const storage::LogHeader& row) -> Result<void> {
      if (row.lsn != next) return log_damaged(next, "is missing");
      Seq& head = heads[row.origin];
      if (row.first_seq != head + 1 || row.last_seq < row.first_seq) {
        return log_damaged(row.lsn, "does not follow the batches before it");
      }
      head = row.last_seq;
      ++next;
      replica_->restore_index(row.lsn, row.origin, row.first_seq, row.last_seq, row.bytes);
      return {};
    });
    if (read && next != last + 1) read = log_damaged(next, "is missing");
    return read.map_error(of_log);
  }

  Result<void> load_origins(const Heads& heads) {
    auto origins = state_->origins();
    if (!origins) return tl::make_unexpected(origins.error());
    Heads stored;
    for (const storage::StoredOrigin& origin : *origins) {
      auto decoded = decode_origin(origin.image);
      if (!decoded) return tl::make_unexpected(decoded.error());
      stored[origin.origin] = decoded->seq;
      replica_->restore_origin(origin.origin, std::move(*decoded));
    }
    Heads living = heads;
    for (const auto& [origin, last] : replica_->closings().retired().entries()) living.erase(origin);
    if (stored != living) return fail(Errc::corrupt, "it is not the state of this log");
    return {};
  }

  Result<void> load_position() {
    const storage::StatePosition position = state_->position();
    replica_->restore_position(position.lsn, position.hlc);
    if (position.lsn != 0) replica_->restore_forgotten(std::move(protocol_.forgotten));
    return {};
  }

  // First of all: what is closed tells how the rest is to be read.
  Result<void> load_protocol() {
    const storage::StatePosition position = state_->position();
    if (position.lsn == 0) return {};
    auto protocol = decode_protocol(position.protocol);
    if (!protocol) return tl::make_unexpected(protocol.error());
    protocol_ = std::move(*protocol);
    replica_->restore_closings(protocol_.closings);
    replica_->restore_members(protocol_.members);
    replica_->restore_returned(protocol_.returned);
    return {};
  }

  Result<void> load_cells() {
    return state_->for_each_cell([this](const storage::StoredCell& cell) {
      ++report_.cells_loaded;
      return replica_->restore_cell(from_stored(cell));
    });
  }

  // An audit that cannot be used does not stop the start: nothing that is acknowledged is in it.
  Result<void> load_audit() {
    auto read = open_audit();
    if (read) return read;
    if (read.error().code != Errc::corrupt && read.error().code != Errc::malformed) return read;
    audit_.reset();
    const std::string name = fmt::format("{}.damaged-{}", audit_file, unix_ms());
    if (auto moved = directory_.set_aside(audit_file, name); !moved) return moved;
    report_.alarms.push_back(
        fmt::format("the record of conflicts was set aside as {} and a new one is begun: {}",
                    directory_.file(name.c_str()).string(), read.error().message));
    return open_audit();
  }

  Result<void> open_audit() {
    stored_conflicts_.clear();
    replayed_conflicts_.clear();
    auto audit = storage::AuditDb::open(directory_.file(audit_file), identity_);
    if (!audit) return tl::make_unexpected(audit.error());
    audit_.emplace(*std::move(audit));
    auto reader = storage::AuditReader::open(directory_.file(audit_file));
    if (!reader) return tl::make_unexpected(reader.error());
    Result<void> decoded;
    auto read = reader->scan({}, [&](const storage::AuditRow& row) {
      if (stored_conflicts_.size() == conflicts_wanted_) return false;
      auto entry = audit::from_row(row);
      if (!entry) decoded = tl::make_unexpected(entry.error());
      if (entry) stored_conflicts_.push_back(*std::move(entry));
      return decoded.has_value();
    });
    if (!read) return read;
    if (!decoded) return decoded;
    return note_open_conflicts(*reader);
  }

  // Those that the state shows and that are not on record: the state is a copy of another
  // leader's, or the record was lost.
  Result<void> note_open_conflicts(const storage::AuditReader& reader) {
    for (const crdt::Conflict& conflict : open_conflicts(replica_->keyspace())) {
      const auto known = reader.find(audit::id_bytes(conflict.id));
      if (!known) return tl::make_unexpected(known.error());
      if (!*known) note(conflict);
    }
    return {};
  }

  Result<void> replay() {
    replica_->on_conflict([this](const crdt::Conflict& conflict) { note(conflict); });
    replica_->on_settlement(
        [this](const crdt::Settlement& settlement) { replayed_settlements_.push_back(settlement); });
    Result<void> scanned;
    replica_->on_log_scan([this, &scanned](const std::function<void(std::string_view)>& visit) {
      auto all = reader_.for_each(1, [&](const storage::LogEntry& entry) -> Result<void> {
        visit(entry.bytes);
        return {};
      });
      if (!all) scanned = std::move(all);
    });
    auto replayed =
        reader_.for_each(report_.state_lsn + 1, [this](const storage::LogEntry& entry) -> Result<void> {
          if (entry.lsn != report_.state_lsn + ++report_.batches_replayed) {
            return log_damaged(entry.lsn - 1, "is missing");
          }
          if (auto applied = replica_->replay(entry.lsn, entry.bytes); !applied) {
            unappliable_ = applied.error().code != Errc::corrupt;
            const auto why = fmt::format("cannot be applied ({})", applied.error().message);
            if (!unappliable_) return log_damaged(entry.lsn, why);
            return fail(Errc::corrupt, fmt::format("batch {} of the log {}", entry.lsn, why));
          }
          return {};
        });
    replica_->on_conflict({});
    replica_->on_settlement({});
    replica_->on_log_scan({});
    if (replayed) return scanned;
    return replayed.error().code == Errc::corrupt ? end_log_before(replayed.error().message) : replayed;
  }

  // What the log holds from the first batch on that the replica has not got is kept, and
  // offered to the replica again: writes may be there that nobody else has.
  Result<void> end_log_before(const std::string& reason) {
    const sync::Lsn first = replica_->last_lsn() + 1;
    const bool is_there = first <= log_.last_lsn();
    if (!is_there || (!unappliable_ && damaged_ == DamagedLog::refuse)) {
      return fail(Errc::corrupt, fmt::format("{}. {}{}", reason, whole_again,
                                             is_there ? "; or start once with --set-damaged-aside" : ""));
    }
    report_.alarms.push_back(
        fmt::format("{}. It is kept aside, with {} batches behind it: each start tries again, "
                    "and what depends on it waits",
                    reason, log_.last_lsn() - first));
    report_.log_lsn = first - 1;
    return log_.set_tail_aside(first, reason, unix_ms());
  }

  void note(const crdt::Conflict& conflict) {
    if (replayed_conflicts_.size() == replayed_conflicts_max) replayed_conflicts_.pop_front();
    replayed_conflicts_.push_back(conflict);
  }

  const storage::DataDirectory& directory_;
  const storage::Identity& identity_;
  const MakeReplica& make_replica_;
  std::size_t conflicts_wanted_;
  storage::LogReader reader_;
  storage::LogDb& log_;
  DamagedLog damaged_;
  storage::LogFloor floor_;
  bool unappliable_ = false;
  std::optional<storage::StateDb> state_;
  std::optional<storage::AuditDb> audit_;
  std::unique_ptr<sync::Replica> replica_;
  std::vector<audit::Entry> stored_conflicts_;
  std::deque<crdt::Conflict> replayed_conflicts_;
  std::vector<crdt::Settlement> replayed_settlements_;
  std::vector<storage::AsidePlace> aside_;
  StoredProtocol protocol_;
  RecoveryReport report_;
  std::string unusable_;
};

// An empty log beside a state would make the leader forget everything it has.
Result<void> expect_log_beside_state(const storage::DataDirectory& directory) {
  std::error_code ignored;
  if (std::filesystem::exists(directory.file(log_file), ignored) ||
      !std::filesystem::exists(directory.file(state_file), ignored)) {
    return {};
  }
  return fail(Errc::corrupt,
              fmt::format("{} is missing beside {}: put it back, or start with an empty data directory and "
                          "take the data from the other regions",
                          directory.file(log_file).string(), state_file));
}

}  // namespace

Result<Store> open_store(const std::filesystem::path& path, const storage::Identity& identity,
                         const MakeReplica& make_replica, std::size_t conflicts_wanted, DamagedLog damaged) {
  auto directory = storage::DataDirectory::open(path);
  if (!directory) return tl::make_unexpected(directory.error());
  auto installed = finish_install(*directory);
  if (!installed) return tl::make_unexpected(installed.error());
  if (auto expected = expect_log_beside_state(*directory); !expected) {
    return tl::make_unexpected(expected.error());
  }
  auto log = storage::LogDb::open(directory->file(log_file), identity);
  if (!log) return tl::make_unexpected(of_log(log.error()));
  auto reader = storage::LogReader::open(directory->file(log_file));
  if (!reader) return tl::make_unexpected(of_log(reader.error()));
  Recovery recovery(*directory, identity, make_replica, conflicts_wanted, std::move(*reader), *log, damaged);
  if (auto recovered = recovery.run(); !recovered) return tl::make_unexpected(recovered.error());
  return recovery.take(std::move(*directory), std::move(*log));
}

}  // namespace turnstone::durability
