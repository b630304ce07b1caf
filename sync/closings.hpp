#pragma once
// How the runs of leaders end. A leader that restarts stamps under a new origin; the old one
// is closed, so that vectors stay as long as the number of regions. No consensus is needed:
// somebody requests it, every member acknowledges with the last that it has and takes no more,
// and the origin ends at the greatest of these, F, once all acknowledgements are applied. This
// is a function of the applied deltas, so all leaders agree (Bayou retires its replicas by
// writes in the log, too). tests/spec/closing.py is the executable form.
//
// Two leaders may run for one region for a while, from copies of one directory, and say different
// things. So F is final only when every region has all acknowledgements; until then somebody who
// had to take more before it had them all may raise it. What a region said first, unaware of
// what it said elsewhere, counts with the least of it: who takes more of that says so itself.
//
// An origin is retired when all acknowledgements are stable and below the floor of the local log:
// every author that will ever be heard has seen all of it, and no vector names it any more.
#include <functional>
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
    bool again = false;  // its author had seen another one of its region
    friend auto operator<=>(const Acknowledgement&, const Acknowledgement&) = default;
  };
  // Of each run of a region that acknowledged, the first one and the newest.
  using Acknowledgements = std::vector<Acknowledgement>;

  // F once it is complete; the greatest acknowledged so far.
  Seq last() const;
  // The most that the region has said; 0 when it has said nothing.
  Seq last_of(const std::string& region) const;
  bool is_acknowledged_by(Origin run) const;
  bool requires_region(const std::string& region) const { return required.contains(region); }

  std::set<std::string> required;
  std::map<std::string, Acknowledgements> acknowledged;  // by region
  // The leader of this region had more here than another leader of it has said: others may have
  // settled that, so it must not say more any more. Empty for none.
  std::string overtaken;
  friend bool operator==(const Closing&, const Closing&) = default;
};

class Closings {
 public:
  // --- applying deltas

  // `regions` are the members' names, separated by commas.
  void request(Origin origin, std::string_view regions);
  // `saw`: whether its author had seen another one. Nothing when it is not given.
  void acknowledge(Origin origin, const std::string& region, Seq last, Stamp stamp,
                   const std::function<bool(Stamp)>& saw = {});
  // That was of this leader's own region, and this much of the origin is applied here.
  void compare_with_own(Origin origin, const std::string& region, Seq last, Seq applied);

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
  // And it stays there: all acknowledgements are stable.
  std::optional<Seq> final_end_of(Origin origin, const VersionVector& stable) const;
  // `seen`, what an author had seen, has all that the region has said of it.
  bool covers_acknowledgements_by(const std::string& region, const Closing& closing,
                                  const VersionVector& seen) const;

  // A vector of another leader in this leader's form: what is retired here is left out, and
  // what its author left out, since it was retired there, is spelled out where it is not.
  void normalize(VersionVector& vector) const;

  // --- retiring

  // The origins whose closing the floor covers; to be taken out of every vector. `applied`: what
  // those saw who are waived by now, and some more. `floor`: as far as it is stable.
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
  // the origins of these may be left out themselves. Who has applied one by which it has more
  // than it names has retired it, too. Each is answered once.
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
