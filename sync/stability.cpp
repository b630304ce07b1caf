#include "sync/stability.hpp"

#include "core/marks.hpp"
#include "core/planted.hpp"

namespace turnstone::sync {

void Stability::report(const std::string& member, Origin origin, const VersionVector& durable,
                       const VersionVector& applied) {
  const auto it = members_.find(member);
  if (it == members_.end()) return;
  Member& about = it->second;
  if (applied.covers(durable) || planted(Planted::receipt_stability)) {
    about.closed = durable;
    about.waiting = {};
  } else if (about.waiting.empty() || about.waiting_origin != origin) {
    // A run that ended may have named what a restore has lost: its report might never count.
    reached(Mark::report_waits);
    about.waiting = durable;
    about.waiting_origin = origin;
  }
}

bool Stability::advance(const VersionVector& own_durable, const VersionVector& applied) {
  VersionVector minimum = own_durable;
  for (auto& [name, member] : members_) {
    if (!member.waiting.empty() && applied.covers(member.waiting)) {
      member.closed = std::move(member.waiting);
      member.waiting = {};
    }
    minimum.meet(member.closed);
  }
  const VersionVector before = stable_;
  stable_.join(minimum);
  return stable_ != before;
}

void Stability::remove(const VersionVector& origins) {
  for (auto& [name, member] : members_) {
    member.closed.remove(origins);
    member.waiting.remove(origins);
  }
  stable_.remove(origins);
}

void Stability::lower(const std::string& member, const VersionVector& context) {
  reached(Mark::stability_lowered);
  stable_.meet(context);
  const auto it = members_.find(member);
  if (it == members_.end()) return;
  it->second.closed = context;
  it->second.waiting = {};
}

}  // namespace turnstone::sync
