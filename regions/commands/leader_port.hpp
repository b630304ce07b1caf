#pragma once
// What commands may ask of the leader that runs them, beside its replica. Called on the
// engine's thread while a command runs; answers come from memory and never block.
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/bound.hpp"
#include "core/error.hpp"
#include "crdt/cell_image.hpp"
#include "crdt/merge/merging.hpp"
#include "regions/audit/query.hpp"

namespace turnstone::commands {

struct Session;

struct ServerInfo {
  std::string version;  // Turnstone's own, "0.1.0"
  std::string cluster;
  std::uint16_t resp_port = 0;
  std::uint64_t started_ms = 0;
  std::string config_file;     // empty: none
  std::string data_directory;  // absolute
};

// Counted since the start or the last CONFIG RESETSTAT, but links since the start.
struct Stats {
  std::uint64_t commands_processed = 0;
  std::uint64_t connections_received = 0;
  std::uint64_t connections_rejected = 0;
  std::uint64_t net_input_bytes = 0;
  std::uint64_t net_output_bytes = 0;
  std::uint64_t links_refused = 0;           // connections with a key that no peer has
  std::uint64_t link_handshakes_failed = 0;  // connections that did not speak as a leader does
  // Questions to leaders and answers to them that found a full queue, or nobody.
  std::uint64_t link_requests_dropped = 0;
  std::uint64_t link_replies_dropped = 0;
  std::uint64_t ops_per_second = 0;  // now
  std::uint64_t memory_bytes = 0;    // resident set, now
};

enum class LinkState { up, down, cut };
enum class LinkAction { cut, heal };

// How far a copy of another region's state has come to this leader.
struct MirrorView {
  std::string state = "none";  // none, asking, copying, checking, installing
  std::string source;          // the region
  std::uint64_t bytes = 0;
  std::uint64_t total_bytes = 0;
  std::uint64_t bytes_given = 0;  // to other leaders, since the start
};

// A region as deltas name it.
struct MemberRecord {
  std::string region;
  std::string address;
  std::string keys;
  bool founding = false;
};

// What TS.AUDIT asks for: one conflict, or those that a question fits, or how many they are.
enum class AuditForm : std::uint8_t { list, records, stats };
struct AuditInquiry {
  AuditForm form = AuditForm::list;
  audit::Question question;
  std::optional<Hash128> id;
};
struct AuditFindings {
  audit::Page page;
  audit::Tally tally;
};

class LeaderPort {
 public:
  virtual ~LeaderPort() = default;

  virtual const ServerInfo& server_info() const = 0;
  virtual Stats stats() const = 0;
  virtual void reset_stats() = 0;
  // Queues and buffers beside the replica's.
  virtual Bounds bounds() const = 0;
  // Settings by the names of Redis where there is one ("save", "appendonly", "port",
  // "maxclients"), else by our own. Secrets are left out.
  virtual std::vector<std::pair<std::string, std::string>> settings() const = 0;
  // The largest value that a command may build.
  virtual std::size_t value_bytes_max() const = 0;

  // What a client must show; nothing when everybody is welcome.
  virtual const std::optional<std::string>& password() const = 0;
  // Why writes are refused at present ("the disk is nearly full ..."); nothing when they
  // are not.
  virtual std::optional<std::string> writes_refused() const = 0;

  // Why this leader takes no writes until it has the data of the others; nothing when it does.
  virtual std::optional<std::string> loading() const = 0;
  virtual MirrorView mirror() const = 0;

  // Every connected client, by id.
  virtual void each_session(const std::function<void(const Session&)>& visit) const = 0;
  virtual std::size_t sessions() const = 0;

  // What has to be on record when a region is added: those that no record names yet, and it.
  // Errors: config, when the name, the address or the public key will not do.
  virtual Result<std::vector<MemberRecord>> records_for(const std::string& region, const std::string& address,
                                                        const std::string& keys) const = 0;

  // Where a region is linked to, HOST:PORT,HOST:PULLPORT; empty when it is not.
  virtual std::string address_of(const std::string& region) const = 0;

  // What readers see of siblings.
  virtual const crdt::Merging& merging() const = 0;

  virtual LinkState link_state(std::string_view region) const = 0;
  // Errors: config (link control is not enabled, or no such peer).
  virtual Result<void> control_link(std::string_view region, LinkAction action) = 0;

  // Rows of a bucket were replaced: makes a note of it and has the state stored soon. Returns
  // the number of the checkpoint that will hold it.
  virtual std::uint64_t repaired(std::size_t bucket, const std::vector<crdt::CellImage>& replaced) = 0;
  // The number of the last checkpoint that is on disk; they count from the start.
  virtual std::uint64_t checkpoints_stored() const = 0;

  // Has it answered by another thread; the door gets the reply under this number. Nothing when
  // too many wait.
  virtual std::optional<std::uint64_t> ask_audit(AuditInquiry inquiry) = 0;
  // The newest first.
  virtual std::vector<audit::Entry> newest_conflicts(std::size_t count) const = 0;

  // A number that nobody can foretell, for random picks.
  virtual std::uint64_t random() = 0;

  // From now until unwatch(), a change of the key by anybody sets
  // session.transaction.watched_key_changed.
  virtual void watch(Session& session, std::string_view key) = 0;
  virtual void unwatch(Session& session) = 0;
};

}  // namespace turnstone::commands
