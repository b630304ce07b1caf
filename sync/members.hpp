#pragma once
// Who belongs to the cluster. The settings say so at first; from then on deltas do, which travel
// like any other: so regions join and leave while leaders run, also while one of them is away.
//
// A removed region is out for good, and so is its name. Those that stay acknowledge that they
// take nothing from its leader any more; when all have, and its runs are closed, nobody waits for
// it. tests/spec/closing.py is the executable form (R5, R6).
//
// One thread, the replica's.
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "core/version_vector.hpp"
#include "crdt/effect.hpp"

namespace turnstone::sync {

using Regions = std::set<std::string>;

// Regions that ever were members of one cluster.
inline constexpr std::size_t members_max = 256;

struct Member {
  Stamp added;
  std::string address;
  std::string keys;
  bool founding = false;
  friend bool operator==(const Member&, const Member&) = default;
};

struct Removal {
  Stamp stamp;  // of one who asked for it
  Regions required;
  Regions acknowledged;
  friend bool operator==(const Removal&, const Removal&) = default;
};

class Members {
 public:
  Members() = default;
  // `configured`: by the settings, this region among them.
  explicit Members(Regions configured) : configured_(std::move(configured)) {}
  // What was stored, in the place of what deltas said; the settings stay.
  void restore(Members stored);

  // --- applying deltas

  // What was applied first of a region stands. Errors: config, where it is known otherwise
  // already, or its name is none; limit_exceeded.
  Result<void> add(const crdt::AddMember& member, Stamp stamp);
  void remove(const crdt::RemoveMember& removed, Stamp stamp);
  void acknowledge_removal(const std::string& removed, const std::string& by);

  // --- asking

  // Null when no delta has named it.
  const Member* find(const std::string& region) const;
  const std::map<std::string, Member>& recorded() const { return recorded_; }
  const std::map<std::string, Removal>& removals() const { return removals_; }
  bool is_removed(const std::string& region) const { return removals_.contains(region); }
  // All that ever were members.
  Regions everyone() const;
  // `by` takes nothing from the removed region any more.
  bool has_let_go(const std::string& by, const std::string& removed) const;
  // Grows with every change.
  std::uint64_t changes() const { return changes_; }

  // Without what the settings say.
  std::string encode() const;
  static Result<Members> decode(std::string_view bytes);

 private:
  Regions configured_;
  std::map<std::string, Member> recorded_;
  std::map<std::string, Removal> removals_;
  std::uint64_t changes_ = 0;
};

// Names separated by commas, as they stand in deltas.
Regions split_regions(std::string_view text);
std::string join_regions(const Regions& regions);
// Of two requests at once the regions in both are waited for, in whatever order they come.
void keep_common(Regions& required, const Regions& other);

}  // namespace turnstone::sync
