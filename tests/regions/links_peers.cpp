#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "regions/links/peer_links.hpp"
#include "tests/catch.hpp"

using namespace turnstone;
using namespace turnstone::regions;

namespace {

std::string address(int port) { return "127.0.0.1:" + std::to_string(port); }

// A PUB socket made by hand (ZMTP 3.0, mechanism NULL), whose connection can be broken.
class RawPublisher {
 public:
  RawPublisher() {
    sockaddr_in any{};
    any.sin_family = AF_INET;
    any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof any;
    listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
    REQUIRE(::bind(listener_, reinterpret_cast<sockaddr*>(&any), size) == 0);
    REQUIRE(::listen(listener_, 1) == 0);
    REQUIRE(::getsockname(listener_, reinterpret_cast<sockaddr*>(&any), &size) == 0);
    port_ = ntohs(any.sin_port);
  }
  ~RawPublisher() {
    if (connection_ >= 0) ::close(connection_);
    ::close(listener_);
  }
  RawPublisher(const RawPublisher&) = delete;
  RawPublisher& operator=(const RawPublisher&) = delete;

  int port() const { return port_; }

  bool is_called() const {
    pollfd waiting{listener_, POLLIN, 0};
    return ::poll(&waiting, 1, 0) == 1;
  }

  void accept() {
    connection_ = ::accept(listener_, nullptr, nullptr);
    REQUIRE(connection_ >= 0);
    std::string greeting("\xff\0\0\0\0\0\0\0\0\x7f\x03\0NULL", 16);
    greeting.resize(64);
    send(greeting);
    const std::string ready("\x05READY\x0bSocket-Type\0\0\0\x03PUB", 25);
    send(std::string("\x04") + static_cast<char>(ready.size()) + ready);
    // Its greeting, its READY and its subscription: enough of it to know that it is there.
    std::array<char, 64> theirs{};
    REQUIRE(::recv(connection_, theirs.data(), theirs.size(), MSG_WAITALL) == 64);
  }

  void publish(const std::string& frame) {
    send(std::string(1, '\0') + static_cast<char>(frame.size()) + frame);
  }

