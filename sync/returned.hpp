#pragma once
// What was brought back: writes of runs that had ended below them (sync/closings.hpp), so that
// nobody takes them under their stamps, and that a later run of the region has stamped again
// (crdt::Again). Which stamp took the place of which: a function of the applied deltas, and kept
// for ever, as the ends are, since a directory with the old ones may turn up any day.
// tests/spec/returning.py is the executable form.
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "core/error.hpp"
#include "core/version_vector.hpp"
#include "crdt/effect.hpp"

namespace turnstone::sync {

class Returned final : public crdt::EarlierStamps {
 public:
  void add(Stamp was, Stamp now);

  // Nothing when it was not brought back.
  std::optional<Stamp> now(Stamp was) const;
  // O(ranges): one for each return of a directory, or a few.
  bool had_one_in(const VersionVector& seen, Stamp now) const override;
  std::uint64_t deltas() const { return deltas_; }

  std::string encode() const;
  static Result<Returned> decode(std::string_view bytes);

  friend bool operator==(const Returned& a, const Returned& b) { return a.by_origin_ == b.by_origin_; }

 private:
  // Deltas are brought back in order: one range for many.
  struct Range {
    Seq last = 0;
    Stamp now;  // of the first one
    friend bool operator==(const Range&, const Range&) = default;
  };
  std::map<Origin, std::map<Seq, Range>> by_origin_;  // by the first sequence number
  std::uint64_t deltas_ = 0;
};

}  // namespace turnstone::sync
