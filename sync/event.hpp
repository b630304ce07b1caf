#pragma once
// What a replica is told and what it asks for. Plain values: the server and the simulator
// exchange the same ones with the same object.
#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "core/ids.hpp"

namespace turnstone::sync {

// Local log sequence number: the order in which batches, own and remote, were applied
// here and are appended to the log. Means nothing to another leader.
using Lsn = std::uint64_t;
using SharedBytes = std::shared_ptr<const std::string>;

// --- events

// A frame from a peer's socket, whichever: the socket says who speaks, and the frame has to
// agree.
struct FrameReceived {
  std::string peer;
  std::string bytes;
};
// The log is durable up to here.
struct Committed {
  Lsn lsn = 0;
};
// The answer to ReadLog: the batches asked for, in order, or fewer when the log could not
// give them.
struct LogRead {
  std::string peer;
  std::uint64_t request = 0;
  std::vector<std::string> batches;
  bool more = false;
};
// The state file holds the log up to here: what is older is needed for peers only.
struct Stored {
  Lsn lsn = 0;
};
// A batch that was set aside, by an earlier run or an earlier version of the program.
struct Reconsider {
  std::string bytes;
};
// Time passed.
struct Tick {};
// The log can take another batch: seal what was gathered.
struct Flush {};

using Event = std::variant<FrameReceived, Committed, LogRead, Stored, Reconsider, Tick, Flush>;

// --- effects

// Append to the log, in order; answer with Committed when durable.
struct Append {
  Lsn lsn = 0;
  Origin origin{};
  Seq first_seq = 0;
  Seq last_seq = 0;
  SharedBytes bytes;
};
// To every peer that listens.
struct Publish {
  std::string frame;
};
// To one peer: a pull goes to its answering socket, a page back to the asker.
enum class Channel : std::uint8_t { request, reply };
struct Send {
  std::string peer;
  Channel channel = Channel::request;
  std::string frame;
};
// Read these batches and answer with LogRead.
struct ReadLog {
  std::string peer;
  std::uint64_t request = 0;
  std::vector<Lsn> lsns;
  bool more = false;
};
// Cut the log up to here, now or later, a part at a time from its old end; what was cut
// cannot be asked for any more.
struct Truncate {
  Lsn up_to = 0;
};
// Replies to writes with this ticket or a smaller one may leave.
struct Acknowledge {
  Lsn up_to = 0;
};
// A batch cannot be applied: keep it, for people to look at and for a later version of the
// program, and offer it again (Reconsider) after the next start.
struct SetAside {
  Origin origin{};
  Seq first_seq = 0;
  Seq last_seq = 0;
  std::string reason;
  std::string bytes;
};
// A fact that a person must see; `name` is stable, `text` is a sentence.
struct Alarm {
  std::string name;
  std::string text;
};

using Effect = std::variant<Append, Publish, Send, ReadLog, Truncate, Acknowledge, SetAside, Alarm>;
using Effects = std::vector<Effect>;

}  // namespace turnstone::sync
