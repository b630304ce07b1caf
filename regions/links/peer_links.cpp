#include "regions/links/peer_links.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <zmq.hpp>

#include "regions/links/self_test.hpp"

namespace turnstone::regions {
namespace {

// ZMQ_ZAP_ENFORCE_DOMAIN, which Debian's header keeps among the drafts and its library obeys:
// no gate, no entry.
constexpr int zap_enforce_domain = 93;

std::string tcp(const std::string& address) { return "tcp://" + address; }

// Where we ourselves reach what listens there.
std::string own_door(const std::string& listening) {
  if (listening.starts_with("0.0.0.0:")) return tcp("127.0.0.1" + listening.substr(7));
  return tcp(listening);
}

void set_common(zmq::socket_t& socket, std::size_t bytes_max) {
  socket.set(zmq::sockopt::linger, 0);
  socket.set(zmq::sockopt::maxmsgsize, static_cast<std::int64_t>(bytes_max));
  // A peer that vanished without a word is noticed within seconds, by the kernel: libzmq's own
  // heartbeats end the process when they meet a connection that broke while the receive queue
  // was full (zeromq/libzmq issues 3937 and 4364).
  socket.set(zmq::sockopt::tcp_keepalive, 1);
  socket.set(zmq::sockopt::tcp_keepalive_idle, 1);
  socket.set(zmq::sockopt::tcp_keepalive_intvl, 1);
  socket.set(zmq::sockopt::tcp_keepalive_cnt, 3);
  socket.set(zmq::sockopt::tcp_maxrt, 5000);
  socket.set(zmq::sockopt::handshake_ivl, 5000);
  socket.set(zmq::sockopt::reconnect_ivl, 50);
  socket.set(zmq::sockopt::reconnect_ivl_max, 1000);
}

void use_own_keys(zmq::socket_t& socket, const LinkKeys& keys) {
  socket.set(zmq::sockopt::curve_publickey, zmq::buffer(keys.public_key));
  socket.set(zmq::sockopt::curve_secretkey, zmq::buffer(keys.secret_key.data(), keys.secret_key.size()));
}

// Peers connect to it: only who the gate knows.
void be_guarded(zmq::socket_t& socket, const LinkKeys& keys, const char* domain) {
  use_own_keys(socket, keys);
  socket.set(zmq::sockopt::curve_server, true);
  socket.set(zmq::sockopt::zap_domain, domain);
  const int enforce = 1;
  if (zmq_setsockopt(socket.handle(), zap_enforce_domain, &enforce, sizeof enforce) != 0)
    throw zmq::error_t();
}

// It connects to a peer: only to who holds the secret of this key.
void expect_key(zmq::socket_t& socket, const LinkKeys& keys, const Key32& server) {
  use_own_keys(socket, keys);
  socket.set(zmq::sockopt::curve_serverkey, zmq::buffer(server));
}

// How many mends in a row a connection has been silent. Longer each time that connecting again
// did not help, so that a page may take its time on a slow link.
class Silence {
 public:
  void broken() { *this = {}; }
  // True when it has lasted too long.
  bool lasts() {
    if (++mends_ < patience_) return false;
    mends_ = 0;
    patience_ = std::min(patience_ * 2, patience_max);
    return true;
  }

 private:
  static constexpr int patience_max = 300;
  int mends_ = 0;
  int patience_ = 5;
};

}  // namespace

struct PeerLinks::Sockets {
  struct Line {
    zmq::socket_t sub;
    zmq::socket_t dealer;
    // What the gate calls them.
    std::size_t sub_watch = 0;
    std::size_t dealer_watch = 0;
    Silence sub_silence{};
    Silence dealer_silence{};
    bool asked = false;  // and not answered yet
  };
  struct Peer {
    PeerEndpoint endpoint;
    std::vector<Line> lines;  // one for each key that it may show
    bool cut = false;
  };

