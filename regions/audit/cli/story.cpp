#include "regions/audit/cli/story.hpp"

#include <fmt/format.h>

#include "regions/settings/log_line.hpp"

namespace turnstone::audit {
namespace {

constexpr std::size_t value_columns = 60;

struct Side {
  const crdt::ConflictSide& side;
  const Author& author;
  std::string region() const { return author.region.empty() ? "a region no longer known" : author.region; }
  std::string value() const { return fitted(side_text(side, author), value_columns); }
};

std::string what(const Side& each) {
  if (each.side.is_delete) return fmt::format("{} deleted it", each.region());
  if (each.side.is_increment) return fmt::format("{} added {} to it", each.region(), each.value());
  if (each.side.kind == crdt::Kind::set) return fmt::format("{} added the member", each.region());
  return fmt::format("{} wrote {}", each.region(), each.value());
}

std::string place(const Stamp& stamp) {
  return fmt::format("write {} of {}", stamp.seq, to_string(stamp.origin));
}

// By its context, why one had not seen the other.
std::string sight(const Side& each, const Side& other) {
  const Stamp missed = other.side.id.operation;
  if (!each.author.context) return fmt::format("What {} had seen then is not known any more.", each.region());
  const Seq seen = each.author.context->get(missed.origin);
  if (seen == 0)
    return fmt::format("{} had seen nothing of the run of {} that made {}.", each.region(), other.region(),
                       place(missed));
  return fmt::format("{} had seen {} up to {}; the other is {}.", each.region(), other.region(),
                     place({missed.origin, seen}), place(missed));
}

std::string clocks(const Side& first, const Side& second) {
  const std::uint64_t a = hlc_ms(first.side.hlc);
  const std::uint64_t b = hlc_ms(second.side.hlc);
  if (a == b) return "in the same millisecond by their clocks";
  return fmt::format("{} ms apart by their clocks, {} first", a < b ? b - a : a - b,
                     a < b ? first.region() : second.region());
}

std::string decision(const Entry& entry, const Side& winner, const Side& loser) {
  switch (entry.conflict.type) {
    case crdt::ConflictType::update_vs_delete:
      return "A delete takes away what its author had seen and nothing else: what the other wrote stays.";
    case crdt::ConflictType::kind_conflict:
      return fmt::format("A key shows one kind, that of the newest write: {}'s. The other is kept, hidden.",
                         winner.region());
    case crdt::ConflictType::overflow:
      return "The sum of what both added leaves the range of integers: readers see the nearest that there "
             "is.";
    case crdt::ConflictType::gave_way:
      return "It came late, under a new name, and what it had seen of the sum is not known: the sum stayed.";
    case crdt::ConflictType::merge_failed:
      return fmt::format("The rule {} gave nothing for these two: readers see {}'s, the later by the clocks.",
                         entry.rule, winner.region());
    case crdt::ConflictType::concurrent_write:
      break;
  }
  if (entry.outcome == Outcome::merged) return fmt::format("The rule {} made one value of both.", entry.rule);
  return fmt::format("The rule {} chose {}'s {}{}; {}'s {} {} not shown.", entry.rule, winner.region(),
                     winner.value(), is_by_clock(entry) ? ", by the clocks alone" : "", loser.region(),
                     loser.value(), entry.settled.empty() ? "is" : "was");
}

// Whether anything was lost, and how to get it back.
std::string remedy(const Found& found, const Side& loser, const std::string& where, bool first_lost) {
  const Entry& entry = found.entry;
  const bool loses = entry.conflict.type == crdt::ConflictType::concurrent_write ||
                     entry.conflict.type == crdt::ConflictType::merge_failed;
  if (!loses || entry.outcome == Outcome::merged) return "Nothing was lost.";
  std::string out = found.open && *found.open ? "No write has seen both yet, so both are still kept. " : "";
  if (loser.author.shown != Shown::full)
    return out + "The record does not hold the whole of it (audit_values): to get it back, ask its author.";
  if (!entry.settled.empty())
    return fmt::format("To choose again: turnstone audit revert {} --to first|second {}",
                       hex_id(entry.conflict.id), where);
  return out + fmt::format("To get it back: turnstone audit revert {} --to {} {}", hex_id(entry.conflict.id),
                           first_lost ? "first" : "second", where);
}

}  // namespace

std::string story(const Found& found, const Terminal& terminal, const std::string& where) {
  const Entry& entry = found.entry;
  const Side first{entry.conflict.first, entry.authors[0]};
  const Side second{entry.conflict.second, entry.authors[1]};
  const bool first_lost = entry.outcome == Outcome::second_won;
  const Side& winner = first_lost ? second : first;
  const Side& loser = first_lost ? first : second;
  const std::string name = entry.conflict.field.empty() ? value_text(entry.conflict.key)
                                                        : value_text(entry.conflict.key) + ", field " +
                                                              value_text(entry.conflict.field);
  std::string regions;
  for (const std::string& region : found.regions) regions += (regions.empty() ? "" : ", ") + region;
  std::string out = fmt::format("{}  {}  {}\n", coloured(terminal, Colour::bold, name),
                                regions::log::time_text(static_cast<std::int64_t>(entry.at_ms)),
                                coloured(terminal, Colour::dim, crdt::name(entry.conflict.type)));
  out += fmt::format("  {}, and {}, {}.\n", what(first), what(second), clocks(first, second));
  out += fmt::format("  Neither had seen the other. {}\n  {}\n", sight(first, second), sight(second, first));
  out += fmt::format("  {}\n", decision(entry, winner, loser));
  for (const Settled& each : entry.settled)
    out += fmt::format("  {} chose between them in {}, {}.\n",
                       each.person.empty() ? "Somebody" : value_text(each.person), each.region,
                       regions::log::time_text(static_cast<std::int64_t>(each.at_ms)));
  out += fmt::format("  {}\n", remedy(found, loser, where, first_lost));
  return out + coloured(terminal, Colour::dim,
                        fmt::format("  {}, on record in {}\n", hex_id(entry.conflict.id), regions));
}

}  // namespace turnstone::audit
