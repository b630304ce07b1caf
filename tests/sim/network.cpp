#include "tests/sim/network.hpp"

#include <algorithm>

namespace turnstone::sim {

Network::Network(const Swarm& swarm, Random& random) : swarm_(swarm), random_(random) {
  for (const auto& [link, faults] : swarm_.odd_links) {
    if (faults.severed) cut(link);
  }
}

const LinkFaults& Network::faults_of(const Link& link) const {
  const auto odd = swarm_.odd_links.find(link);
  return odd == swarm_.odd_links.end() ? swarm_.links : odd->second;
}

std::vector<std::uint64_t> Network::arrivals(std::size_t from, std::size_t to, Traffic traffic,
                                             std::uint64_t now_ms) {
  const LinkFaults& faults = faults_of({from, to});
  const double loss = traffic == Traffic::published ? faults.publish_loss : faults.request_loss;
  std::vector<std::uint64_t> times;
  if (is_cut(from, to) || (!healed_ && random_.chance(loss))) return times;
  const int copies = !healed_ && random_.chance(faults.duplication) ? 2 : 1;
  const std::uint64_t delay_max = healed_ ? swarm_.delay_min_ms + 4 : faults.delay_max_ms;
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

std::vector<Link> Network::links_of(std::size_t leader) const {
  std::vector<Link> links;
  for (std::size_t other = 0; other < swarm_.leaders; ++other) {
    if (other == leader) continue;
    links.emplace_back(leader, other);
    links.emplace_back(other, leader);
  }
  return links;
}

std::vector<Link> Network::links_between_groups() {
  std::vector<bool> first(swarm_.leaders);
  for (std::size_t i = 0; i < swarm_.leaders; ++i) first[i] = random_.chance(0.5);
  std::vector<Link> links;
  for (std::size_t from = 0; from < swarm_.leaders; ++from) {
    for (std::size_t to = 0; to < swarm_.leaders; ++to) {
      if (first[from] && !first[to]) links.emplace_back(from, to);
    }
  }
  return links;
}

std::vector<Link> Network::some_links() {
  const std::size_t a = random_.below(swarm_.leaders);
  const std::size_t b = (a + random_.between(1, swarm_.leaders - 1)) % swarm_.leaders;
  const auto with_return = [](std::vector<Link> links) {
    const std::size_t count = links.size();
    for (std::size_t i = 0; i < count; ++i) links.emplace_back(links[i].second, links[i].first);
    return links;
  };
  switch (random_.below(6)) {
    case 0:
      return links_of(a);
    case 1:
      return {{a, b}};
    case 2:
      return with_return({{a, b}});
    case 3:
      return links_between_groups();
    case 4:
      return with_return(links_between_groups());
    default: {
      // It hears nobody, or nobody hears it.
      const bool deaf = random_.chance(0.5);
      std::vector<Link> links = links_of(a);
      std::erase_if(links, [&](const Link& link) { return (deaf ? link.second : link.first) != a; });
      return links;
    }
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
