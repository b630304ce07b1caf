#include "regions/links/door_connections.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <charconv>

namespace turnstone::regions {
namespace {

int port_of(std::string_view door) {
  int port = 0;
  door.remove_prefix(door.rfind(':') + 1);
  std::from_chars(door.data(), door.data() + door.size(), port);
  return port;
}

}  // namespace

// ZeroMQ tells of these things a moment later than they happen, and of some ends not at all; by
// then the number may stand for another file. So the system is asked what it stands for now.
bool DoorConnections::is_there(const Connection& connection) {
  sockaddr_storage local{};
  socklen_t size = sizeof local;
  if (::getsockname(connection.descriptor, reinterpret_cast<sockaddr*>(&local), &size) != 0) return false;
  in_port_t port = 0;
  if (local.ss_family == AF_INET) port = reinterpret_cast<const sockaddr_in&>(local).sin_port;
  if (local.ss_family == AF_INET6) port = reinterpret_cast<const sockaddr_in6&>(local).sin6_port;
  return ntohs(port) == connection.port;
}

bool DoorConnections::accepted(int descriptor, std::string_view door) {
  const Connection connection{descriptor, port_of(door)};
  open_.erase(connection);
  open_.insert(connection);
  if (open_.size() <= connections_max_) return true;
  std::erase_if(open_, [](const Connection& one) { return !is_there(one); });
  if (open_.size() <= connections_max_ || !open_.contains(connection)) return true;
  // ZeroMQ sees the end of it, and closes it.
  ::shutdown(descriptor, SHUT_RDWR);
  return false;
}

}  // namespace turnstone::regions
