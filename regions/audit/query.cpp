#include "regions/audit/query.hpp"

#include <algorithm>
#include <set>

namespace turnstone::audit {
namespace {

using storage::AuditOrder;
using storage::AuditPlace;
using storage::AuditRange;
using storage::AuditRow;

// A pattern that is one key, and nothing else.
std::optional<std::string> only_key(const std::string& pattern) {
  if (pattern.empty() || pattern.find_first_of("*?[\\") != std::string::npos) return std::nullopt;
  return pattern;
}

AuditRange range_of(const Question& question) {
  AuditRange range;
  range.order = question.found_from_ms  ? AuditOrder::found_last_first
                : question.oldest_first ? AuditOrder::oldest_first
                                        : AuditOrder::newest_first;
  range.beyond = question.beyond;
  range.at_from_ms = question.from_ms;
  range.at_before_ms = question.before_ms;
  range.key = only_key(question.key);
  if (!question.region.empty()) range.region = question.region;
  if (question.type) range.type = static_cast<std::uint8_t>(*question.type);
  return range;
}

// One page under way.
class Gathering {
 public:
  explicit Gathering(const Question& question) : question_(question) {}

  // False: that is enough.
  bool look(const AuditRow& row) {
    if (question_.found_from_ms && row.found_ms < *question_.found_from_ms) return false;
    ++looks_;
    last_ = AuditPlace{row.at_ms, row.id};
    if (fits(question_, row)) {
      auto entry = from_row(row);
      if (!entry) {
        error_ = entry.error();
        return false;
      }
      add(*std::move(entry));
    }
    // By the order of finding the last ones come first: all of them have to be seen.
    const bool enough =
        looks_ >= page_looks_max ||
        (!question_.found_from_ms && (entries_.size() >= question_.count || bytes_ >= page_bytes_max));
    stopped_ = enough;
    return !enough;
  }

  Result<Page> finish(const SharedEntries& unstored) {
    if (error_) return tl::make_unexpected(*error_);
    std::set<Hash128> known;
    for (const Entry& entry : entries_) known.insert(entry.conflict.id);
    for (const SharedEntry& entry : unstored) {
      if (!is_within(*entry) || !fits(question_, *entry) || !known.insert(entry->conflict.id).second)
        continue;
      add(*entry);
    }
    std::ranges::sort(entries_, [this](const Entry& a, const Entry& b) { return before(a, b); });
    Page page;
    if (stopped_ && !question_.found_from_ms) page.beyond = last_;
    if (entries_.size() > question_.count) {
      entries_.resize(question_.count);
      page.beyond = place_of(entries_.back());
    }
    page.entries = std::move(entries_);
    return page;
  }

 private:
  void add(Entry entry) {
    bytes_ += entry.conflict.first.value.size() + entry.conflict.second.value.size();
    entries_.push_back(std::move(entry));
  }

  bool before(const Entry& a, const Entry& b) const {
    if (question_.found_from_ms)
      return std::pair(a.found_ms, a.conflict.id) < std::pair(b.found_ms, b.conflict.id);
    return question_.oldest_first ? place_of(a) < place_of(b) : place_of(b) < place_of(a);
  }

  // On this page: behind where it begins, and not behind where it ends.
  bool is_within(const Entry& entry) const {
    if (question_.found_from_ms) return true;
    const AuditPlace place = place_of(entry);
    const auto comes_first = [this](const AuditPlace& a, const AuditPlace& b) {
      return question_.oldest_first ? a < b : b < a;
    };
    return (!question_.beyond || comes_first(*question_.beyond, place)) &&
           (!stopped_ || !comes_first(*last_, place));
  }

  const Question& question_;
  std::vector<Entry> entries_;
  std::size_t bytes_ = 0;
  std::size_t looks_ = 0;
  std::optional<AuditPlace> last_;
  bool stopped_ = false;
  std::optional<Error> error_;
};

}  // namespace

namespace {

Result<void> add_settlements(const storage::AuditReader& reader, Entry& entry) {
  const auto settlements = reader.settlements(id_bytes(entry.conflict.id));
  if (!settlements) return tl::make_unexpected(settlements.error());
  for (const storage::AuditSettlement& each : *settlements)
    entry.settled.push_back({each.person, each.region, each.at_ms});
  return {};
}

}  // namespace

Result<Page> ask(const storage::AuditReader& reader, const Question& question,
                 const SharedEntries& unstored) {
  Gathering gathering(question);
  auto read = reader.scan(range_of(question), [&](const AuditRow& row) { return gathering.look(row); });
  if (!read) return tl::make_unexpected(read.error());
  auto page = gathering.finish(unstored);
  if (!page) return page;
  for (Entry& entry : page->entries) {
    if (auto added = add_settlements(reader, entry); !added) return tl::make_unexpected(added.error());
  }
  return page;
}

Result<std::optional<Entry>> find(const storage::AuditReader& reader, const Hash128& id,
                                  const SharedEntries& unstored) {
  std::optional<Entry> found;
  const auto here =
      std::ranges::find_if(unstored, [&](const auto& entry) { return entry->conflict.id == id; });
  if (here != unstored.end()) {
    found = **here;
  } else {
    const auto row = reader.find(id_bytes(id));
    if (!row) return tl::make_unexpected(row.error());
    if (!*row) return std::optional<Entry>();
    auto entry = from_row(**row);
    if (!entry) return tl::make_unexpected(entry.error());
    found = *std::move(entry);
  }
  if (auto added = add_settlements(reader, *found); !added) return tl::make_unexpected(added.error());
  return found;
}

void Tally::add(const Entry& entry) {
  constexpr std::uint64_t hour_ms = 3'600'000;
  ++total;
  if (is_by_clock(entry)) ++by_clock;
  ++types[std::string(crdt::name(entry.conflict.type))];
  ++rules[entry.rule];
  const auto [one, other] = std::minmax(entry.authors[0].region, entry.authors[1].region);
  ++pairs[one + " " + other];
  const std::size_t colon = entry.conflict.key.find(':');
  ++prefixes[colon == std::string::npos ? "*" : entry.conflict.key.substr(0, colon + 1) + "*"];
  ++hours[entry.at_ms / hour_ms * hour_ms];
}

}  // namespace turnstone::audit
