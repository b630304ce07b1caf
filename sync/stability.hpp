#pragma once
// Causal stability: every delta that will ever be delivered from now on covers it. The
// minimum over what the members report to have durably, where a report counts only after
// all that it names was applied here, and with it all that its sender had stamped before, in
// this run or an earlier one: a report that overtakes deltas would only tell receipt.
#include <map>
#include <string>

#include "core/version_vector.hpp"

namespace turnstone::sync {

class Stability {
 public:
  // Who is waited for. Adding one that is there changes nothing.
  void add_member(const std::string& region) { members_.try_emplace(region); }
  void remove_member(const std::string& region) { members_.erase(region); }
  bool has_member(const std::string& region) const { return members_.contains(region); }

  // `applied` is what this replica has applied now.
  void report(const std::string& member, Origin origin, const VersionVector& durable,
              const VersionVector& applied);
  // Recomputes; true when the stable vector grew.
  bool advance(const VersionVector& own_durable, const VersionVector& applied);
  // A delta arrived whose author is below the stable vector (its leader was restored from
  // an old copy): what it had not seen is not stable after all.
  void lower(const std::string& member, const VersionVector& context);

  // Takes retired origins out of every vector here.
  void remove(const VersionVector& origins);

  const VersionVector& stable() const { return stable_; }

 private:
  struct Member {
    VersionVector closed;
    // The oldest report of a run that does not count yet; empty for none.
    VersionVector waiting;
    Origin waiting_origin{};
  };

  std::map<std::string, Member> members_;
  VersionVector stable_;
};

}  // namespace turnstone::sync
