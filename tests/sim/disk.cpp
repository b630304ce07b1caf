#include "tests/sim/disk.hpp"

#include <utility>

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
  }
}

void Disk::crash(Random& random) {
  sync(synced_lsn() + random.below(log_.size() - synced_ + 1));
  log_.resize(synced_);
}

const sync::Append* Disk::find(sync::Lsn lsn) const {
  if (lsn <= floor_lsn_ || lsn > synced_lsn()) return nullptr;
  return &log_[lsn - floor_lsn_ - 1];
}

void Disk::truncate(sync::Lsn up_to) {
  require(up_to <= checkpoint_.lsn, "the log is cut beyond what the state file holds");
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

void Disk::store(const sync::Checkpoint& checkpoint, const std::vector<crdt::CellImage>& images) {
  checkpoint_ = checkpoint;
  for (const crdt::CellImage& image : images) {
    if (image.bytes.empty()) {
      cells_.erase(image.name);
    } else {
      cells_[image.name] = image.bytes;
    }
  }
}

VersionVector Disk::state_vector() const {
  VersionVector vector;
  for (const auto& [origin, state] : checkpoint_.origins) vector.set(origin, state.seq);
  vector.join(checkpoint_.closings.retired());
  return vector;
}

void Disk::load_cells(crdt::Keyspace& keyspace) const {
  for (const auto& [name, bytes] : cells_) {
    const auto loaded = keyspace.load({name, bytes});
    if (!loaded) throw Finding("a stored cell is refused: " + loaded.error().message);
  }
}

void Disk::recover(sync::Replica& replica, bool keeps_forgotten) const {
  load_cells(replica.keyspace());
  replica.restore_closings(checkpoint_.closings);
  replica.restore_floor(floor_lsn_, floor_);
  for (const auto& [origin, state] : checkpoint_.origins) replica.restore_origin(origin, state);
  replica.restore_position(checkpoint_.lsn, checkpoint_.hlc);
  if (keeps_forgotten) replica.restore_forgotten(checkpoint_.forgotten);
  for (const sync::Append& batch : log_) {
    if (batch.lsn <= checkpoint_.lsn) {
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