  zmq::context_t context{1};
  zmq::socket_t pub;
  zmq::socket_t router;
  std::vector<Peer> peers;
  bool keyed = false;
  // With keys: where the newest question of a region came from.
  std::map<std::string, std::string> askers;
  std::optional<Gate> gate;  // goes first

  Peer* find(const std::string& region) {
    const auto found =
        std::ranges::find(peers, region, [](const Peer& peer) { return peer.endpoint.region; });
    return found == peers.end() ? nullptr : &*found;
  }

  void make_doors(const LinkLimits& limits) {
    pub = zmq::socket_t(context, zmq::socket_type::pub);
    set_common(pub, limits.request_bytes_max);
    pub.set(zmq::sockopt::sndhwm, limits.publish_queue);

    router = zmq::socket_t(context, zmq::socket_type::router);
    set_common(router, limits.request_bytes_max);
    router.set(zmq::sockopt::rcvhwm, limits.request_queue);
    router.set(zmq::sockopt::sndhwm, limits.request_queue);
    // An answer to nobody is an error that we see; a restarted peer takes over its name. With
    // keys names mean nothing, and taking one over would only be a way to silence its owner.
    router.set(zmq::sockopt::router_mandatory, true);
    router.set(zmq::sockopt::router_handover, !keyed);
  }

  Line make_line(const std::string& region, const LinkLimits& limits) {
    Line line{zmq::socket_t(context, zmq::socket_type::sub), zmq::socket_t(context, zmq::socket_type::dealer),
              0, 0};
    set_common(line.sub, limits.publication_bytes_max);
    line.sub.set(zmq::sockopt::rcvhwm, limits.receive_queue);
    line.sub.set(zmq::sockopt::subscribe, "");
    set_common(line.dealer, limits.page_bytes_max);
    if (!keyed) line.dealer.set(zmq::sockopt::routing_id, region);
    line.dealer.set(zmq::sockopt::sndhwm, limits.request_queue);
    // A pull to a peer that is not there fails at once, and another peer is asked.
    line.dealer.set(zmq::sockopt::immediate, true);
    return line;
  }

  void make_peer(const std::string& region, PeerEndpoint endpoint, const LinkLimits& limits,
                 const std::optional<LinkKeys>& keys) {
    Peer peer{std::move(endpoint), {}, false};
    const std::size_t lines = keys ? peer.endpoint.keys.size() : 1;
    for (std::size_t i = 0; i < lines; ++i) {
      Line& line = peer.lines.emplace_back(make_line(region, limits));
      line.sub_watch = gate->watch(line.sub, peer.endpoint.region);
      line.dealer_watch = gate->watch(line.dealer, peer.endpoint.region);
      if (!keys) continue;
      expect_key(line.sub, *keys, peer.endpoint.keys[i]);
      expect_key(line.dealer, *keys, peer.endpoint.keys[i]);
    }
    peers.push_back(std::move(peer));
  }

  void connect(Peer& peer) {
    for (Line& line : peer.lines) {
      line.sub.connect(tcp(peer.endpoint.gossip));
      line.dealer.connect(tcp(peer.endpoint.pull));
    }
    peer.cut = false;
  }

  void disconnect(Peer& peer) {
    for (Line& line : peer.lines) {
      line.sub.disconnect(tcp(peer.endpoint.gossip));
      line.dealer.disconnect(tcp(peer.endpoint.pull));
    }
    peer.cut = true;
  }

