#include "regions/audit/entry.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "core/record.hpp"
#include "core/vector_record.hpp"

namespace turnstone::audit {
namespace {

constexpr std::uint64_t record_version = 1;
constexpr std::string_view last_write_wins = "lww";

void apply(const ValuePolicy& policy, crdt::ConflictSide& side, Author& author) {
  // An amount says what happened and is no content.
  if (side.is_delete || side.is_increment) return;
  if (policy.shown == Shown::redacted) {
    side.value.clear();
    author.shown = Shown::redacted;
  } else if (policy.shown == Shown::truncated && side.value.size() > policy.bytes) {
    side.value.resize(policy.bytes);
    side.value.shrink_to_fit();
    author.shown = Shown::truncated;
  }
}

}  // namespace

std::string_view name(Shown shown) {
  switch (shown) {
    case Shown::full:
      return "full";
    case Shown::truncated:
      return "truncated";
    case Shown::redacted:
      break;
  }
  return "redacted";
}

std::string_view name(Outcome outcome) {
  switch (outcome) {
    case Outcome::first_won:
      return "first";
    case Outcome::second_won:
      return "second";
    case Outcome::merged:
      break;
  }
  return "merged";
}

Entry entry_of(const crdt::Conflict& conflict, std::uint64_t found_ms) {
  Entry entry{conflict, hlc_ms(std::max(conflict.first.hlc, conflict.second.hlc)), found_ms};
  entry.outcome = conflict.first_wins ? Outcome::first_won : Outcome::second_won;
  entry.authors[0].value_bytes = conflict.first.value.size();
  entry.authors[1].value_bytes = conflict.second.value.size();
  return entry;
}

std::string_view fixed_rule(crdt::ConflictType type) {
  switch (type) {
    case crdt::ConflictType::update_vs_delete:
      return "write-wins";
    case crdt::ConflictType::kind_conflict:
      return "newest-kind";
    case crdt::ConflictType::overflow:
      return "clamp";
    case crdt::ConflictType::gave_way:
      return "sum-stays";
    case crdt::ConflictType::concurrent_write:
    case crdt::ConflictType::merge_failed:
      break;
  }
  return {};
}

bool is_by_clock(const Entry& entry) {
  return (entry.conflict.type == crdt::ConflictType::concurrent_write && entry.rule == last_write_wins) ||
         entry.conflict.type == crdt::ConflictType::kind_conflict;
}

void apply(const ValuePolicy& policy, Entry& entry) {
  apply(policy, entry.conflict.first, entry.authors[0]);
  apply(policy, entry.conflict.second, entry.authors[1]);
}

std::string hex_id(const Hash128& id) { return fmt::format("{:016x}{:016x}", id.high, id.low); }

std::string id_bytes(const Hash128& id) {
  std::string bytes;
  for (const std::uint64_t half : {id.high, id.low}) {
    for (int shift = 56; shift >= 0; shift -= 8) bytes += static_cast<char>(half >> shift & 0xff);
  }
  return bytes;
}

std::optional<Hash128> parse_id(std::string_view hex) {
  if (hex.size() != 32) return std::nullopt;
  Hash128 id;
  for (const auto& [half, at] : {std::pair{&id.high, 0}, std::pair{&id.low, 16}}) {
    const char* begin = hex.data() + at;
    const auto [end, error] = std::from_chars(begin, begin + 16, *half, 16);
    if (error != std::errc{} || end != begin + 16) return std::nullopt;
  }
  return id;
}

storage::AuditRow to_row(const Entry& entry) {
  storage::AuditRow row;
  row.id = id_bytes(entry.conflict.id);
  row.at_ms = entry.at_ms;
  row.found_ms = entry.found_ms;
  row.type = static_cast<std::uint8_t>(entry.conflict.type);
  row.by_clock = is_by_clock(entry);
  row.key = entry.conflict.key;
  row.rule = entry.rule;
  RecordWriter out(row.record);
  out.record(2).uint(record_version).uint(static_cast<std::uint64_t>(entry.outcome));
  row.record += crdt::encode_conflict(entry.conflict);
  for (const Author& author : entry.authors) {
    if (!author.region.empty() && std::ranges::find(row.regions, author.region) == row.regions.end())
      row.regions.push_back(author.region);
    RecordWriter more(row.record);
    more.record(4).bytes(author.region).uint(author.value_bytes);
    more.uint(static_cast<std::uint64_t>(author.shown)).uint(author.context ? 1 : 0);
    if (author.context) write_vector(more, *author.context);
  }
  return row;
}

Result<Entry> from_row(const storage::AuditRow& row) {
  const auto malformed = fail(Errc::malformed, "the record of a conflict cannot be read");
  RecordReader in(row.record);
  in.next();
  Entry entry;
  const bool known = in.uint(0) == record_version;
  entry.outcome = static_cast<Outcome>(in.uint(1));
  if (in.malformed() || !known || entry.outcome > Outcome::merged) return malformed;
  auto conflict = crdt::decode_conflict(in);
  if (!conflict) return malformed;
  entry.conflict = *std::move(conflict);
  for (Author& author : entry.authors) {
    in.next();
    author.region = in.bytes(0);
    author.value_bytes = in.uint(1);
    author.shown = static_cast<Shown>(in.uint(2));
    if (in.uint(3) != 0) author.context = read_vector(in);
    if (author.shown > Shown::redacted) return malformed;
  }
  if (in.malformed() || in.offset() != row.record.size() || id_bytes(entry.conflict.id) != row.id)
    return malformed;
  entry.at_ms = row.at_ms;
  entry.found_ms = row.found_ms;
  entry.rule = row.rule;
  return entry;
}

}  // namespace turnstone::audit
