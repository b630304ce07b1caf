#include "sync/bucket_rows.hpp"

#include <algorithm>
#include <limits>
#include <tuple>

#include "crdt/bucket_walk.hpp"

namespace turnstone::sync {
namespace {

using crdt::CellImage;
using crdt::CellName;
using crdt::CellPart;
using crdt::Kind;

// Gathers a page, in order.
class PageMaker {
 public:
  PageMaker(const std::optional<CellName>& after, std::size_t rows_max, std::size_t bytes_max)
      : after_(after), rows_max_(rows_max), bytes_max_(bytes_max) {}

  // False when the page is full.
  bool add_key(const std::string& key, const crdt::Entry& entry) {
    for (const Kind kind : entry.kinds()) {
      if (!add_kind(key, kind, entry)) return false;
    }
    return true;
  }

  RowPage page;

 private:
  bool add_kind(const std::string& key, Kind kind, const crdt::Entry& entry) {
    const bool same_key = after_ && after_->key == key;
    if (same_key && kind < after_->kind) return true;
    const bool same_kind = same_key && kind == after_->kind;
    if (kind == Kind::string) return same_kind || add({key, {}, kind}, *entry.string());
    const crdt::Fields& fields = *entry.fields(kind);
    auto it = same_kind ? fields.from(crdt::scan_position(after_->field)) : fields.map().begin();
    // Fields of one position are in order of their names.
    while (same_kind && it != fields.map().end() &&
           it->first.position == crdt::scan_position(after_->field) && it->first.field <= after_->field) {
      ++it;
    }
    for (; it != fields.map().end(); ++it) {
      if (!add({key, it->first.field, kind}, it->second)) return false;
    }
    return true;
  }

  bool add(const CellName& name, const crdt::Cell& cell) {
    if (page.rows.size() >= rows_max_ || bytes_ >= bytes_max_) {
      page.more = true;
      return false;
    }
    page.rows.push_back(image_of(name, &cell, CellPart::state));
    bytes_ += name.key.size() + name.field.size() + page.rows.back().bytes.size();
    return true;
  }

  const std::optional<CellName>& after_;
  std::size_t rows_max_;
  std::size_t bytes_max_;
  std::size_t bytes_ = 0;
};

// What the digest of a row contributes to its bucket's; zero for no row.
Hash128 digest_of_row(const CellName& name, const crdt::Cell* cell) {
  return cell == nullptr ? Hash128{} : digest_of(name.key, name.kind, name.field, *cell);
}

Result<void> may_repair(const Replica& replica, const Repair& repair) {
  const crdt::Keyspace& keyspace = replica.keyspace();
  if (repair.bucket >= keyspace.buckets()) return fail(Errc::config, "there is no such bucket");
  for (const CellImage& row : repair.rows) {
    if (keyspace.bucket_of(row.name.key) != repair.bucket)
      return fail(Errc::config, "the key '" + row.name.key + "' is not in that bucket");
  }
  if (repair.origin != replica.config().origin)
    return fail(Errc::config, "this leader was restarted meanwhile");
  if (!is_quiet(replica, repair.bucket) || keyspace.touched(repair.bucket) != repair.touched)
    return fail(Errc::in_use, "the bucket is being written to");
  // A counter comes without its single increments, which a delta that has not seen them may
  // still ask for: none may be left that could.
  if (!replica.stable().covers(replica.settled().vector()))
    return fail(Errc::in_use, "not every region has reported to have what the bucket holds");
  return {};
}

}  // namespace

bool is_quiet(const Replica& replica, std::size_t bucket) {
  return replica.keyspace().touched(bucket) <= replica.settled().lsn();
}

RowPage rows_of(const crdt::Keyspace& keyspace, std::size_t bucket, const std::optional<CellName>& after,
                std::size_t rows_max, std::size_t bytes_max) {
  std::vector<std::pair<std::string, const crdt::Entry*>> keys;
  keyspace.each_key(bucket, [&](std::string_view key, const crdt::Entry& entry) {
    if (!after || key >= after->key) keys.emplace_back(key, &entry);
  });
  std::sort(keys.begin(), keys.end());
  PageMaker maker(after, rows_max, bytes_max);
  for (const auto& [key, entry] : keys) {
    if (!maker.add_key(key, *entry)) break;
  }
  return std::move(maker.page);
}

Result<std::vector<CellImage>> repair(Replica& replica, const Repair& repair) {
  if (auto allowed = may_repair(replica, repair); !allowed) return tl::make_unexpected(allowed.error());
  const crdt::Keyspace& keyspace = replica.keyspace();
  std::size_t cells = replica.config().limits.digest_cells_per_tick;
  const Hash128* before = replica.divergence().digests().get(repair.bucket, cells);
  if (before == nullptr) return fail(Errc::in_use, "the bucket is large, and is being walked");
  Hash128 digest = *before;
  std::vector<CellImage> replaced;
  for (const CellImage& row : repair.rows) {
    const crdt::Cell* ours = keyspace.find_cell(row.name.key, row.name.kind, row.name.field);
    digest -= digest_of_row(row.name, ours);
    replaced.push_back(image_of(row.name, ours, CellPart::state));
    if (row.bytes.empty()) continue;
    const auto theirs = decode_image(row);
    if (!theirs) return tl::make_unexpected(theirs.error());
    digest += digest_of_row(row.name, &*theirs);
  }
  if (digest != repair.digest)
    return fail(Errc::config, "with these rows the bucket would not be what the other leader has");
  for (const CellImage& row : repair.rows) {
    if (auto done = replica.replace(row); !done) return tl::make_unexpected(done.error());
  }
  replica.divergence().digests().forget(repair.bucket);
  return replaced;
}

}  // namespace turnstone::sync
