#include "regions/audit/scenario.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <vector>

#include "crdt/keyspace.hpp"

namespace turnstone::audit {
namespace {

constexpr std::string_view first_line = "turnstone scenario 1";
constexpr crdt::Kind kinds[] = {crdt::Kind::string, crdt::Kind::set, crdt::Kind::hash};

// "-" for nothing, so that a line always has as many words.
std::string hex(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) out += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return out.empty() ? "-" : out;
}

std::optional<std::uint64_t> number_in(std::string_view text, int base = 10) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<std::string> bytes_in(std::string_view hex) {
  if (hex == "-") return std::string();
  std::string bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    const auto byte = number_in(hex.substr(i, 2), 16);
    if (!byte || i + 1 == hex.size()) return std::nullopt;
    bytes += static_cast<char>(*byte);
  }
  return bytes;
}

std::vector<std::string_view> words_in(std::string_view line) {
  std::vector<std::string_view> words;
  while (!line.empty()) {
    const std::string_view word = line.substr(0, line.find(' '));
    if (!word.empty()) words.push_back(word);
    line.remove_prefix(std::min(line.size(), word.size() + 1));
  }
  return words;
}

bool read_write(const std::vector<std::string_view>& words, Scenario::Write& write) {
  const auto origin = number_in(words[2], 16);
  const auto seq = number_in(words[3]);
  const auto index = number_in(words[4]);
  const auto hlc = number_in(words[5]);
  const auto value = bytes_in(words[8]);
  const auto* kind = std::ranges::find(kinds, words[6], [](crdt::Kind each) { return crdt::name(each); });
  if (!origin || !seq || !index || *index > UINT32_MAX || !hlc || !value || kind == std::end(kinds))
    return false;
  write.region = words[1];
  write.side = {{{Origin{*origin}, *seq}, static_cast<std::uint32_t>(*index)},
                *hlc,
                *kind,
                words[7] == "remove",
                words[7] == "increment",
                *value};
  return words[7] == "put" || write.side.is_delete || write.side.is_increment;
}

// The conflicts that one region finds.
class Finder final : public crdt::KeyspaceObserver {
 public:
  void key_changed(std::string_view) override {}
  void conflict_settled(const crdt::Settlement&) override {}
  void conflict_found(const crdt::Conflict& conflict) override { found.push_back(conflict); }
  std::vector<crdt::Conflict> found;
};

class Site {
 public:
  Site() : keyspace_(4) {}

  void apply(const Scenario& scenario, const Scenario::Write& write, bool own) {
    const crdt::ConflictSide& side = write.side;
    const crdt::Author author{side.id.operation, side.hlc, side.id.operation.seq,
                              own ? nullptr : &write.seen};
    keyspace_.apply(effect_of(scenario, side), author, side.id.index, finder_);
  }
  const std::vector<crdt::Conflict>& found() const { return finder_.found; }

 private:
  static crdt::Effect effect_of(const Scenario& scenario, const crdt::ConflictSide& side) {
    // What kinds in conflict had in their fields is not on record, and plays no part.
    const bool of_key = scenario.type == crdt::ConflictType::kind_conflict && scenario.field.empty();
    const std::string_view field = of_key && side.kind != crdt::Kind::string
                                       ? std::string_view("some")
                                       : std::string_view(scenario.field);
    if (side.is_increment)
      return crdt::Increment{scenario.key, side.kind, field, *FixedDecimal::parse(side.value)};
    if (!side.is_delete) return crdt::Put{scenario.key, side.kind, field, side.value};
    if (side.kind == crdt::Kind::string) return crdt::Clear{scenario.key};
    return crdt::Remove{scenario.key, side.kind, field};
  }

  crdt::Keyspace keyspace_;
  Finder finder_;
};

}  // namespace

