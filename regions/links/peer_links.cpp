#include "regions/links/peer_links.hpp"

#include <fmt/format.h>

#include <utility>
#include <zmq.hpp>

namespace turnstone::regions {
namespace {

std::string tcp(const std::string& address) { return "tcp://" + address; }

void set_common(zmq::socket_t& socket, std::size_t bytes_max) {
  socket.set(zmq::sockopt::linger, 0);
  socket.set(zmq::sockopt::maxmsgsize, static_cast<std::int64_t>(bytes_max));
  // A peer that vanished without a word is noticed within three beats.
  socket.set(zmq::sockopt::heartbeat_ivl, 1000);
  socket.set(zmq::sockopt::heartbeat_timeout, 3000);
  socket.set(zmq::sockopt::handshake_ivl, 5000);
  socket.set(zmq::sockopt::reconnect_ivl, 50);
  socket.set(zmq::sockopt::reconnect_ivl_max, 1000);
}

}  // namespace

struct PeerLinks::Sockets {
  struct Peer {
    PeerEndpoint endpoint;
    zmq::socket_t sub;
    zmq::socket_t dealer;
    bool cut = false;
  };

  zmq::context_t context{1};
  zmq::socket_t pub;
  zmq::socket_t router;
  std::vector<Peer> peers;

  Peer* find(const std::string& region) {
    for (Peer& peer : peers) {
      if (peer.endpoint.region == region) return &peer;
    }
    return nullptr;
  }

  // One frame that is the whole message; anything else is read to its end and dropped.
  static bool receive_single(zmq::socket_t& socket, zmq::message_t& frame) {
    if (!socket.recv(frame, zmq::recv_flags::dontwait)) return false;
    while (frame.more()) {
      if (!socket.recv(frame, zmq::recv_flags::dontwait)) return false;
      if (!frame.more()) frame.rebuild();
    }
    return true;
  }

