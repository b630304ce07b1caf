#pragma once
// Mirrors in a leader: tells the state machine of sync/ what happens and carries out what it
// asks, on threads of their own where files are slow. On the engine's thread.
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "core/storage/identity.hpp"
#include "regions/mirror/copies.hpp"
#include "regions/mirror/staging.hpp"
#include "regions/mirror/worker.hpp"
#include "sync/mirror.hpp"

namespace turnstone::mirror {

// What it needs of the leader.
class MirroringHost {
 public:
  virtual ~MirroringHost() = default;
  virtual std::uint64_t now_ms() const = 0;
  virtual sync::Replica& replica() = 0;
  virtual void send(const std::string& peer, sync::Channel channel, std::string_view frame) = 0;
  // From any thread: runs the handler on the engine's.
  virtual void post(std::function<void()> handler) = 0;
  virtual void raise(const sync::Alarm& alarm) = 0;
  // Why a file of this size cannot be made now; nothing when it can.
  virtual std::optional<std::string> no_room_for(std::uint64_t bytes) const = 0;
  // Stop, and start on what is then in the data directory.
  virtual void reopen() = 0;
  // It has caught up with the other regions.
  virtual void joined() = 0;
};

struct MirroringSettings {
  std::filesystem::path data;
  storage::Identity identity;
  std::uint64_t bytes_per_second = 0;
  // This leader was added to a running cluster, or lost its disk; only for an empty log.
  bool join = false;
  std::uint64_t first_copy = 0;  // random
};

class Mirroring {
 public:
  Mirroring(MirroringHost& host, MirroringSettings settings);

  // True when the frame was one of a mirror.
  bool receive(const std::string& peer, std::string_view frame);
  void tick();
  // Ends the threads; nothing is called afterwards.
  void stop();

  // Why this leader takes no writes yet; nothing when it does.
  std::optional<std::string> loading() const { return mirror_.loading(); }
  // Batches of other leaders are not to be taken now.
  bool holds_still() const { return mirror_.holds_still(); }
  const sync::MirrorSink& sink() const { return mirror_.sink(); }
  Bounds bounds() const { return mirror_.bounds(); }
  std::uint64_t pages_given() const { return mirror_.pages_granted(); }

 private:
  void carry_out(sync::MirrorEffects effects);
  void make_copy(std::uint64_t copy);
  void read_page(const sync::ReadCopyPage& read);
  void stage(sync::StagePage page);
  void check(const sync::CheckStaged& staged);
  void install();
  // A file of that name with this line in it; it lasts.
  void note(const char* file, const char* text);
  void remove_note(const char* file);
  void end_joining();
  void log_progress();
  bool is_noted(const char* file) const;

  MirroringHost& host_;
  MirroringSettings settings_;
  sync::Mirror mirror_;
  std::uint64_t next_progress_ms_ = 0;
  Copies copies_;    // the giving worker's
  Staging staging_;  // the taking worker's
  // Last, so that they end first.
  Worker giving_;
  Worker taking_;
};

}  // namespace turnstone::mirror