  static void connect_again(zmq::socket_t& socket, const std::string& address) {
    try {
      socket.disconnect(address);
    } catch (const zmq::error_t&) {
      // ZeroMQ has forgotten the connection already.
    }
    socket.connect(address);
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

  // Who asks: with keys what the gate said of the key, which no frame can change.
  std::optional<std::string> asker(const std::string& sender, const zmq::message_t& frame) {
    if (!keyed) return sender;
    const char* user = zmq_msg_gets(frame.handle(), "User-Id");
    if (user == nullptr || *user == '\0') return std::nullopt;
    std::string region = user;
    askers[region] = sender;
    return region;
  }
};

PeerLinks::PeerLinks(std::string region, LinkLimits limits) : region_(std::move(region)), limits_(limits) {}

PeerLinks::~PeerLinks() = default;

Result<void> PeerLinks::open(const std::string& gossip, const std::string& pull,
                             std::vector<PeerEndpoint> peers, const std::optional<LinkKeys>& keys) {
  if (keys && zmq_has("curve") == 0)
    return fail(Errc::config, "this machine's ZeroMQ was built without CURVE; it cannot encrypt links");
  auto made = std::make_unique<Sockets>();
  Sockets& s = *made;
  s.keyed = keys.has_value();
  std::string address = gossip;
  try {
    s.make_doors(limits_);
    s.gate.emplace(s.context, keys ? keys->allowed : Gate::Keys(), keys ? keys->may_ask : Gate::Keys(),
                   limits_.link_connections_max);
    if (keys) {
      be_guarded(s.pub, *keys, Gate::domain);
      be_guarded(s.router, *keys, Gate::asking_domain);
    }
    for (zmq::socket_t* door : {&s.pub, &s.router}) s.gate->watch(*door);
    for (PeerEndpoint& endpoint : peers) s.make_peer(region_, std::move(endpoint), limits_, keys);
    s.gate->start();
    s.pub.bind(tcp(gossip));
    address = pull;
    s.router.bind(tcp(pull));
    for (Sockets::Peer& peer : s.peers) {
      address = peer.endpoint.gossip;
      peer.cut = cut_.contains(peer.endpoint.region);
      if (!peer.cut) s.connect(peer);
    }
  } catch (const zmq::error_t& error) {
    const Errc code = error.num() == EADDRINUSE ? Errc::in_use : Errc::config;
    return fail(code, fmt::format("cannot use the address {} for leaders: {}", address, error.what()));
  }
  if (keys) {
    for (const bool publisher : {true, false}) {
      auto refused =
          require_strangers_refused(own_door(publisher ? gossip : pull), publisher, keys->public_key);
      if (!refused) return refused;
      s.gate->discount_self_test();
    }
  }
  sockets_ = std::move(made);
  return {};
}

void PeerLinks::close() {
  earlier_refusals_ = refusals();
  sockets_.reset();
}

std::vector<int> PeerLinks::descriptors() const {
  std::vector<int> found{sockets_->pub.get(zmq::sockopt::fd), sockets_->router.get(zmq::sockopt::fd)};
  for (const Sockets::Peer& peer : sockets_->peers) {
    for (const Sockets::Line& line : peer.lines) {
      found.push_back(line.sub.get(zmq::sockopt::fd));
      found.push_back(line.dealer.get(zmq::sockopt::fd));
    }
  }
  return found;
}

bool PeerLinks::receive(std::size_t budget, const FrameSink& sink) {
  if (!sockets_) return false;
  Sockets& s = *sockets_;
  zmq::message_t frame;
  const auto drain = [&](zmq::socket_t& socket, Silence& silence, const Sockets::Peer& peer) {
    const std::size_t before = budget;
    while (budget > 0 && Sockets::receive_single(socket, frame)) {
      --budget;
      silence.broken();
      if (!peer.cut) sink(peer.endpoint.region, frame.to_string_view());
    }
    return budget != before;
  };
  for (Sockets::Peer& peer : s.peers) {
    for (Sockets::Line& line : peer.lines) {
      drain(line.sub, line.sub_silence, peer);
      if (drain(line.dealer, line.dealer_silence, peer)) line.asked = false;
    }
  }
  zmq::message_t sender;
  while (budget > 0 && s.router.recv(sender, zmq::recv_flags::dontwait)) {
    --budget;
    if (!sender.more() || !Sockets::receive_single(s.router, frame)) continue;
    const auto region = s.asker(sender.to_string(), frame);
    if (!region) continue;
    const Sockets::Peer* peer = s.find(*region);
    if (peer == nullptr || !peer->cut) sink(*region, frame.to_string_view());
  }
  // Reading the events of PUB lets ZeroMQ process new subscriptions.
  [[maybe_unused]] const int events = s.pub.get(zmq::sockopt::events);
  return budget == 0;
}

void PeerLinks::publish(std::string_view frame) {
  if (sockets_) sockets_->pub.send(zmq::buffer(frame), zmq::send_flags::dontwait);
}

bool PeerLinks::request(const std::string& peer, std::string_view frame) {
  Sockets::Peer* found = sockets_ ? sockets_->find(peer) : nullptr;
  if (found == nullptr || found->cut) return false;
  const bool gone = std::ranges::any_of(found->lines, [&](Sockets::Line& line) {
    const bool sent = line.dealer.send(zmq::buffer(frame), zmq::send_flags::dontwait).has_value();
    line.asked = line.asked || sent;
    return sent;
  });
  if (!gone) ++requests_dropped_;
  return gone;
}

bool PeerLinks::reply(const std::string& peer, std::string_view frame) {
  if (!sockets_) return false;
  Sockets& s = *sockets_;
  // Who is no peer may be told so.
  const Sockets::Peer* found = s.find(peer);
  if (found != nullptr && found->cut) return false;
  const auto asker = s.askers.find(peer);
  if (s.keyed && asker == s.askers.end()) return false;
  const std::string& name = s.keyed ? asker->second : peer;
  try {
    const auto to = s.router.send(zmq::buffer(name), zmq::send_flags::dontwait | zmq::send_flags::sndmore);
    if (to && s.router.send(zmq::buffer(frame), zmq::send_flags::dontwait)) return true;
  } catch (const zmq::error_t&) {
    // Unroutable: the asker is gone, and will ask again when it is back.
  }
  ++replies_dropped_;
  return false;
}

Result<void> PeerLinks::cut(const std::string& peer) {
  Sockets::Peer* found = sockets_ ? sockets_->find(peer) : nullptr;
  if (found == nullptr) return fail(Errc::config, fmt::format("there is no peer '{}'", peer));
  if (!found->cut) sockets_->disconnect(*found);
  cut_.insert(peer);
  return {};
}

Result<void> PeerLinks::heal(const std::string& peer) {
  Sockets::Peer* found = sockets_ ? sockets_->find(peer) : nullptr;
  if (found == nullptr) return fail(Errc::config, fmt::format("there is no peer '{}'", peer));
  if (found->cut) sockets_->connect(*found);
  cut_.erase(peer);
  return {};
}

void PeerLinks::mend() {
  if (!sockets_) return;
  const auto broken = sockets_->gate->take_broken();
  const auto is_broken = [&](std::size_t watch) { return std::ranges::find(broken, watch) != broken.end(); };
  for (Sockets::Peer& peer : sockets_->peers) {
    for (Sockets::Line& line : peer.lines) {
      if (peer.cut) continue;
      if (is_broken(line.sub_watch) || line.sub_silence.lasts())
        Sockets::connect_again(line.sub, tcp(peer.endpoint.gossip));
      if (is_broken(line.dealer_watch) || (line.asked && line.dealer_silence.lasts()))
        Sockets::connect_again(line.dealer, tcp(peer.endpoint.pull));
    }
  }
}

std::size_t PeerLinks::connections() const { return sockets_ ? sockets_->gate->connections() : 0; }

Refusals PeerLinks::refusals() const {
  Refusals all = earlier_refusals_;
  if (!sockets_) return all;
  Refusals now = sockets_->gate->refusals();
  all.keys += now.keys;
  all.handshakes += now.handshakes;
  all.by_peers += now.by_peers;
  all.too_many += now.too_many;
  if (now.keys != 0) all.last_key = std::move(now.last_key);
  if (now.by_peers != 0) all.last_peer = std::move(now.last_peer);
  return all;
}

}  // namespace turnstone::regions
