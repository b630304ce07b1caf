#pragma once
// The gate in front of the sockets that other leaders connect to. ZeroMQ asks it (ZAP, RFC
// 27) about every key that completes a CURVE handshake; without an answer CURVE would let any
// key in. It also hears of handshakes that come to nothing, on both sides: ZeroMQ never tries
// again where a peer said no, and somebody has to. Has a thread of its own, so that nobody
// waits for the engine, and an allow-list that does not change.
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "regions/security/public_keys.hpp"

namespace zmq {
class context_t;
class socket_t;
}  // namespace zmq

namespace turnstone::regions {

// Since the gate was opened, and the newest of each for a person to look at.
struct Refusals {
  std::uint64_t keys = 0;        // unknown keys
  std::uint64_t handshakes = 0;  // another protocol, in clear, or meant for another key
  std::uint64_t by_peers = 0;    // peers that do not know our key
  std::uint64_t too_many = 0;    // connections closed at once, since there were too many
  std::string last_key;          // its address and the key
  std::string last_peer;
};

class Gate {
 public:
  // What ZAP_DOMAIN is set to on every socket behind the gate: one that tells everything, and
  // one that answers questions.
  static constexpr const char* domain = "turnstone";
  static constexpr const char* asking_domain = "turnstone-asking";

  // The keys that are let in at both, and those that may only ask; with their regions.
  using Keys = std::map<Key32, std::string>;

  // Has to be there before any socket of the context is bound.
  // Throws zmq::error_t, as ZeroMQ does.
  // `connections_max`: of all sockets that others connect to, together.
  Gate(zmq::context_t& context, Keys allowed, Keys may_ask, std::size_t connections_max);
  // Ends every blocking call of the context first: the gate is the first thing to go.
  ~Gate();
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;

  // Counts who comes to a socket that others connect to, and what fails there. Before start().
  void watch(zmq::socket_t& socket);
  // Hears what fails at a socket that connects to `peer`; the number by which take_broken()
  // calls it. Before start().
  std::size_t watch(zmq::socket_t& socket, const std::string& peer);
  // From here on the thread answers.
  void start();

  // One of the refusals was a test.
  void discount_self_test();
  // The sockets that a peer has turned away since the last call: they have to be connected
  // again. From any thread.
  std::vector<std::size_t> take_broken();
  // From any thread.
  Refusals refusals() const;
  // That others have opened. From any thread.
  std::size_t connections() const;

 private:
  struct Post;
  std::unique_ptr<Post> post_;
};

}  // namespace turnstone::regions