  void connect(Peer& peer) {
    peer.sub.connect(tcp(peer.endpoint.gossip));
    peer.dealer.connect(tcp(peer.endpoint.pull));
    peer.cut = false;
  }
};

PeerLinks::PeerLinks(std::string region, std::vector<PeerEndpoint> peers, LinkLimits limits)
    : region_(std::move(region)),
      peers_(std::move(peers)),
      limits_(limits),
      sockets_(std::make_unique<Sockets>()) {}

PeerLinks::~PeerLinks() = default;

Result<void> PeerLinks::open(const std::string& gossip, const std::string& pull) {
  Sockets& s = *sockets_;
  std::string address = gossip;
  try {
    s.pub = zmq::socket_t(s.context, zmq::socket_type::pub);
    set_common(s.pub, limits_.request_bytes_max);
    s.pub.set(zmq::sockopt::sndhwm, limits_.publish_queue);
    s.pub.bind(tcp(gossip));

    address = pull;
    s.router = zmq::socket_t(s.context, zmq::socket_type::router);
    set_common(s.router, limits_.request_bytes_max);
    s.router.set(zmq::sockopt::rcvhwm, limits_.request_queue);
    s.router.set(zmq::sockopt::sndhwm, limits_.request_queue);
    // An answer to nobody is an error that we see; a restarted peer takes over its name.
    s.router.set(zmq::sockopt::router_mandatory, true);
    s.router.set(zmq::sockopt::router_handover, true);
    s.router.bind(tcp(pull));

    for (const PeerEndpoint& endpoint : peers_) {
      address = endpoint.gossip;
      Sockets::Peer peer{endpoint, zmq::socket_t(s.context, zmq::socket_type::sub),
                         zmq::socket_t(s.context, zmq::socket_type::dealer)};
      set_common(peer.sub, limits_.publication_bytes_max);
      peer.sub.set(zmq::sockopt::rcvhwm, limits_.receive_queue);
      peer.sub.set(zmq::sockopt::subscribe, "");
      set_common(peer.dealer, limits_.page_bytes_max);
      peer.dealer.set(zmq::sockopt::routing_id, region_);
      peer.dealer.set(zmq::sockopt::sndhwm, limits_.request_queue);
      // A pull to a peer that is not there fails at once, and another peer is asked.
      peer.dealer.set(zmq::sockopt::immediate, true);
      s.connect(peer);
      s.peers.push_back(std::move(peer));
    }
  } catch (const zmq::error_t& error) {
    const Errc code = error.num() == EADDRINUSE ? Errc::in_use : Errc::config;
    return fail(code, fmt::format("cannot use the address {} for leaders: {}", address, error.what()));
  }
  return {};
}

std::vector<int> PeerLinks::descriptors() const {
  std::vector<int> found{sockets_->pub.get(zmq::sockopt::fd), sockets_->router.get(zmq::sockopt::fd)};
  for (const Sockets::Peer& peer : sockets_->peers) {
    found.push_back(peer.sub.get(zmq::sockopt::fd));
    found.push_back(peer.dealer.get(zmq::sockopt::fd));
  }
  return found;
}

bool PeerLinks::receive(std::size_t budget, const FrameSink& sink) {
  Sockets& s = *sockets_;
  zmq::message_t frame;
  const auto drain = [&](zmq::socket_t& socket, const Sockets::Peer& peer) {
    while (budget > 0 && Sockets::receive_single(socket, frame)) {
      --budget;
      if (!peer.cut) sink(peer.endpoint.region, frame.to_string_view());
    }
  };
  for (Sockets::Peer& peer : s.peers) {
    drain(peer.sub, peer);
    drain(peer.dealer, peer);
  }
  zmq::message_t sender;
  while (budget > 0 && s.router.recv(sender, zmq::recv_flags::dontwait)) {
    --budget;
    if (!sender.more() || !Sockets::receive_single(s.router, frame)) continue;
    const std::string region = sender.to_string();
    const Sockets::Peer* peer = s.find(region);
    if (peer == nullptr || !peer->cut) sink(region, frame.to_string_view());
  }
  // Reading the events of PUB lets ZeroMQ process new subscriptions.
  [[maybe_unused]] const int events = s.pub.get(zmq::sockopt::events);
  return budget == 0;
}

void PeerLinks::publish(std::string_view frame) {
  sockets_->pub.send(zmq::buffer(frame), zmq::send_flags::dontwait);
}

bool PeerLinks::request(const std::string& peer, std::string_view frame) {
  Sockets::Peer* found = sockets_->find(peer);
  if (found == nullptr || found->cut) return false;
  return found->dealer.send(zmq::buffer(frame), zmq::send_flags::dontwait).has_value();
}

bool PeerLinks::reply(const std::string& peer, std::string_view frame) {
  const Sockets::Peer* found = sockets_->find(peer);
  if (found == nullptr || found->cut) return false;
  try {
    const auto to =
        sockets_->router.send(zmq::buffer(peer), zmq::send_flags::dontwait | zmq::send_flags::sndmore);
    return to && sockets_->router.send(zmq::buffer(frame), zmq::send_flags::dontwait);
  } catch (const zmq::error_t&) {
    // Unroutable: the asker is gone, and will ask again when it is back.
    return false;
  }
}

Result<void> PeerLinks::cut(const std::string& peer) {
  Sockets::Peer* found = sockets_->find(peer);
  if (found == nullptr) return fail(Errc::config, fmt::format("there is no peer '{}'", peer));
  if (found->cut) return {};
  found->sub.disconnect(tcp(found->endpoint.gossip));
  found->dealer.disconnect(tcp(found->endpoint.pull));
  found->cut = true;
  return {};
}

Result<void> PeerLinks::heal(const std::string& peer) {
  Sockets::Peer* found = sockets_->find(peer);
  if (found == nullptr) return fail(Errc::config, fmt::format("there is no peer '{}'", peer));
  if (found->cut) sockets_->connect(*found);
  return {};
}

bool PeerLinks::is_cut(const std::string& peer) const {
  const Sockets::Peer* found = sockets_->find(peer);
  return found != nullptr && found->cut;
}

}  // namespace turnstone::regions
