#include "regions/audit/cli/revert.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "regions/audit/cli/text.hpp"

namespace turnstone::audit {
namespace {

Result<const crdt::ConflictSide*> side_named(const Entry& entry, const std::string& to) {
  const bool lost_first = entry.outcome == Outcome::second_won;
  if (to == "lost" && entry.outcome == Outcome::merged)
    return fail(Errc::config, "nothing was lost: readers see what the rule made of both");
  const bool first = to == "first" || (to == "lost" && lost_first);
  const crdt::ConflictSide& side = first ? entry.conflict.first : entry.conflict.second;
  if (side.is_increment)
    return fail(Errc::config, "what was added counts already; write a value: --to :VALUE");
  if (entry.authors[first ? 0 : 1].shown != Shown::full)
    return fail(Errc::config, "the record does not hold the whole value (audit_values)");
  return &side;
}

}  // namespace

Result<std::vector<std::string>> revert_words(const Found& found, const std::string& to,
                                              const std::string& person) {
  const crdt::Conflict& conflict = found.entry.conflict;
  const bool of_kinds =
      conflict.type == crdt::ConflictType::kind_conflict && conflict.first.kind != conflict.second.kind;
  std::vector<std::string> words{conflict.key};
  crdt::Kind kind = conflict.first.kind;
  std::vector<std::string> outcome;
  if (to.starts_with(':')) {
    outcome = {"VALUE", to.substr(1)};
    if (of_kinds) kind = crdt::Kind::string;
  } else {
    const auto side = side_named(found.entry, to);
    if (!side) return tl::make_unexpected(side.error());
    kind = (*side)->kind;
    outcome = (*side)->is_delete ? std::vector<std::string>{"DELETE"}
                                 : std::vector<std::string>{"VALUE", (*side)->value};
  }
  if (of_kinds && kind != crdt::Kind::string)
    return fail(Errc::config,
                "the key holds two kinds, and only text can take the place of all that is there");
  if (kind != crdt::Kind::string) {
    words.emplace_back(kind == crdt::Kind::hash ? "FIELD" : "MEMBER");
    words.push_back(conflict.field);
  }
  words.insert(words.end(), outcome.begin(), outcome.end());
  words.insert(words.end(), {"BY", person, "CONFLICT", hex_id(conflict.id), "ALL"});
  return words;
}

std::string revert_text(const std::vector<std::string>& words) {
  std::string name = value_text(words[0]);
  std::size_t at = 1;
  if (words[at] == "FIELD" || words[at] == "MEMBER") {
    name += " " + value_text(words[at + 1]);
    at += 2;
  }
  if (words[at] == "DELETE") return "delete " + name;
  return fmt::format("{} = {}", name, value_text(words[at + 1]));
}

}  // namespace turnstone::audit
