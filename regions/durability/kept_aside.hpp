#pragma once
// The batches that a leader keeps and cannot apply: which they are, how many there may be,
// and when to offer one to the replica again. The bytes are in the log's file. One thread.
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "core/storage/aside.hpp"
#include "core/version_vector.hpp"
#include "sync/event.hpp"

namespace turnstone::durability {

class KeptAside {
 public:
  // What peers can make a leader keep. Behind it batches are still refused, and not kept: those
  // who sent them have them.
  static constexpr std::size_t quarantine_bytes_max = 64u * 1024 * 1024;

  // What earlier runs kept.
  explicit KeptAside(std::vector<storage::AsidePlace> found);

  // The place under which the batch is to be kept; nothing when it is kept already, or when
  // there is no room for it.
  std::optional<storage::AsidePlace> add(const sync::SetAside& batch, std::uint64_t now_ms);
  // Those that are of no use any more; forgets them.
  std::vector<std::int64_t> take(const std::function<bool(const storage::AsidePlace&)>& is_done);
  // Calls `offer` for each that `wanted` says is next of its origin, the oldest first; one of
  // them may make another one the next. While `offer` returns true.
  void each_next(const std::function<bool(const storage::AsidePlace&)>& wanted,
                 const std::function<bool(const storage::AsidePlace&)>& offer) const;

  bool empty() const { return places_.empty(); }
  const std::vector<storage::AsidePlace>& places() const { return places_; }
  std::size_t size() const { return places_.size(); }
  std::size_t bytes() const { return bytes_; }
  // Batches that were refused and not kept, for want of room.
  std::uint64_t not_kept() const { return not_kept_; }

 private:
  void count(const storage::AsidePlace& place);
  std::int64_t next_id() const { return places_.empty() ? 1 : places_.back().id + 1; }

  std::vector<storage::AsidePlace> places_;  // by id
  std::size_t bytes_ = 0;                    // of what others wrote
  std::uint64_t not_kept_ = 0;
};

}  // namespace turnstone::durability
