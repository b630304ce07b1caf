#pragma once
// The sockets between leaders: PUB for what this leader announces, one SUB per peer (so
// that the socket says who speaks), ROUTER to answer pulls, one DEALER per peer to ask.
// ZeroMQ loses silently and that is fine: the protocol above pulls what is missing. All
// queues are bounded, nothing here blocks. One thread.
//
// With keys every socket speaks CURVE: a peer is reached only by who holds its secret key, and
// a gate (gate.hpp) lets in the keys of peers alone. Who asks at the ROUTER is then what its
// key says, whatever it calls itself. Without keys it is what it calls itself.
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "regions/links/gate.hpp"
#include "regions/links/link_keys.hpp"

namespace turnstone::regions {

struct PeerEndpoint {
  std::string region;
  std::string gossip;  // host:port of its PUB
  std::string pull;    // host:port of its ROUTER
  // What it may show. While it changes its keys there are two, and a connection is kept up
  // for each: the one with the key that it has now gets through.
  std::vector<Key32> keys;
};

struct LinkLimits {
  // Messages queued for one slow subscriber; with publish_bytes_max this bounds memory.
  int publish_queue = 400;
  int receive_queue = 1000;
  int request_queue = 64;
  // That others may have open to both doors together. A leader needs two, while its keys change
  // four; one more is closed, and may come again.
  std::size_t link_connections_max = 1024;
  // Larger messages cut the connection that brings them.
  std::size_t publication_bytes_max = 1024 * 1024;
  std::size_t request_bytes_max = 1024 * 1024;
  std::size_t page_bytes_max = 64u * 1024 * 1024;
};

class PeerLinks {
 public:
  using FrameSink = std::function<void(const std::string& peer, std::string_view frame)>;

  PeerLinks(std::string region, LinkLimits limits);
  ~PeerLinks();

  // Binds and connects. With keys, also tries a stranger's key on both doors. Errors: in_use
  // when an address is taken, config when it is none or when the stranger got in; closed then.
  Result<void> open(const std::string& gossip, const std::string& pull, std::vector<PeerEndpoint> peers,
                    const std::optional<LinkKeys>& keys);
  // Until it is opened again nothing is heard and nothing goes out. What is cut stays cut.
  void close();
  bool is_open() const { return sockets_ != nullptr; }

  // Descriptors that become readable when any socket may have something; edge triggered,
  // so call receive() until it returns false after each event and after each send. Valid
  // until close().
  std::vector<int> descriptors() const;
  // Hands over up to `budget` frames; true when there may be more.
  bool receive(std::size_t budget, const FrameSink& sink);

  void publish(std::string_view frame);
  // False when it cannot go out now: no connection, or the queue is full.
  bool request(const std::string& peer, std::string_view frame);
  // To whoever asked by this name, also when it is no peer.
  bool reply(const std::string& peer, std::string_view frame);

  // Stops listening to a peer, asking it and answering it; cut both ends for a partition.
  // Errors: config for an unknown peer.
  Result<void> cut(const std::string& peer);
  Result<void> heal(const std::string& peer);
  bool is_cut(const std::string& peer) const { return cut_.contains(peer); }

  // Connects again where a peer has turned us away or did not speak as a leader does, which
  // ZeroMQ takes for the end; and where nothing was heard, or a question was not answered, for
  // five calls (then ten, twenty ...): a connection may be dead without an end being told, and
  // a ROUTER forgets a connection when another one takes its name. To be called once a second.
  void mend();
  // Questions and answers that found their queue full, or nobody there, since start.
  std::uint64_t requests_dropped() const { return requests_dropped_; }
  std::uint64_t replies_dropped() const { return replies_dropped_; }
  // That others have opened to the doors.
  std::size_t connections() const;
  std::size_t connections_max() const { return limits_.link_connections_max; }
  // Who was turned away since start.
  Refusals refusals() const;

 private:
  struct Sockets;
  std::string region_;
  LinkLimits limits_;
  std::set<std::string> cut_;
  std::uint64_t requests_dropped_ = 0;
  std::uint64_t replies_dropped_ = 0;
  Refusals earlier_refusals_;  // by gates that are closed
  std::unique_ptr<Sockets> sockets_;
};

}  // namespace turnstone::regions
