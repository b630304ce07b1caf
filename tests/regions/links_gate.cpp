#include <fmt/format.h>

#include <zmq.hpp>

#include "regions/links/gate.hpp"
#include "regions/links/self_test.hpp"
#include "regions/security/secret_keys.hpp"
#include "tests/catch.hpp"

using namespace turnstone;
using namespace turnstone::regions;

namespace {

// A CURVE server on a free port of this machine.
struct Door {
  zmq::context_t context{1};
  SecretKeys keys = *SecretKeys::generate();
  zmq::socket_t socket{context, zmq::socket_type::router};

  void open() {
    socket.set(zmq::sockopt::linger, 0);
    socket.set(zmq::sockopt::curve_server, true);
    socket.set(zmq::sockopt::curve_publickey, zmq::buffer(keys.public_keys().curve));
    socket.set(zmq::sockopt::curve_secretkey,
               zmq::buffer(keys.curve_secret().data(), keys.curve_secret().size()));
    socket.set(zmq::sockopt::zap_domain, Gate::domain);
    socket.bind("tcp://127.0.0.1:*");
  }
  std::string address() { return socket.get(zmq::sockopt::last_endpoint); }
  Result<void> self_test() { return require_strangers_refused(address(), false, keys.public_keys().curve); }
};

}  // namespace

TEST_CASE("links: behind a gate that knows nobody the self-test finds a stranger refused") {
  Door door;
  Gate gate(door.context, {}, {}, 100);
  gate.start();
  door.open();
  CHECK(door.self_test().has_value());
  CHECK(gate.refusals().keys == 1);
  CHECK(gate.refusals().last_key.starts_with("127.0.0.1 "));
  gate.discount_self_test();
  CHECK(gate.refusals().keys == 0);
}

TEST_CASE("links: the self-test finds out that CURVE alone lets any key in") {
  Door door;
  door.open();  // no gate
  const auto tested = door.self_test();
  REQUIRE(!tested);
  CHECK(tested.error().code == Errc::config);
  CHECK(tested.error().message ==
        fmt::format("self-test: {} let in a key that nobody knows", door.address()));
}

TEST_CASE("links: the self-test believes only a refusal that it sees") {
  Door door;
  door.open();
  const Key32 of_somebody_else = SecretKeys::generate()->public_keys().curve;
  const auto tested = require_strangers_refused(door.address(), false, of_somebody_else);
  REQUIRE(!tested);
  CHECK(tested.error().message.find("did not refuse") != std::string::npos);
}
