#include "tests/sim/network.hpp"

#include <algorithm>

namespace turnstone::sim {

std::vector<std::uint64_t> Network::arrivals(std::size_t from, std::size_t to, Traffic traffic,
                                             std::uint64_t now_ms) {
  const double loss = traffic == Traffic::published ? swarm_.publish_loss : swarm_.request_loss;
  std::vector<std::uint64_t> times;
  if (is_cut(from, to) || (!healed_ && random_.chance(loss))) return times;
  const int copies = !healed_ && random_.chance(swarm_.duplication) ? 2 : 1;
  const std::uint64_t delay_max = healed_ ? swarm_.delay_min_ms + 4 : swarm_.delay_max_ms;
  for (int i = 0; i < copies; ++i) {
    std::uint64_t time = now_ms + random_.between(swarm_.delay_min_ms, delay_max);
    if (swarm_.in_order || healed_) {
      std::uint64_t& last = last_arrival_[{from, to}];
      time = last = std::max(last, time);
    }
    times.push_back(time);
  }
  return times;
}

std::vector<Network::Link> Network::links_of(std::size_t leader) const {
  std::vector<Link> links;
  for (std::size_t other = 0; other < swarm_.leaders; ++other) {
    if (other == leader) continue;
    links.emplace_back(leader, other);
    links.emplace_back(other, leader);
  }
  return links;
}

std::vector<Network::Link> Network::some_links() {
  const std::size_t a = random_.below(swarm_.leaders);
  const std::size_t b = (a + random_.between(1, swarm_.leaders - 1)) % swarm_.leaders;
  switch (random_.below(3)) {
    case 0:
      return links_of(a);
    case 1:
      return {{a, b}};
    default:
      return {{a, b}, {b, a}};
  }
}

void Network::heal(const Link& link) {
  const auto it = cuts_.find(link);
  if (it != cuts_.end() && --it->second == 0) cuts_.erase(it);
}

void Network::heal_everything() {
  cuts_.clear();
  healed_ = true;
}

}  // namespace turnstone::sim
