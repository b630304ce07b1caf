#include "regions/links/gate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>
#include <zmq.hpp>

#include "regions/links/door_connections.hpp"

namespace turnstone::regions {
namespace {

constexpr const char* zap_address = "inproc://zeromq.zap.01";
constexpr int comings_and_goings = ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED;
constexpr int failed_handshakes = ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL;

std::string hex(std::string_view bytes) {
  std::string out;
  for (const char byte : bytes) out += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  return out;
}

// A request of ZAP: version, request id, domain, address, identity, mechanism, credentials.
struct ZapRequest {
  static constexpr std::size_t parts_wanted = 7;
  std::vector<std::string> parts;

  bool well_formed() const {
    return parts.size() == parts_wanted && parts[0] == "1.0" &&
           (parts[2] == Gate::domain || parts[2] == Gate::asking_domain) && parts[5] == "CURVE" &&
           parts[6].size() == sizeof(Key32);
  }
  bool only_asks() const { return parts[2] == Gate::asking_domain; }
  const std::string& id() const { return parts[1]; }
  const std::string& address() const { return parts[3]; }
  Key32 key() const {
    Key32 key{};
    std::memcpy(key.data(), parts[6].data(), key.size());
    return key;
  }
};

std::optional<ZapRequest> receive_request(zmq::socket_t& zap) {
  ZapRequest request;
  zmq::message_t part;
  do {
    if (!zap.recv(part, zmq::recv_flags::none)) return std::nullopt;
    request.parts.push_back(part.to_string());
  } while (part.more());
  return request;
}

void answer(zmq::socket_t& zap, const std::string& id, bool allowed, const std::string& user) {
  const std::array<std::string, 6> reply = {
      "1.0", id, allowed ? "200" : "400", allowed ? "OK" : "unknown key", user, ""};
  for (std::size_t i = 0; i < reply.size(); ++i)
    zap.send(zmq::buffer(reply[i]), i + 1 < reply.size() ? zmq::send_flags::sndmore : zmq::send_flags::none);
}

}  // namespace

struct Gate::Post {
  struct Watch {
    zmq::socket_t events;
    std::string peer;     // empty: others connect to this socket
    bool broken = false;  // under the mutex
  };

  zmq::context_t& context;
  Keys allowed;
  Keys may_ask;
  zmq::socket_t zap;
  std::vector<Watch> watches;
  mutable std::mutex mutex;
  Refusals refusals;            // under the mutex
  DoorConnections connections;  // under the mutex
  std::thread thread;

  Post(zmq::context_t& in, Keys everywhere, Keys asking, std::size_t connections_max)
      : context(in),
        allowed(std::move(everywhere)),
        may_ask(std::move(asking)),
        zap(in, zmq::socket_type::rep),
        connections(connections_max) {
    zap.set(zmq::sockopt::linger, 0);
    zap.bind(zap_address);
  }

  std::size_t watch(zmq::socket_t& socket, const std::string& peer, int events) {
    const std::string address = fmt::format("inproc://gate-{}", watches.size());
    if (zmq_socket_monitor(socket.handle(), address.c_str(), events) != 0) throw zmq::error_t();
    zmq::socket_t listener(context, zmq::socket_type::pair);
    listener.set(zmq::sockopt::linger, 0);
    listener.connect(address);
    watches.push_back({std::move(listener), peer});
    return watches.size() - 1;
  }

  // The region that may come in; empty for a stranger.
  std::string region_at_door(const ZapRequest& request) const {
    if (!request.well_formed()) return {};
    if (const auto known = allowed.find(request.key()); known != allowed.end()) return known->second;
    const auto asker = request.only_asks() ? may_ask.find(request.key()) : may_ask.end();
    return asker == may_ask.end() ? std::string() : asker->second;
  }

  void judge() {
    const auto request = receive_request(zap);
    if (!request) return;
    const std::string region = region_at_door(*request);
    if (region.empty()) {
      const std::lock_guard lock(mutex);
      ++refusals.keys;
      if (request->well_formed())
        refusals.last_key =
            fmt::format("{} with the CURVE key {}", request->address(), hex(request->parts[6]));
    }
    answer(zap, request->parts.size() > 1 ? request->id() : "", !region.empty(), region);
  }

