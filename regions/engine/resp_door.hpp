#pragma once
// The door for Redis clients: accepts connections, reads requests in place, runs them
// through the command table and writes the replies. A reply to a write, and every reply
// behind it on the same connection, waits until the write is durable. So do those behind a reply
// that another thread has yet to find. Lives on the
// engine's loop; one thread.
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "core/error.hpp"
#include "regions/commands/leader_port.hpp"
#include "regions/commands/session.hpp"
#include "sync/replica.hpp"

namespace turnstone::resp {
class ReplyWriter;
}

namespace turnstone::regions {

class Loop;

struct RespDoorLimits {
  std::size_t clients_max = 10'000;
  std::size_t value_bytes_max = 1024 * 1024;
  // No more requests of a client are read while it has this much unread output.
  std::size_t output_bytes_max = 8u * 1024 * 1024;
  // What all clients together make it hold. Above it who has much unread output is not served
  // further, and who sends more of a long request or transaction is cut off.
  std::size_t clients_bytes_max = 1024u * 1024 * 1024;
};

struct RespDoorCounters {
  std::uint64_t commands = 0;
  std::uint64_t connections = 0;
  std::uint64_t rejected = 0;
  std::uint64_t stalled = 0;  // times that a client had too much unread output
  std::uint64_t shed = 0;     // clients cut off because all together held too much
  std::uint64_t input_bytes = 0;
  std::uint64_t output_bytes = 0;
};

// What clients have made it hold at this moment.
struct RespDoorBuffers {
  std::uint64_t input_bytes = 0;        // requests that have not come to their ends
  std::uint64_t output_bytes = 0;       // replies that were not taken
  std::uint64_t output_bytes_most = 0;  // of these, for one client
  std::uint64_t session_bytes = 0;      // transactions not executed yet, watched keys, names
  std::uint64_t all() const { return input_bytes + output_bytes + session_bytes; }
};

// What the door needs of the leader.
class RespDoorHost {
 public:
  virtual ~RespDoorHost() = default;
  virtual sync::Replica& replica() = 0;
  virtual commands::LeaderPort& port() = 0;
  virtual std::uint64_t now_ms() const = 0;
  // Something was written and waits to be made durable.
  virtual void written() = 0;
  // The disk is far behind: no requests are read until it has caught up.
  virtual bool log_is_behind() const = 0;
  // How long to wait before reading the next requests, so that writes slow down smoothly
  // when the checkpoints cannot keep up.
  virtual std::uint64_t read_delay_ms() const = 0;
};

class RespDoor {
 public:
  RespDoor(Loop& loop, RespDoorHost& host, RespDoorLimits limits);
  ~RespDoor();

  // Errors: in_use when the port is taken, config when the address is none.
  Result<void> open(const std::string& host, std::uint16_t port);
  // Replies to writes with this ticket or a smaller one may leave.
  void acknowledge(sync::Lsn up_to);
  // The reply that a connection awaits under this number (Session::awaited); nobody may, any more.
  void answer(std::uint64_t number, const std::function<void(resp::ReplyWriter&)>& write);
  // No new connections and no new requests; replies still leave.
  void stop_reading();
  // Nobody waits for a reply any more.
  bool idle() const;

  void each_session(const std::function<void(const commands::Session&)>& visit) const;
  std::size_t sessions() const;
  const RespDoorCounters& counters() const;
  // O(clients).
  RespDoorBuffers buffers() const;
  void reset_counters();

 private:
  struct State;
  class Connection;
  std::unique_ptr<State> state_;
};

}  // namespace turnstone::regions
