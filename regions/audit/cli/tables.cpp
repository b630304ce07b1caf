#include <fmt/format.h>

#include <algorithm>

#include "regions/audit/cli/text.hpp"
#include "regions/settings/log_line.hpp"

namespace turnstone::audit {
namespace {

using Line = std::vector<std::string>;

constexpr std::size_t gap = 2;
constexpr std::size_t narrowest = 8;

// The columns of a table, as wide as their widest item; where that is too much, the widest ones
// give way.
std::vector<std::size_t> widths_of(const std::vector<Line>& lines, std::size_t width) {
  std::vector<std::size_t> widths(lines.front().size());
  std::size_t total = gap * (widths.size() - 1);
  for (std::size_t i = 0; i < widths.size(); ++i) {
    for (const Line& line : lines) widths[i] = std::max(widths[i], width_of(line[i]));
    total += widths[i];
  }
  while (width > 0 && total > width) {
    auto widest = std::ranges::max_element(widths);
    if (*widest <= narrowest) break;
    --*widest;
    --total;
  }
  return widths;
}

std::string padded(const std::string& text, std::size_t width) {
  const std::string out = fitted(text, width);
  return out + std::string(width - std::min(width, width_of(out)), ' ');
}

// How the type is shown: what lost something is louder.
Colour colour_of(const Found& found) {
  if (found.open.value_or(false)) return Colour::yellow;
  return is_by_clock(found.entry) ? Colour::red : Colour::cyan;
}

std::string winner_of(const Entry& entry) {
  if (entry.outcome == Outcome::merged) return "merged";
  return entry.authors[entry.outcome == Outcome::first_won ? 0 : 1].region;
}

// What readers see, or who has chosen since.
std::string chosen(const Entry& entry) {
  if (entry.settled.empty()) return winner_of(entry);
  const std::string& person = entry.settled.back().person;
  return "chosen by " + (person.empty() ? "somebody" : value_text(person));
}

std::string name_of(const crdt::Conflict& conflict) {
  return conflict.field.empty() ? value_text(conflict.key)
                                : value_text(conflict.key) + " " + value_text(conflict.field);
}

std::string time_of(std::uint64_t ms) { return regions::log::time_text(static_cast<std::int64_t>(ms)); }

std::string row(const std::string& name, const std::string& value) {
  return fmt::format("  {:<14} {}\n", name, value);
}

std::string counts(const Terminal& terminal, std::string_view title,
                   const std::vector<std::pair<std::string, std::uint64_t>>& numbers, std::uint64_t total) {
  constexpr std::size_t shown_max = 15;
  std::string out = "\n" + coloured(terminal, Colour::bold, title) + "\n";
  for (std::size_t i = 0; i < std::min(numbers.size(), shown_max); ++i) {
    const auto& [name, count] = numbers[i];
    const std::size_t bar = total == 0 ? 0 : static_cast<std::size_t>((20 * count + total - 1) / total);
    out += fmt::format("  {} {:>9}  {}\n", padded(value_text(name), 32), count, std::string(bar, '#'));
  }
  if (numbers.size() > shown_max) out += fmt::format("  and {} more\n", numbers.size() - shown_max);
  return out;
}

std::vector<std::pair<std::string, std::uint64_t>> most_first(
    const std::map<std::string, std::uint64_t>& counts) {
  std::vector<std::pair<std::string, std::uint64_t>> sorted(counts.begin(), counts.end());
  std::ranges::stable_sort(sorted, std::ranges::greater{}, &std::pair<std::string, std::uint64_t>::second);
  return sorted;
}

}  // namespace

std::string list_table(const std::vector<Found>& found, const Terminal& terminal) {
  std::vector<Line> lines{{"WHEN", "TYPE", "KEY", "FIRST", "SECOND", "SHOWN", "RULE", "ID"}};
  for (const Found& each : found) {
    const Entry& entry = each.entry;
    const auto side = [&](std::size_t i, const crdt::ConflictSide& s) {
      return fmt::format("{}: {}", entry.authors[i].region, side_text(s, entry.authors[i]));
    };
    lines.push_back({ago(entry.at_ms, terminal.now_ms), std::string(crdt::name(entry.conflict.type)),
                     name_of(entry.conflict), side(0, entry.conflict.first), side(1, entry.conflict.second),
                     chosen(entry), entry.rule, hex_id(entry.conflict.id).substr(0, 12)});
  }
  const auto widths = widths_of(lines, terminal.width);
  std::string out;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    std::string line;
    for (std::size_t c = 0; c < lines[i].size(); ++c) {
      const bool last = c + 1 == lines[i].size();
      const std::string text = last ? fitted(lines[i][c], widths[c]) : padded(lines[i][c], widths[c]);
      const Colour colour = i == 0   ? Colour::bold
                            : c == 1 ? colour_of(found[i - 1])
                            : last   ? Colour::dim
                                     : Colour::plain;
      line += coloured(terminal, colour, text) + (last ? "" : std::string(gap, ' '));
    }
    out += line + "\n";
  }
  return out;
}