  // Sends frames until the other side takes no more.
  void flood() {
    std::string frames;
    for (int i = 0; i < 100; ++i) frames += std::string("\0\x64", 2) + std::string(100, 'x');
    for (int silent = 0; silent < 20;) {
      const ssize_t sent = ::send(connection_, frames.data(), frames.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      // Whole frames only: what did not fit is sent now.
      for (std::size_t done = sent < 0 ? frames.size() : static_cast<std::size_t>(sent);
           done < frames.size();) {
        const ssize_t more = ::send(connection_, frames.data() + done, frames.size() - done, MSG_DONTWAIT);
        if (more < 0) return;
        done += static_cast<std::size_t>(more);
      }
      silent = sent < 0 ? silent + 1 : 0;
      if (sent < 0) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }

  // RST, as after the loss of a machine or of a firewall's memory.
  void break_connection() {
    const linger none{1, 0};
    ::setsockopt(connection_, SOL_SOCKET, SO_LINGER, &none, sizeof none);
    ::close(connection_);
    connection_ = -1;
  }

 private:
  void send(const std::string& bytes) {
    REQUIRE(::send(connection_, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
            static_cast<ssize_t>(bytes.size()));
  }

  int listener_ = -1;
  int connection_ = -1;
  int port_ = 0;
};

// On two ports that were free a moment ago.
PeerEndpoint open(PeerLinks& links, const PeerEndpoint& peer) {
  std::random_device random;
  for (int attempt = 0; attempt < 100; ++attempt) {
    const int port = 11000 + static_cast<int>(random() % 20000);
    if (links.open(address(port), address(port + 1), {peer}, std::nullopt))
      return {"", address(port), address(port + 1), {}};
  }
  FAIL("no free ports");
  return {};
}

// Asks tokyo, who answers whoever calls itself paris, until an answer comes.
bool is_answered(PeerLinks& asker, PeerLinks& tokyo) {
  for (int i = 0; i < 3000; ++i) {
    if (i % 10 == 0) {
      asker.mend();
      asker.request("tokyo", "question");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    tokyo.receive(100, [&](const std::string& from, std::string_view) { tokyo.reply(from, "answer"); });
    bool answered = false;
    asker.receive(100, [&](const std::string&, std::string_view frame) { answered |= frame == "answer"; });
    if (answered) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("links: a connection that breaks while its queue is full does no harm") {
  RawPublisher tokyo;
  LinkLimits limits;
  limits.receive_queue = 1;
  PeerLinks paris("paris", limits);
  open(paris, {"tokyo", address(tokyo.port()), address(1), {}});
  tokyo.accept();
  tokyo.flood();
  tokyo.break_connection();
  // libzmq 4.3.4 ends the process at the next heartbeat of such a connection, if it has any.
  std::this_thread::sleep_for(std::chrono::milliseconds(1500));
  std::size_t frames = 0;
  const auto hears = [&](std::string_view word) {
    bool heard = false;
    while (paris.receive(100, [&](const std::string&, std::string_view frame) {
      ++frames;
      heard |= frame == word;
    })) {
    }
    paris.mend();
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return heard;
  };
  // What had arrived is taken, and then it connects again.
  for (int i = 0; i < 30'000 && !tokyo.is_called(); ++i) hears("again");
  INFO(frames);
  REQUIRE(tokyo.is_called());
  tokyo.accept();
  tokyo.publish("again");
  bool heard = false;
  for (int i = 0; i < 30'000 && !heard; ++i) heard = hears("again");
  INFO(frames);
  CHECK(heard);
}

TEST_CASE("links: who was pushed aside by another of the same name is answered again") {
  const PeerEndpoint nowhere{"paris", address(1), address(1), {}};
  PeerLinks tokyo("tokyo", {});
  PeerEndpoint doors = open(tokyo, nowhere);
  doors.region = "tokyo";
  PeerLinks paris("paris", {});
  open(paris, doors);
  REQUIRE(is_answered(paris, tokyo));
  {
    PeerLinks clone("paris", {});
    open(clone, doors);
    REQUIRE(is_answered(clone, tokyo));
  }
  CHECK(is_answered(paris, tokyo));
}

TEST_CASE("links: of the connections that strangers open, those beyond the limit are closed") {
  constexpr std::size_t most = 8;
  LinkLimits limits;
  limits.link_connections_max = most;
  PeerLinks tokyo("tokyo", limits);
  PeerEndpoint doors = open(tokyo, {"paris", address(1), address(1), {}});
  doors.region = "tokyo";
  PeerLinks paris("paris", {});
  open(paris, doors);
  REQUIRE(is_answered(paris, tokyo));
  sockaddr_in door{};
  door.sin_family = AF_INET;
  door.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  door.sin_port =
      htons(static_cast<std::uint16_t>(std::stoi(doors.gossip.substr(doors.gossip.rfind(':') + 1))));
  std::vector<int> strangers;
  for (int i = 0; i < 40; ++i) {
    strangers.push_back(::socket(AF_INET, SOCK_STREAM, 0));
    REQUIRE(::connect(strangers.back(), reinterpret_cast<sockaddr*>(&door), sizeof door) == 0);
  }
  const auto wait_until = [](const auto& condition) {
    for (int i = 0; i < 30'000 && !condition(); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return condition();
  };
  // Two are of paris.
  CHECK(wait_until([&] { return tokyo.refusals().too_many == 40 - (most - 2); }));
  CHECK(wait_until([&] { return tokyo.connections() == most; }));
  CHECK(is_answered(paris, tokyo));
  for (const int stranger : strangers) ::close(stranger);
  CHECK(wait_until([&] { return tokyo.connections() == 2; }));
  PeerLinks late("oslo", {});
  open(late, doors);
  CHECK(is_answered(late, tokyo));
}
