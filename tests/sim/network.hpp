#pragma once
// What happens to frames on their way: delay, loss, duplication, reordering, cuts. Links
// are directed: from one leader to another.
#include <cstdint>
#include <map>
#include <vector>

#include "tests/sim/random.hpp"
#include "tests/sim/swarm.hpp"

namespace turnstone::sim {

class Network {
 public:
  enum class Traffic { published, requested };

  Network(const Swarm& swarm, Random& random);

  // The times at which copies of a frame sent now arrive; none when it is lost.
  std::vector<std::uint64_t> arrivals(std::size_t from, std::size_t to, Traffic traffic,
                                      std::uint64_t now_ms);
  // Asked again when a copy arrives: what is on the way when a link is cut is lost.
  bool is_cut(std::size_t from, std::size_t to) const { return cuts_.contains({from, to}); }

  // From a leader and to it.
  std::vector<Link> links_of(std::size_t leader) const;
  // One leader's links, one pair's, those between two groups, or one direction of these.
  std::vector<Link> some_links();
  void cut(const Link& link) { ++cuts_[link]; }
  void heal(const Link& link);
  // From here on nothing is slow, lost, doubled, reordered or cut.
  void heal_everything();

 private:
  const LinkFaults& faults_of(const Link& link) const;
  // From all of the first group to all of the others.
  std::vector<Link> links_between_groups();

  const Swarm& swarm_;
  Random& random_;
  bool healed_ = false;
  std::map<Link, int> cuts_;
  std::map<Link, std::uint64_t> last_arrival_;
};

}  // namespace turnstone::sim
