#include "regions/settings/endpoint.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

namespace turnstone::regions {
namespace {

constexpr std::size_t host_bytes_max = 253;

bool is_ipv4_text(const std::string& host) {
  in_addr address{};
  return inet_pton(AF_INET, host.c_str(), &address) == 1;
}

bool is_ipv6_text(const std::string& host) {
  in6_addr address{};
  return inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

bool is_host_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_';
}

// "127.0.0.256" must not be taken for a name and sent to the resolver.
bool looks_like_ipv4(std::string_view host) { return host.find_first_not_of("0123456789.") == host.npos; }

bool is_name(std::string_view host) {
  return !host.empty() && host.size() <= host_bytes_max && std::ranges::all_of(host, is_host_character) &&
         !looks_like_ipv4(host);
}

bool is_any(const Endpoint& endpoint) { return endpoint.host == "0.0.0.0" || endpoint.host == "::"; }

Result<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size() || port == 0)
    return fail(Errc::config, fmt::format("\"{}\" is not a port; a port is 1 to 65535", text));
  return port;
}

// Splits at the last colon; brackets keep the colons of an IPv6 address together.
Result<Endpoint> split(std::string_view text) {
  const auto malformed = [&] {
    return fail(Errc::config,
                fmt::format("\"{}\" is not HOST:PORT, such as 127.0.0.1:7001 or [::1]:7001", text));
  };
  const std::size_t colon = text.rfind(':');
  if (colon == text.npos || colon == 0) return malformed();
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.front() == '[';
  if (bracketed != (host.back() == ']')) return malformed();
  if (bracketed) host = host.substr(1, host.size() - 2);
  if (bracketed != (host.find(':') != host.npos)) return malformed();
  const auto port = parse_port(text.substr(colon + 1));
  if (!port) return tl::make_unexpected(port.error());
  return Endpoint{std::string(host), *port};
}

}  // namespace

Result<Endpoint> parse_listen(std::string_view text) {
  auto endpoint = split(text);
  if (!endpoint) return endpoint;
  if (endpoint->host == "localhost") endpoint->host = "127.0.0.1";
  if (!is_ipv4_text(endpoint->host) && !is_ipv6_text(endpoint->host))
    return fail(Errc::config,
                fmt::format("\"{}\" is not an IP address of this machine; 0.0.0.0 stands for all of them",
                            endpoint->host));
  return endpoint;
}

Result<Endpoint> parse_connect(std::string_view text) {
  auto endpoint = split(text);
  if (!endpoint) return endpoint;
  if (!is_ipv4_text(endpoint->host) && !is_ipv6_text(endpoint->host) && !is_name(endpoint->host))
    return fail(Errc::config, fmt::format("\"{}\" is neither an IP address nor a host name", endpoint->host));
  if (is_any(*endpoint))
    return fail(Errc::config, fmt::format("{} is not an address to connect to", endpoint->host));
  return endpoint;
}

std::string to_string(const Endpoint& endpoint) {
  return is_ipv6(endpoint) ? fmt::format("[{}]:{}", endpoint.host, endpoint.port)
                           : fmt::format("{}:{}", endpoint.host, endpoint.port);
}

bool is_ipv6(const Endpoint& endpoint) { return endpoint.host.find(':') != std::string::npos; }

bool is_loopback(const Endpoint& endpoint) {
  if (endpoint.host == "localhost") return true;
  in_addr v4{};
  if (inet_pton(AF_INET, endpoint.host.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  in6_addr v6{};
  if (inet_pton(AF_INET6, endpoint.host.c_str(), &v6) != 1) return false;
  constexpr std::array<std::uint8_t, 16> one{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  return std::ranges::equal(v6.s6_addr, one);
}

bool clash(const Endpoint& a, const Endpoint& b) {
  return a.port == b.port && (a.host == b.host || is_any(a) || is_any(b));
}

Result<Endpoint> next_port(const Endpoint& endpoint) {
  if (endpoint.port == std::numeric_limits<std::uint16_t>::max())
    return fail(Errc::config, fmt::format("{} has no next port for pulls; name it", to_string(endpoint)));
  return Endpoint{endpoint.host, static_cast<std::uint16_t>(endpoint.port + 1)};
}

}  // namespace turnstone::regions
