#pragma once
// The sockets between leaders: PUB for what this leader announces, one SUB per peer (so
// that the socket says who speaks), ROUTER to answer pulls, one DEALER per peer to ask.
// ZeroMQ loses silently and that is fine: the protocol above pulls what is missing. All
// queues are bounded, nothing here blocks. One thread.
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"

namespace turnstone::regions {

struct PeerEndpoint {
  std::string region;
  std::string gossip;  // host:port of its PUB
  std::string pull;    // host:port of its ROUTER
};

struct LinkLimits {
  // Messages queued for one slow subscriber; with publish_bytes_max this bounds memory.
  int publish_queue = 400;
  int receive_queue = 1000;
  int request_queue = 64;
  // Larger messages cut the connection that brings them.
  std::size_t publication_bytes_max = 1024 * 1024;
  std::size_t request_bytes_max = 1024 * 1024;
  std::size_t page_bytes_max = 64u * 1024 * 1024;
};

class PeerLinks {
 public:
  using FrameSink = std::function<void(const std::string& peer, std::string_view frame)>;

  PeerLinks(std::string region, std::vector<PeerEndpoint> peers, LinkLimits limits);
  ~PeerLinks();

  // Binds and connects. Errors: in_use when an address is taken, config when it is none.
  Result<void> open(const std::string& gossip, const std::string& pull);

  // Descriptors that become readable when any socket may have something; edge triggered,
  // so call receive() until it returns false after each event and after each send.
  std::vector<int> descriptors() const;
  // Hands over up to `budget` frames; true when there may be more.
  bool receive(std::size_t budget, const FrameSink& sink);

  void publish(std::string_view frame);
  // False when it cannot go out now: no connection, or the queue is full.
  bool request(const std::string& peer, std::string_view frame);
  bool reply(const std::string& peer, std::string_view frame);

  // Stops listening to a peer, asking it and answering it; cut both ends for a partition.
  // Errors: config for an unknown peer.
  Result<void> cut(const std::string& peer);
  Result<void> heal(const std::string& peer);
  bool is_cut(const std::string& peer) const;

 private:
  struct Sockets;
  std::string region_;
  std::vector<PeerEndpoint> peers_;
  LinkLimits limits_;
  std::unique_ptr<Sockets> sockets_;
};

}  // namespace turnstone::regions