Result<std::string> scenario_text(const Entry& entry) {
  const crdt::Conflict& conflict = entry.conflict;
  switch (conflict.type) {
    case crdt::ConflictType::concurrent_write:
    case crdt::ConflictType::update_vs_delete:
    case crdt::ConflictType::kind_conflict:
      break;
    default:
      return fail(Errc::config,
                  fmt::format("a conflict of type {} is more than two writes", name(conflict.type)));
  }
  std::string out = fmt::format("{}\nkey {}\nfield {}\n", first_line, hex(conflict.key), hex(conflict.field));
  for (const auto& [side, author] :
       {std::pair{&conflict.first, &entry.authors[0]}, std::pair{&conflict.second, &entry.authors[1]}}) {
    if (author->shown != Shown::full)
      return fail(Errc::config, "the values are not on record in full (audit_values)");
    if (!author->context) return fail(Errc::config, "what one of the authors had seen is not known any more");
    const std::string_view verb = side->is_delete ? "remove" : side->is_increment ? "increment" : "put";
    out += fmt::format("write {} {} {} {} {} {} {} {}\n", author->region.empty() ? "-" : author->region,
                       to_string(side->id.operation.origin), side->id.operation.seq, side->id.index,
                       side->hlc, crdt::name(side->kind), verb, hex(side->value));
    for (const auto& [origin, seq] : author->context->entries())
      out += fmt::format("  seen {} {}\n", to_string(origin), seq);
  }
  return out + fmt::format("expect {} {} {}\n", hex_id(conflict.id), name(conflict.type),
                           conflict.first_wins ? "first" : "second");
}

Result<Scenario> parse_scenario(std::string_view text) {
  Scenario scenario;
  std::size_t writes = 0;
  std::size_t number = 0;
  bool whole = false;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const auto words = words_in(line);
    bool understood = false;
    if (++number == 1) {
      understood = line == first_line;
    } else if (words.size() == 2 && (words[0] == "key" || words[0] == "field")) {
      const auto bytes = bytes_in(words[1]);
      understood = bytes.has_value();
      if (bytes) (words[0] == "key" ? scenario.key : scenario.field) = *bytes;
    } else if (words.size() == 9 && words[0] == "write" && writes < 2) {
      understood = read_write(words, scenario.writes[writes++]);
    } else if (words.size() == 3 && words[0] == "seen" && writes > 0) {
      const auto origin = number_in(words[1], 16);
      const auto seq = number_in(words[2]);
      understood = origin && seq;
      if (understood) scenario.writes[writes - 1].seen.set(Origin{*origin}, *seq);
    } else if (words.size() == 4 && words[0] == "expect") {
      const auto id = parse_id(words[1]);
      understood = id.has_value();
      for (std::uint8_t code = 1; crdt::name(crdt::ConflictType{code}) != "unknown"; ++code) {
        if (crdt::name(crdt::ConflictType{code}) == words[2]) scenario.type = crdt::ConflictType{code};
      }
      if (id) scenario.id = *id;
      scenario.first_wins = words[3] == "first";
      whole = understood && writes == 2;
    }
    if (!understood)
      return fail(Errc::malformed, fmt::format("line {} of the scenario is not understood", number));
  }
  if (!whole) return fail(Errc::malformed, "the scenario is not whole");
  return scenario;
}

Result<crdt::Conflict> play(const Scenario& scenario) {
  std::array<Site, 2> sites;
  for (std::size_t i = 0; i < sites.size(); ++i) sites[i].apply(scenario, scenario.writes[i], true);
  for (std::size_t i = 0; i < sites.size(); ++i) sites[i].apply(scenario, scenario.writes[1 - i], false);
  for (const Site& site : sites) {
    if (site.found().size() != 1)
      return fail(Errc::config,
                  fmt::format("{} conflicts were found, and one is expected", site.found().size()));
    const crdt::Conflict& found = site.found().front();
    if (found.id != scenario.id || found.type != scenario.type || found.first_wins != scenario.first_wins)
      return fail(Errc::config,
                  fmt::format("the conflict found is {} of type {}", hex_id(found.id), name(found.type)));
  }
  return sites[0].found().front();
}

}  // namespace turnstone::audit
