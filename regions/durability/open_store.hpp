#pragma once
// Starting: opens the data directory and brings a replica to the state of the log.
//
// The log decides. The state file is a shortcut: when it is damaged or of another log, it is
// set aside as state.db.damaged-<ms> and the state is computed anew from the whole log. A
// damaged log is never repaired or cut here, unless that is asked for, and one that ends before
// its own state has lost acknowledged writes: the leader refuses to start and names the reason.
// A batch that is whole and that this program cannot apply (a later version wrote it) does not
// stop the start: the log is ended before it, and it is kept aside with those behind it.
// An audit that is damaged is set aside, too: it is no part of the state.
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "core/storage/audit_db.hpp"
#include "core/storage/data_directory.hpp"
#include "core/storage/identity.hpp"
#include "core/storage/log_db.hpp"
#include "core/storage/state_db.hpp"
#include "regions/durability/stored_forms.hpp"
#include "sync/replica.hpp"

namespace turnstone::durability {

inline constexpr const char* log_file = "log.db";
inline constexpr const char* state_file = "state.db";
inline constexpr const char* audit_file = "audit.db";
// While it is there the leader takes no writes: it has yet to catch up with another region.
inline constexpr const char* joining_file = "joining";
// While it is there the leader's reports count for no stability: it began without what an earlier
// run of its region had.
inline constexpr const char* quiet_file = "quiet";

struct RecoveryReport {
  sync::Lsn state_lsn = 0;  // how far the state file had it
  sync::Lsn log_lsn = 0;    // the newest batch of the log
  std::size_t cells_loaded = 0;
  std::size_t batches_replayed = 0;
  // What a person must see, a sentence each.
  std::vector<std::string> alarms;
};

// Members are destroyed in reverse order: the directory's lock goes last.
struct Store {
  storage::DataDirectory directory;
  storage::LogDb log;
  storage::StateDb state;
  storage::AuditDb audit;
  std::unique_ptr<sync::Replica> replica;
  // Newest first, from the audit's file.
  std::vector<audit::Entry> stored_conflicts;
  // Oldest first, found while replaying, or in the state where the audit's file is new; to be
  // stored with the next checkpoint.
  std::vector<crdt::Conflict> replayed_conflicts;
  std::vector<crdt::Settlement> replayed_settlements;
  // Batches beside the log that could not be applied when they came, or stood behind one that
  // cannot be; the replica is to be offered them again.
  std::vector<storage::AsidePlace> aside;
  RecoveryReport report;
};

// Makes an empty replica; called once more when the state file turns out to be unusable.
using MakeReplica = std::function<std::unique_ptr<sync::Replica>()>;

// What to do with a batch behind the state that does not match its checksum, or is missing.
enum class DamagedLog : std::uint8_t {
  refuse,     // the start: acknowledged writes may be in it
  set_aside,  // with those behind it, which are taken again; what it held comes from the peers
};

// Opens everything. `conflicts_wanted` bounds stored_conflicts. The replica's conflict sink
// and its log scan are used during recovery and unset afterwards.
// Errors: in_use, io, wrong_cluster, unsupported_version, corrupt; each names the file.
Result<Store> open_store(const std::filesystem::path& path, const storage::Identity& identity,
                         const MakeReplica& make_replica, std::size_t conflicts_wanted,
                         DamagedLog damaged = DamagedLog::refuse);

}  // namespace turnstone::durability
