#pragma once
// How the runs of leaders end. A leader that restarts stamps under a new origin; the old one
// is closed, so that vectors stay as long as the number of regions. No consensus is needed:
// somebody requests it, every member acknowledges with the last that it has and takes no more,
// and the origin ends at the greatest of these, F, once all acknowledgements are applied. This
// is a function of the applied deltas, so all leaders agree (Bayou retires its replicas by
// writes in the log, too). tests/spec/closing.py is the executable form.
//
// An origin is retired when all acknowledgements are below the floor of the local log: every
// author that will ever be heard has seen all of it, and no vector names it any more.
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "core/version_vector.hpp"

namespace turnstone::sync {

class Closing {
 public:
  struct Acknowledgement {
    Seq last = 0;
    Stamp stamp;
    friend auto operator<=>(const Acknowledgement&, const Acknowledgement&) = default;
  };

  // F once it is complete; the greatest acknowledged so far.
  Seq last() const;
  bool requires_region(const std::string& region) const { return required.contains(region); }

  std::set<std::string> required;
  std::map<std::string, Acknowledgement> acknowledged;  // by region; its greatest
  friend bool operator==(const Closing&, const Closing&) = default;
};

class Closings {
 public:
  // --- applying deltas

  // `regions` are the members' names, separated by commas.
  void request(Origin origin, std::string_view regions);
  void acknowledge(Origin origin, const std::string& region, Seq last, Stamp stamp);

  // Nobody waits for this region's acknowledgements any more (sync/members.hpp).
  void waive(const std::string& region) { waived_.insert(region); }

  // --- asking

  bool waives(const std::string& region) const { return waived_.contains(region); }
  // Every region that is waited for has acknowledged: the origin has ended.
  bool complete(const Closing& closing) const;
  // Null when nobody requested it, and when it is retired.
  const Closing* find(Origin origin) const;
  const std::map<Origin, Closing>& open() const { return open_; }
  // Settled origins and where each ended; without those of which nobody had anything.
  const VersionVector& retired() const { return retired_; }
  bool is_retired(Origin origin) const { return retired_.get(origin) != 0 || unseen_.contains(origin); }
  // F of an origin that has ended.
  std::optional<Seq> end_of(Origin origin) const;

  // A vector of another leader in this leader's form: what is retired here is left out, and
  // what its author left out, since it was retired there, is spelled out where it is not.
  void normalize(VersionVector& vector) const;

  // --- retiring

  // The origins whose closing the floor covers; to be taken out of every vector. `applied`: what
  // those saw who are waived by now, and some more.
  std::vector<Origin> retire(const VersionVector& floor, const VersionVector& applied);
  // The acknowledgements below `stable`, when more than `ended_max` origins have ended by
  // them: to be cut from the log, however little it would keep. Empty otherwise.
  VersionVector ends_to_cut(const VersionVector& stable, std::size_t ended_max) const;
  // For people: rows keep the names of their operations for ever.
  void remember_region(Origin origin, std::string region) { regions_[origin] = std::move(region); }
  // Empty when the origin is not retired.
  std::string region_of_retired(Origin origin) const;

  std::string encode() const;
  static Result<Closings> decode(std::string_view bytes);

  friend bool operator==(const Closings&, const Closings&) = default;

 private:
  // What a vector says of each origin: its author may have left it out, or have retired it
  // before it told how much it had. Who has applied all acknowledgements has all of it, and
  // the origins of these may be left out themselves. Each is answered once.
  class Reading;

  void set_retired(Origin origin, Seq last);
  // What completes it beside the acknowledgements.
  VersionVector waivers_of(const Closing& closing) const;

  std::map<Origin, Closing> open_;
  VersionVector retired_;
  std::set<Origin> unseen_;                // retired at F = 0, which no vector can say
  std::map<Origin, std::string> regions_;  // of the retired ones
  // Follows from what is closed and who was removed; it is not stored.
  std::set<std::string> waived_;
  // All that was applied when it was noticed. Who has not seen that may wait for them still.
  std::map<std::string, VersionVector> waived_at_;
};

}  // namespace turnstone::sync
