#include "tests/sim/disk.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "core/hash.hpp"

#include "tests/sim/finding.hpp"

namespace turnstone::sim {

void Disk::append(const sync::Append& batch) {
  require(batch.lsn == last_lsn() + 1, "a batch is appended out of order");
  log_.push_back(batch);
}

void Disk::sync(sync::Lsn lsn) {
  while (synced_ < log_.size() && log_[synced_].lsn <= lsn) {
    holds_.set(log_[synced_].origin, log_[synced_].last_seq);
    ++synced_;
    cut(std::min(floor_lsn_ + 2, cut_up_to_));
  }
}

void Disk::crash(Random& random) {
  sync(synced_lsn() + random.below(log_.size() - synced_ + 1));
  log_.resize(synced_);
  cut_up_to_ = floor_lsn_;
  // Staged pages are not synced either.
  if (staging) {
    const std::size_t kept = random.below(staging->bytes.size() + 1);
    if (random.chance(0.5)) {
      staging->bytes.resize(kept);
    } else {
      std::fill(staging->bytes.begin() + static_cast<std::ptrdiff_t>(kept), staging->bytes.end(), '\0');
    }
  }
}

const sync::Append* Disk::find(sync::Lsn lsn) const {
  if (lsn <= floor_lsn_ || lsn > synced_lsn()) return nullptr;
  return &log_[lsn - floor_lsn_ - 1];
}

void Disk::truncate(sync::Lsn up_to) {
  require(up_to <= state_.checkpoint.lsn, "the log is cut beyond what the state file holds");
  cut_up_to_ = std::max(cut_up_to_, up_to);
  cut(floor_lsn_ + (cut_up_to_ - floor_lsn_ + 1) / 2);
}

void Disk::cut(sync::Lsn up_to) {
  while (floor_lsn_ < up_to) {
    floor_.set(log_.front().origin, log_.front().last_seq);
    log_.pop_front();
    --synced_;
    ++floor_lsn_;
  }
}

void Disk::scan(const std::function<void(std::string_view)>& visit) const {
  for (std::size_t i = 0; i < synced_; ++i) visit(*log_[i].bytes);
}

void Disk::store(const sync::Checkpoint& checkpoint, const std::vector<crdt::CellImage>& images,
                 std::set<Hash128> conflicts) {
  state_.checkpoint = checkpoint;
  state_.conflicts = std::move(conflicts);
  for (const crdt::CellImage& image : images) {
    if (image.bytes.empty()) {
      state_.cells.erase(image.name);
    } else {
      state_.cells[image.name] = image.bytes;
    }
  }
}

VersionVector StateImage::vector() const {
  VersionVector vector;
  for (const auto& [origin, state] : checkpoint.origins) vector.set(origin, state.seq);
  vector.join(checkpoint.closings.retired());
  return vector;
}

VersionVector Disk::state_vector() const { return state_.vector(); }

sync::StagedCopy Staging::found() const {
  sync::StagedCopy found = copy;
  found.staged = found.chain = 0;
  while (found.staged < found.bytes) {
    const std::uint64_t want = std::min(sync::mirror_page_bytes, found.bytes - found.staged);
    if (bytes.size() < found.staged + want) break;
    found.chain = hash64(std::string_view(bytes).substr(found.staged, want), found.chain);
    found.staged += want;
  }
  return found;
}

bool Disk::has(Stamp stamp) const {
  return holds_.covers(stamp) || std::any_of(earlier.begin(), earlier.end(), [&](const EarlierWrites& each) {
           return each.batch.origin == stamp.origin && each.batch.first_seq <= stamp.seq &&
                  stamp.seq <= each.batch.last_seq;
         });
}

bool Disk::has_own_earlier() const {
  return std::any_of(earlier.begin(), earlier.end(), [](const EarlierWrites& each) { return each.own; });
}

void Disk::keep_earlier(const Disk& from, const std::string& region, const std::set<Origin>& own_origins,
                        const VersionVector& vector) {
  std::vector<EarlierWrites> kept;
  std::map<Origin, VersionVector> seen;
  std::set<Origin> own_too = own_origins;
  VersionVector before = from.floor_;
  for (std::size_t i = 0; i < from.synced_; ++i) {
    const sync::Append& batch = from.log_[i];
    const auto header = sync::decode_batch_header(*batch.bytes);
    require(header.has_value(), "a batch of the log cannot be read");
    if (header->first_seq == 1 && header->region == region) own_too.insert(batch.origin);
    const auto known = seen.try_emplace(batch.origin, header->first_seq == 1 ? from.floor_ : before).first;
    for (const auto& [origin, seq] : header->deps_changes)
      known->second.set(origin, std::max(seq, known->second.get(origin)));
    before.set(batch.origin, batch.last_seq);
    VersionVector context = known->second;
    context.set(batch.origin, batch.first_seq - 1);
    if (!vector.covers({batch.origin, batch.last_seq}) &&
        !std::any_of(earlier.begin(), earlier.end(), [&](auto& e) {
          return e.batch.origin == batch.origin && e.batch.first_seq == batch.first_seq;
        })) {
      kept.push_back({batch, std::move(context), own_too.contains(batch.origin)});
    }
  }
  earlier.insert(earlier.begin(), kept.begin(), kept.end());
}

bool Disk::finish_install(const std::string& region) {
  if (!checked) return false;
  std::erase_if(earlier, [&](const EarlierWrites& each) {
    return checked->vector().covers({each.batch.origin, each.batch.last_seq});
  });
  keep_earlier(*this, region, own, checked->vector());
  state_ = *std::exchange(checked, std::nullopt);
  log_.clear();
  synced_ = 0;
  floor_lsn_ = cut_up_to_ = state_.checkpoint.lsn;
  floor_ = state_.vector();
  holds_ = state_vector();
  return true;
}

void Disk::load_cells(crdt::Keyspace& keyspace) const {
  for (const auto& [name, bytes] : state_.cells) {
    const auto loaded = keyspace.load({name, bytes});
    if (!loaded) throw Finding("a stored cell is refused: " + loaded.error().message);
  }
}

void Disk::recover(sync::Replica& replica, bool keeps_forgotten) const {
  load_cells(replica.keyspace());
  replica.restore_closings(state_.checkpoint.closings);
  replica.restore_members(state_.checkpoint.members);
  replica.restore_returned(state_.checkpoint.returned);
  replica.restore_floor(floor_lsn_, floor_);
  for (const auto& [origin, state] : state_.checkpoint.origins) replica.restore_origin(origin, state);
  replica.restore_position(state_.checkpoint.lsn, state_.checkpoint.hlc);
  if (keeps_forgotten) replica.restore_forgotten(state_.checkpoint.forgotten);
  for (const sync::Append& batch : log_) {
    if (batch.lsn <= state_.checkpoint.lsn) {
      replica.restore_index(batch.lsn, batch.origin, batch.first_seq, batch.last_seq, batch.bytes->size());
    } else if (const auto replayed = replica.replay(batch.lsn, *batch.bytes); !replayed) {
      throw Finding("the log is refused at " + std::to_string(batch.lsn) + ": " + replayed.error().message);
    }
  }
}

Origin Disk::newest_origin_of(const std::string& region) const {
  Origin newest{};
  for (const sync::Append& batch : log_) {
    if (batch.first_seq != 1) continue;
    const auto header = sync::decode_batch_header(*batch.bytes);
    if (header && header->region == region) newest = batch.origin;
  }
  return newest;
}

}  // namespace turnstone::sim
