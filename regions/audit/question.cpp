#include "regions/audit/question.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "core/glob.hpp"

namespace turnstone::audit {
namespace {

std::optional<std::uint64_t> number_in(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::string upper(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
  return text;
}

Result<void> set_flag(std::optional<bool>& flag, std::string_view value, std::string_view word) {
  if (value != "yes" && value != "no") return fail(Errc::config, fmt::format("{} needs yes or no", word));
  flag = value == "yes";
  return {};
}

Result<void> set_time(std::optional<std::uint64_t>& time, std::string_view value, std::string_view word) {
  time = number_in(value);
  if (!time) return fail(Errc::config, fmt::format("{} needs milliseconds since 1970", word));
  return {};
}

Result<void> set(Question& question, const std::string& word, const std::string& value) {
  if (word == "KEY") {
    question.key = value;
  } else if (word == "REGION") {
    question.region = value;
  } else if (word == "RULE") {
    question.rule = value;
  } else if (word == "TYPE") {
    question.type = parse_type(value);
    if (!question.type) return fail(Errc::config, fmt::format("there is no type of conflict '{}'", value));
  } else if (word == "CLOCK") {
    return set_flag(question.by_clock, value, word);
  } else if (word == "OPEN") {
    return set_flag(question.open, value, word);
  } else if (word == "FROM") {
    return set_time(question.from_ms, value, word);
  } else if (word == "BEFORE") {
    return set_time(question.before_ms, value, word);
  } else if (word == "FOUND-FROM") {
    return set_time(question.found_from_ms, value, word);
  } else if (word == "BEYOND") {
    question.beyond = parse_place(value);
    if (!question.beyond)
      return fail(Errc::config, "BEYOND needs a place, as the page before ended with one");
  } else if (word == "COUNT") {
    const auto count = number_in(value);
    if (!count || *count == 0 || *count > Question::count_max)
      return fail(Errc::config, fmt::format("COUNT needs a number from 1 to {}", Question::count_max));
    question.count = static_cast<std::size_t>(*count);
  } else {
    return fail(Errc::config, fmt::format("'{}' is not understood", word));
  }
  return {};
}

}  // namespace

bool fits(const Question& question, const storage::AuditRow& row) {
  return (question.key.empty() || glob_match(question.key, row.key)) &&
         (question.region.empty() || std::ranges::find(row.regions, question.region) != row.regions.end()) &&
         (question.rule.empty() || glob_match(question.rule, row.rule)) &&
         (!question.type || static_cast<std::uint8_t>(*question.type) == row.type) &&
         (!question.by_clock || *question.by_clock == row.by_clock) &&
         (!question.from_ms || row.at_ms >= *question.from_ms) &&
         (!question.before_ms || row.at_ms < *question.before_ms) &&
         (!question.found_from_ms || row.found_ms >= *question.found_from_ms);
}

bool fits(const Question& question, const Entry& entry) {
  storage::AuditRow row;
  row.at_ms = entry.at_ms;
  row.found_ms = entry.found_ms;
  row.type = static_cast<std::uint8_t>(entry.conflict.type);
  row.by_clock = is_by_clock(entry);
  row.key = entry.conflict.key;
  row.rule = entry.rule;
  row.regions = {entry.authors[0].region, entry.authors[1].region};
  return fits(question, row);
}

Result<Question> read_question(const std::vector<std::string>& words) {
  Question question;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string word = upper(words[i]);
    if (word == "OLDEST") {
      question.oldest_first = true;
      continue;
    }
    if (i + 1 == words.size())
      return fail(Errc::config, fmt::format("'{}' needs a value, or is unknown", word));
    if (auto done = set(question, word, words[++i]); !done) return tl::make_unexpected(done.error());
  }
  return question;
}

std::vector<std::string> words_of(const Question& question) {
  std::vector<std::string> words;
  const auto add = [&](const char* word, std::string value) {
    words.emplace_back(word);
    words.push_back(std::move(value));
  };
  if (!question.key.empty()) add("KEY", question.key);
  if (!question.region.empty()) add("REGION", question.region);
  if (!question.rule.empty()) add("RULE", question.rule);
  if (question.type) add("TYPE", std::string(crdt::name(*question.type)));
  if (question.by_clock) add("CLOCK", *question.by_clock ? "yes" : "no");
  if (question.open) add("OPEN", *question.open ? "yes" : "no");
  if (question.from_ms) add("FROM", std::to_string(*question.from_ms));
  if (question.before_ms) add("BEFORE", std::to_string(*question.before_ms));
  if (question.found_from_ms) add("FOUND-FROM", std::to_string(*question.found_from_ms));
  if (question.beyond) add("BEYOND", text_of(*question.beyond));
  add("COUNT", std::to_string(question.count));
  if (question.oldest_first) words.emplace_back("OLDEST");
  return words;
}

std::string text_of(const storage::AuditPlace& place) {
  std::string text = std::to_string(place.at_ms) + "-";
  for (const char c : place.id) text += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return text;
}

std::optional<storage::AuditPlace> parse_place(std::string_view text) {
  const std::size_t dash = text.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const auto at = number_in(text.substr(0, dash));
  const auto id = parse_id(text.substr(dash + 1));
  if (!at || !id) return std::nullopt;
  return storage::AuditPlace{*at, id_bytes(*id)};
}

storage::AuditPlace place_of(const Entry& entry) { return {entry.at_ms, id_bytes(entry.conflict.id)}; }

std::optional<crdt::ConflictType> parse_type(std::string_view word) {
  using enum crdt::ConflictType;
  for (const auto type :
       {concurrent_write, update_vs_delete, kind_conflict, overflow, gave_way, merge_failed}) {
    if (crdt::name(type) == word) return type;
  }
  return std::nullopt;
}

}  // namespace turnstone::audit
