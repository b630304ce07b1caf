#include "regions/links/self_test.hpp"

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <cstring>
#include <zmq.hpp>

namespace turnstone::regions {
namespace {

constexpr std::chrono::seconds patience{5};
constexpr const char* events_address = "inproc://self-test";
constexpr int events_wanted = ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;

enum class Verdict { refused, let_in, silence };

void use_random_key(zmq::socket_t& socket, const Key32& server_key) {
  std::array<char, 41> public_key{}, secret_key{};
  if (zmq_curve_keypair(public_key.data(), secret_key.data()) != 0) throw zmq::error_t();
  socket.set(zmq::sockopt::curve_publickey, public_key.data());
  socket.set(zmq::sockopt::curve_secretkey, secret_key.data());
  socket.set(zmq::sockopt::curve_serverkey, zmq::buffer(server_key));
}

// The first event that decides. A refused client tries again, so there may be several.
Verdict wait_for_verdict(zmq::socket_t& events) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  for (;;) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    zmq::pollitem_t item{events.handle(), 0, ZMQ_POLLIN, 0};
    if (left.count() <= 0 || zmq::poll(&item, 1, left) == 0) return Verdict::silence;
    zmq::message_t event, address;
    if (!events.recv(event)) return Verdict::silence;
    if (event.more() && !events.recv(address)) return Verdict::silence;
    // 16 bits of event, 32 of value.
    std::uint16_t number = 0;
    std::memcpy(&number, event.data(), sizeof number);
    if (number == ZMQ_EVENT_HANDSHAKE_SUCCEEDED) return Verdict::let_in;
    if (number == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH) return Verdict::refused;
  }
}

Verdict try_door(const std::string& address, bool to_publisher, const Key32& server_key) {
  zmq::context_t context{1};
  zmq::socket_t stranger(context, to_publisher ? zmq::socket_type::sub : zmq::socket_type::dealer);
  stranger.set(zmq::sockopt::linger, 0);
  // One attempt is enough; a second one would only be counted as somebody else's.
  stranger.set(zmq::sockopt::reconnect_ivl, 1000);
  use_random_key(stranger, server_key);
  if (zmq_socket_monitor(stranger.handle(), events_address, events_wanted) != 0) throw zmq::error_t();
  zmq::socket_t events(context, zmq::socket_type::pair);
  events.set(zmq::sockopt::linger, 0);
  events.connect(events_address);
  stranger.connect(address);
  return wait_for_verdict(events);
}

}  // namespace

Result<void> require_strangers_refused(const std::string& address, bool to_publisher,
                                       const Key32& server_key) {
  try {
    switch (try_door(address, to_publisher, server_key)) {
      case Verdict::refused:
        return {};
      case Verdict::let_in:
        return fail(Errc::config, fmt::format("self-test: {} let in a key that nobody knows", address));
      case Verdict::silence:
        break;
    }
    return fail(Errc::config, fmt::format("self-test: {} did not refuse a key that nobody knows within {} s",
                                          address, patience.count()));
  } catch (const zmq::error_t& error) {
    return fail(Errc::config, fmt::format("self-test of {}: {}", address, error.what()));
  }
}

}  // namespace turnstone::regions
