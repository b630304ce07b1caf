#pragma once
// One conflict on record, with what the audit keeps beside the conflict itself.
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "core/storage/audit_db.hpp"
#include "core/version_vector.hpp"
#include "crdt/conflict.hpp"

namespace turnstone::audit {

// How much of a value is on record.
enum class Shown : std::uint8_t { full = 0, truncated = 1, redacted = 2 };
std::string_view name(Shown shown);

// What is kept of values on record.
struct ValuePolicy {
  Shown shown = Shown::full;
  std::uint64_t bytes = 1024;  // of a truncated one
};

enum class Outcome : std::uint8_t {
  first_won = 0,
  second_won = 1,
  merged = 2,  // a reader sees what the rule made of both
};
std::string_view name(Outcome outcome);

// Of the author of one side.
struct Author {
  std::string region;
  // What it had seen; nothing where that was not known any more.
  std::optional<VersionVector> context;
  std::uint64_t value_bytes = 0;  // of the whole value
  Shown shown = Shown::full;
  friend bool operator==(const Author&, const Author&) = default;
};

// Somebody chose between the two.
struct Settled {
  std::string person;
  std::string region;
  std::uint64_t at_ms = 0;
  friend bool operator==(const Settled&, const Settled&) = default;
};

struct Entry {
  crdt::Conflict conflict;
  std::uint64_t at_ms = 0;     // of the later side, by its clock; the same in every region
  std::uint64_t found_ms = 0;  // by this leader
  // What decided, as it was then: "lww", "add-wins", a merge function and its version.
  std::string rule = {};
  Outcome outcome = Outcome::first_won;
  std::array<Author, 2> authors = {};  // of the first and of the second side
  // Stored apart from the record: it comes later.
  std::vector<Settled> settled = {};
  friend bool operator==(const Entry&, const Entry&) = default;
};

// An entry for a conflict that was found just now; authors and rule are for the caller to set.
Entry entry_of(const crdt::Conflict& conflict, std::uint64_t found_ms);

// The rule of the types that no merge function decides; empty for those that one does.
std::string_view fixed_rule(crdt::ConflictType type);
// Nobody's intention decided, but whose clock was ahead.
bool is_by_clock(const Entry& entry);

// Cuts or removes the values.
void apply(const ValuePolicy& policy, Entry& entry);

// "383c698cf3063a5fef9ac291c7a1644e", and back.
std::string hex_id(const Hash128& id);
std::optional<Hash128> parse_id(std::string_view hex);
// The 16 bytes under which it is stored.
std::string id_bytes(const Hash128& id);

// The record: [2 found rule outcome], the conflict as crdt::encode_conflict writes it, and for each
// author [region value_bytes shown has_context] and, where it has one, the context.
storage::AuditRow to_row(const Entry& entry);
// Errors: malformed.
Result<Entry> from_row(const storage::AuditRow& row);

}  // namespace turnstone::audit
