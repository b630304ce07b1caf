#pragma once
// One replica in a test's hands: it keeps what the replica asked for until the test lets it
// happen.
#include <memory>
#include <string>
#include <vector>

#include "sync/replica.hpp"

namespace turnstone::sync {

class Node {
 public:
  static constexpr std::uint64_t cluster = 7;

  // The other two of paris (origin 1), tokyo (2) and dallas (3) are its peers.
  explicit Node(const std::string& region, Limits limits = {}, std::uint64_t origin = 0,
                std::shared_ptr<const Signatures> signatures = nullptr);

  sync::Replica& replica() { return *replica_; }
  const std::string& region() const { return region_; }
  // Its clock; tests move it.
  std::uint64_t now_ms = 1'000'000;

  // One operation each, sealed at once and durable after sync().
  void set(const std::string& key, const std::string& value);
  void incr(const std::string& key, std::int64_t amount);
  void del(const std::string& key);
  // Only begins; the batch stays open until flush().
  void gather(const crdt::Effect& effect);
  void flush() { step(Flush{}); }
  // The log becomes durable, and the replica hears of it.
  void sync();
  void tick() { step(Tick{}); }
  void step(Event event);
  void carry_out(Effects effects);

  // Takes what a peer published since it was asked last, or drops it.
  std::vector<std::string> take_published();
  void hear(const std::string& peer, const std::vector<std::string>& frames);
  // Frames sent to a peer, taken out.
  std::vector<std::string> take_sent(const std::string& peer);
  // Answers the reads that wait, from the durable log.
  void answer_reads();

  // A checkpoint is stored: the log may be cut behind it, at the next tick.
  void store() { step(Stored{durable == 0 ? 0 : log[durable - 1].lsn}); }

  // A crash: a new replica, with a fresh origin, on the durable part of the log.
  void restart(std::uint64_t origin);

  std::string get(const std::string& key) const;
  bool has_alarm(const std::string& name) const;

  // Everything appended; the first `durable` of them survive a restart.
  std::vector<Append> log;
  std::size_t durable = 0;
  std::vector<Alarm> alarms;
  Lsn acknowledged = 0;
  Lsn cut_up_to = 0;  // the newest Truncate
  std::vector<ReadLog> reads;
  std::vector<SetAside> aside;

 private:
  void make(std::uint64_t origin);

  std::string region_;
  Limits limits_;
  std::shared_ptr<const Signatures> signatures_;
  std::unique_ptr<Replica> replica_;
  std::vector<std::string> published_;
  std::vector<Send> sent_;
};

// What one publishes reaches the other.
void publish(Node& from, Node& to);
// Beacons, pulls and pages go back and forth until nothing is missing or nothing moves.
void exchange(Node& a, Node& b);
// Each round: 600 ms pass at each, all that it has becomes durable and is stored, and all hear
// all.
void go_round(const std::vector<Node*>& nodes, int rounds = 12);

}  // namespace turnstone::sync
