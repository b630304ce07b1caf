#pragma once
// One run: leaders, network, clients and faults on one simulated clock, in one thread,
// decided by one seed.
#include <fmt/format.h>

#include <cstdint>
#include <functional>
#include <map>
#include <queue>
#include <string>
#include <vector>

#include "tests/sim/checkers.hpp"
#include "tests/sim/finding.hpp"
#include "tests/sim/leader.hpp"
#include "tests/sim/network.hpp"
#include "tests/sim/swarm.hpp"

namespace turnstone::sim {

class World {
 public:
  World(std::uint64_t seed, bool verbose);
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  // Faults for a while, then healing, then every promise is checked. Throws a Finding.
  void run();
  // Operations made, for a sense of scale.
  std::size_t operations() const { return checkers_.history().size(); }
  std::size_t conflicts() const { return checkers_.conflicts(); }

  // Of every step so far: what it was for, when, and what the leaders made of it.
  std::uint64_t fingerprint() const { return fingerprint_; }

  // --- for the leaders

  std::uint64_t now_ms() const { return now_ms_; }
  Random& random() { return random_; }
  const Swarm& swarm() const { return swarm_; }
  Checkers& checkers() { return checkers_; }
  // False once everything heals.
  bool faulty() const { return faulty_; }
  std::vector<std::string> peers_of(const std::string& region) const;
  // Keeps a copy of a state file, and names it.
  std::uint64_t keep(StateImage image);
  const StateImage& kept(std::uint64_t name) const { return images_.at(name); }
  // A leader takes another's copy: a good moment for a fault.
  void copy_began(const Leader& sink, const std::string& source);
  // And another one, before it has caught up.
  void copy_installed(const Leader& sink);
  void at(std::uint64_t time_ms, std::function<void()> work);
  void publish(const Leader& from, const std::string& frame);
  void send(const Leader& from, const std::string& to, const std::string& frame);
  template <class... Args>
  void trace(fmt::format_string<Args...> text, Args&&... args) {
    if (verbose_) fmt::print("{:6} {}\n", now_ms_, fmt::format(text, std::forward<Args>(args)...));
  }

 private:
  struct Work {
    std::uint64_t time_ms;
    std::uint64_t number;
    std::function<void()> work;
    bool operator<(const Work& other) const {
      return time_ms != other.time_ms ? time_ms > other.time_ms : number > other.number;
    }
  };

  void transmit(const Leader& from, Leader& to, Network::Traffic traffic, const std::string& frame);
  // Runs `work` again and again, at random intervals around `mean_ms`, while faults last.
  void now_and_then(double mean_ms, std::function<void()> work);
  void schedule_clients_of(Leader& leader);
  void schedule_faults();
  void schedule_faults_of(Leader& leader);
  // An administrator at one of the leaders adds the last one's region, or removes another one's.
  void add_last();
  void remove_something();
  // What only a removed region has nobody waits for.
  void give_up_removed();
  bool is_joiner(const std::string& region) const;
  Leader* some_leader_that_writes();
  void clone_something();
  // One of two leaders of a region goes, with its directory.
  void end_clone();
  void replace_ended();
  bool help_somebody();
  void partition_something();
  void cut_for_a_while(const std::vector<Link>& links);
  void crash_something();
  void crash_for_a_while(Leader& leader);
  void come_back(Leader& leader);
  bool may_lose_its_disk(const Leader& leader) const;
  void run_until(std::uint64_t time_ms);
  void note(const std::string& what);
  void checkpoint_when_dirty(Leader& leader);
  void heal();
  bool converged() const;
  bool is_anybody_quiet() const;
  std::string vectors() const;
  std::uint64_t pulls() const;

  Random random_;
  Swarm swarm_;
  const bool verbose_;
  std::uint64_t now_ms_ = 0;
  std::uint64_t next_number_ = 0;
  bool faulty_ = true;
  std::uint64_t fingerprint_ = 0;
  std::priority_queue<Work> work_;
  std::vector<Leader> leaders_;  // one a region, and a clone of one of them
  std::vector<std::vector<Disk>> backups_;
  std::map<std::uint64_t, StateImage> images_;
  Network network_;
  Checkers checkers_;
  std::string removed_;  // a region
};

}  // namespace turnstone::sim