std::string details(const Found& found, const Terminal& terminal) {
  const Entry& entry = found.entry;
  const crdt::Conflict& conflict = entry.conflict;
  std::string out = coloured(terminal, colour_of(found), crdt::name(conflict.type)) + " of " +
                    coloured(terminal, Colour::bold, name_of(conflict)) + "\n";
  out += row("id", hex_id(conflict.id));
  out += row("written", fmt::format("{} ({})", time_of(entry.at_ms), ago(entry.at_ms, terminal.now_ms)));
  out += row("found", time_of(entry.found_ms));
  out += row("rule", entry.rule + (is_by_clock(entry) ? ", so the clocks alone decided" : ""));
  out +=
      row("shown", entry.outcome == Outcome::merged ? "what the rule made of both" : winner_of(entry) + "'s");
  if (found.open) out += row("state", *found.open ? "open: no write has seen both" : "decided");
  for (const Settled& each : entry.settled)
    out += row("chosen",
               fmt::format("by {} in {}, {}", each.person.empty() ? "somebody" : value_text(each.person),
                           each.region, time_of(each.at_ms)));
  std::string regions;
  for (const std::string& region : found.regions) regions += (regions.empty() ? "" : ", ") + region;
  out += row("on record in", regions);
  for (const auto& [title, side, author] : {std::tuple{"first", &conflict.first, &entry.authors[0]},
                                            std::tuple{"second", &conflict.second, &entry.authors[1]}}) {
    out += coloured(terminal, Colour::bold, title) + "\n";
    out += row("value", side_text(*side, *author));
    out += row("region", author->region);
    out += row("clock", time_of(hlc_ms(side->hlc)));
    out += row("operation", fmt::format("{}, index {}", to_string(side->id.operation), side->id.index));
    out += row("had seen", author->context ? to_string(*author->context) : "not known any more");
  }
  return out;
}

std::string tally_text(const Tally& tally, const Terminal& terminal) {
  std::string out =
      fmt::format("{} conflicts, {} of them decided by the clocks alone\n", tally.total, tally.by_clock);
  if (tally.total == 0) return out;
  out += counts(terminal, "By type", most_first(tally.types), tally.total);
  out += counts(terminal, "By rule", most_first(tally.rules), tally.total);
  out += counts(terminal, "By pair of regions", most_first(tally.pairs), tally.total);
  out += counts(terminal, "By beginning of the key", most_first(tally.prefixes), tally.total);
  std::vector<std::pair<std::string, std::uint64_t>> hours;
  for (auto it = tally.hours.rbegin(); it != tally.hours.rend(); ++it)
    hours.emplace_back(time_of(it->first).substr(0, 13) + "h", it->second);
  return out + counts(terminal, "By hour (UTC), the last first", hours, tally.total);
}

}  // namespace turnstone::audit
