#pragma once
// What is asked of the record of conflicts, as values and as words: those of TS.AUDIT.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "core/storage/audit_db.hpp"
#include "regions/audit/entry.hpp"

namespace turnstone::audit {

struct Question {
  static constexpr std::size_t count_max = 500;

  std::string key;     // a pattern as KEYS takes it; empty: any
  std::string region;  // of one of the authors; empty: any
  std::string rule;    // a pattern; empty: any
  std::optional<crdt::ConflictType> type;
  std::optional<bool> by_clock;
  std::optional<bool> open;                // for who has the state to answer: no reader sees both any more
  std::optional<std::uint64_t> from_ms;    // written at this time or later, milliseconds since 1970
  std::optional<std::uint64_t> before_ms;  // and before this
  // Found at this time or later, by who is asked: then in the order of finding, the first first.
  std::optional<std::uint64_t> found_from_ms;
  bool oldest_first = false;
  std::optional<storage::AuditPlace> beyond;  // the end of the page before
  std::size_t count = 100;
  friend bool operator==(const Question&, const Question&) = default;
};

// All but `open`, the place and the order.
bool fits(const Question& question, const storage::AuditRow& row);
// Of a row that was not made yet.
bool fits(const Question& question, const Entry& entry);

// KEY pattern REGION name RULE pattern TYPE name CLOCK yes|no OPEN yes|no FROM ms BEFORE ms
// FOUND-FROM ms BEYOND place COUNT n OLDEST, in any order. Errors: config, with what is wrong.
Result<Question> read_question(const std::vector<std::string>& words);
std::vector<std::string> words_of(const Question& question);

// "1795260231177-383c698cf3063a5fef9ac291c7a1644e", and back.
std::string text_of(const storage::AuditPlace& place);
std::optional<storage::AuditPlace> parse_place(std::string_view text);
storage::AuditPlace place_of(const Entry& entry);

std::optional<crdt::ConflictType> parse_type(std::string_view word);

}  // namespace turnstone::audit
