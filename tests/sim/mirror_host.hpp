#pragma once
// The simulated host of a leader's mirror: gives copies of the state on its disk, takes
// others' into its staging area, and puts them in the place of its own.
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "sync/mirror.hpp"
#include "tests/sim/disk.hpp"

namespace turnstone::sim {

class Leader;
class World;

// The bytes of a copy are made up: they begin with its name, and nothing else has the same.
std::string copy_bytes(std::uint64_t name, std::uint64_t offset, std::uint64_t size);

class MirrorHost {
 public:
  MirrorHost(World& world, Leader& leader, Disk& disk, sync::Replica& replica);

  // A process has started on the disk; `join` as on the command line.
  void start(bool join);
  // True when the frame was one of a mirror.
  bool receive(const std::string& peer, const std::string& frame);
  void tick();

  bool takes_writes() const { return !mirror_.loading(); }
  bool holds_still() const { return mirror_.holds_still(); }
  std::size_t copies_given() const { return given_.size(); }

 private:
  struct GivenCopy {
    std::uint64_t name = 0;
    std::uint64_t bytes = 0;
  };

  void carry_out(sync::MirrorEffects effects);
  void make_copy(std::uint64_t copy);
  void read_page(const sync::ReadCopyPage& read);
  void stage(const sync::StagePage& page);
  void check(const sync::CheckStaged& staged);

  World& world_;
  Leader& leader_;
  Disk& disk_;
  sync::Mirror mirror_;
  std::map<std::uint64_t, GivenCopy> given_;
  std::uint64_t staged_at_ms_ = 0;
};

}  // namespace turnstone::sim
