#pragma once
// A TCP address as people write it: HOST:PORT, with an IPv6 host in brackets.
#include <cstdint>
#include <string>
#include <string_view>

#include "core/error.hpp"

namespace turnstone::regions {

struct Endpoint {
  std::string host;  // without brackets
  std::uint16_t port = 0;
  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

// An address to listen on: an IP address of this machine, or "localhost", which
// becomes 127.0.0.1. Names are refused: what they mean can change behind our back.
Result<Endpoint> parse_listen(std::string_view text);
// An address to connect to: an IP address or a host name.
Result<Endpoint> parse_connect(std::string_view text);

// "127.0.0.1:7001", "[::1]:7001"; as ZeroMQ wants it after "tcp://", too.
std::string to_string(const Endpoint& endpoint);

bool is_ipv6(const Endpoint& endpoint);
// Whether only this machine can reach it. A name other than "localhost" counts as outside.
bool is_loopback(const Endpoint& endpoint);
// Whether two doors could not both listen there: 0.0.0.0 and :: stand for every address.
bool clash(const Endpoint& a, const Endpoint& b);
// The same host, one port further; refused at the last port.
Result<Endpoint> next_port(const Endpoint& endpoint);

}  // namespace turnstone::regions
