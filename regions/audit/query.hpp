#pragma once
// Answers from the record of conflicts: from its file, and from what is not in the file yet.
// For the command line, for leaders and for whoever shows conflicts. Any thread, with a reader
// of its own.
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/error.hpp"
#include "core/storage/audit_db.hpp"
#include "regions/audit/question.hpp"

namespace turnstone::audit {

using SharedEntry = std::shared_ptr<const Entry>;
using SharedEntries = std::vector<SharedEntry>;

struct Page {
  std::vector<Entry> entries;
  // Where to go on; nothing at the end. A page may be short, or empty, and not the last: it looks
  // at so many rows and no more.
  std::optional<storage::AuditPlace> beyond;
};

inline constexpr std::size_t page_looks_max = 50'000;
inline constexpr std::size_t page_bytes_max = 4u * 1024 * 1024;

// `unstored` are on the way to the file, and may be there by now; each is given once.
// Errors: io, corrupt, malformed.
Result<Page> ask(const storage::AuditReader& reader, const Question& question,
                 const SharedEntries& unstored = {});
// Errors: io, corrupt, malformed.
Result<std::optional<Entry>> find(const storage::AuditReader& reader, const Hash128& id,
                                  const SharedEntries& unstored = {});

// How many conflicts there are of each sort.
struct Tally {
  std::uint64_t total = 0;
  std::uint64_t by_clock = 0;
  std::map<std::string, std::uint64_t> types;
  std::map<std::string, std::uint64_t> rules;
  std::map<std::string, std::uint64_t> pairs;     // "paris tokyo", in alphabetical order
  std::map<std::string, std::uint64_t> prefixes;  // of keys up to the first colon; * where there is none
  std::map<std::uint64_t, std::uint64_t> hours;   // by the hour of writing, milliseconds since 1970

  void add(const Entry& entry);
};

}  // namespace turnstone::audit
