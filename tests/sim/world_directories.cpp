// Two leaders on one directory, and what an administrator does about leaders that cannot go on with
// theirs.
#include <algorithm>
#include <utility>
#include <vector>

#include "tests/sim/world.hpp"

namespace turnstone::sim {

// Somebody copies a directory whose leader runs, and starts it on another machine. Who hears
// which of the two is a matter of the network.
void World::clone_something() {
  Leader& original = leaders_[random_.below(swarm_.leaders)];
  if (!faulty_) return;
  if (!original.takes_writes() || original.disk().last_lsn() == 0)
    return at(now_ms_ + 100, [this] { clone_something(); });
  leaders_.emplace_back(*this, swarm_.leaders, original.region());
  Leader& clone = leaders_.back();
  Disk copy = original.disk();
  copy.crash(random_);
  clone.clone(original, std::move(copy));
  clone.start();
  schedule_clients_of(clone);
  schedule_faults_of(clone);
  at(now_ms_ + swarm_.clone_for_ms, [this] { end_clone(); });
  if (swarm_.clone_heard) return;
  if (swarm_.clone_alone) {
    for (const Link& link : network_.links_of(clone.index())) network_.cut(link);
    return;
  }
  switch (random_.below(4)) {
    case 0:
      return cut_for_a_while(network_.links_of(clone.index()));
    case 1:
      return cut_for_a_while(network_.links_of(original.index()));
    case 2: {
      std::vector<Link> links;
      for (const auto& link : network_.links_of(original.index())) {
        const bool outward = link.first == original.index();
        const std::size_t other = outward ? link.second : link.first;
        const std::size_t not_heard = other % 2 == 0 ? original.index() : clone.index();
        links.push_back(outward ? Link(not_heard, other) : Link(other, not_heard));
      }
      return cut_for_a_while(links);
    }
    default:
      return;
  }
}

void World::end_clone() {
  if (leaders_.size() == swarm_.leaders || leaders_.back().ended()) return;
  Leader& clone = leaders_.back();
  Leader& original = *std::find_if(leaders_.begin(), leaders_.end(),
                                   [&](const Leader& leader) { return leader.region() == clone.region(); });
  if (clone.up() && !swarm_.clone_alone && random_.chance(0.3)) {
    clone.crash();
    if (original.up()) original.crash();
    backups_[original.index()].clear();
    original.restore(clone.disk());
    original.clone(clone, clone.disk());
    clone.end();
    return original.start();
  }
  if (swarm_.clone_alone) {
    // The one that stays brings back what only the other one has.
    if (clone.up()) clone.crash();
    if (original.up()) original.crash();
    original.find_disk(clone.disk());
    clone.end();
    return original.start();
  }
  clone.end();
}

// What an administrator does about the alarm that a leader's run has ended. If it has what nobody
// takes, it finds its way by itself.
void World::replace_ended() {
  for (Leader& leader : leaders_) {
    if (!leader.up() || leader.replica().has_void()) continue;
    if (!leader.replica().history_ended() && !leader.replica().being_ended()) continue;
    require(!swarm_.clone_heard, leader.region() + " was ended though everybody heard it");
    leader.crash();
    leader.start();
  }
}

// And about the alarm mirror_refused: what is nowhere else is lost.
bool World::help_somebody() {
  std::vector<Leader*> stuck;
  for (Leader& leader : leaders_)
    if (leader.up() && leader.needs_help()) stuck.push_back(&leader);
  if (stuck.empty()) return false;
  Leader& leader = *stuck[random_.below(stuck.size())];
  leader.crash();
  leader.lose_disk();
  leader.start();
  return true;
}

}  // namespace turnstone::sim