  void note_event(Watch& from) {
    zmq::message_t event, address;
    if (!from.events.recv(event, zmq::recv_flags::none)) return;
    if (event.more() && !from.events.recv(address, zmq::recv_flags::none)) return;
    // 16 bits of event, 32 of value.
    std::uint16_t number = 0;
    std::int32_t value = 0;
    if (event.size() != sizeof number + sizeof value) return;
    std::memcpy(&number, event.data(), sizeof number);
    std::memcpy(&value, event.data<char>() + sizeof number, sizeof value);
    const std::lock_guard lock(mutex);
    if (from.peer.empty()) return note_at_door(number, value, address.to_string_view());
    if (number == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH) {
      ++refusals.by_peers;
      refusals.last_peer = from.peer;
    } else {
      // Disconnected; then ZeroMQ goes on to try again, or that was the last that it says.
      from.broken = number == ZMQ_EVENT_DISCONNECTED;
    }
  }

  // With the mutex held. `value` is the connection's descriptor, where it comes or goes.
  void note_at_door(std::uint16_t event, int value, std::string_view door) {
    if (event == ZMQ_EVENT_ACCEPTED) {
      if (!connections.accepted(value, door)) ++refusals.too_many;
    } else if (event == ZMQ_EVENT_DISCONNECTED) {
      connections.ended(value);
    } else {
      ++refusals.handshakes;
    }
  }

  void run() {
    std::vector<zmq::pollitem_t> items{{zap.handle(), 0, ZMQ_POLLIN, 0}};
    for (Watch& from : watches) items.push_back({from.events.handle(), 0, ZMQ_POLLIN, 0});
    try {
      for (;;) {
        zmq::poll(items, std::chrono::milliseconds(-1));
        if (items[0].revents != 0) judge();
        for (std::size_t i = 1; i < items.size(); ++i)
          if (items[i].revents != 0) note_event(watches[i - 1]);
      }
    } catch (const zmq::error_t&) {
      // The context is being shut down. Were it anything else, nobody would answer for the
      // keys any more, and ZeroMQ would let nobody in.
    }
    zap.close();
    for (Watch& from : watches) from.events.close();
  }
};

Gate::Gate(zmq::context_t& context, Keys allowed, Keys may_ask, std::size_t connections_max)
    : post_(std::make_unique<Post>(context, std::move(allowed), std::move(may_ask), connections_max)) {}

Gate::~Gate() {
  post_->context.shutdown();
  if (post_->thread.joinable()) post_->thread.join();
}

void Gate::watch(zmq::socket_t& socket) { post_->watch(socket, {}, failed_handshakes | comings_and_goings); }

std::size_t Gate::watch(zmq::socket_t& socket, const std::string& peer) {
  return post_->watch(socket, peer,
                      ZMQ_EVENT_HANDSHAKE_FAILED_AUTH | ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_CONNECTED |
                          ZMQ_EVENT_CONNECT_DELAYED | ZMQ_EVENT_CONNECT_RETRIED);
}

void Gate::start() {
  post_->thread = std::thread([post = post_.get()] { post->run(); });
}

void Gate::discount_self_test() {
  const std::lock_guard lock(post_->mutex);
  --post_->refusals.keys;
}

std::vector<std::size_t> Gate::take_broken() {
  const std::lock_guard lock(post_->mutex);
  std::vector<std::size_t> broken;
  for (std::size_t i = 0; i < post_->watches.size(); ++i)
    if (std::exchange(post_->watches[i].broken, false)) broken.push_back(i);
  return broken;
}

std::size_t Gate::connections() const {
  const std::lock_guard lock(post_->mutex);
  return post_->connections.size();
}

Refusals Gate::refusals() const {
  const std::lock_guard lock(post_->mutex);
  return post_->refusals;
}

}  // namespace turnstone::regions
