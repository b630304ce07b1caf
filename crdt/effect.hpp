#pragma once
// What an operation does: the verbs of the keyspace. Removals name no rows: an effect
// removes what its author had seen, and the author's context says what that is.
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "core/fixed_decimal.hpp"
#include "core/hash.hpp"
#include "core/hybrid_clock.hpp"
#include "core/ids.hpp"
#include "core/record.hpp"
#include "core/version_vector.hpp"

namespace turnstone::crdt {

// `cluster` are the cluster's own data, such as policies: fields like a hash's, replicated, stored
// and compared like all data, and beside what clients see: no key exists by them, and no command
// of theirs meets them.
enum class Kind : std::uint8_t { string = 1, set = 2, hash = 3, cluster = 9 };
inline constexpr std::array all_kinds = {Kind::string, Kind::set, Kind::hash, Kind::cluster};

constexpr bool is_visible(Kind kind) { return kind != Kind::cluster; }
// As TYPE answers it.
std::string_view name(Kind kind);
// Nothing when no kind has that number, or that name.
std::optional<Kind> kind_of(std::uint64_t number);
std::optional<Kind> kind_named(std::string_view name);

// Keys, fields and values are views: into a client's input or into a received batch.

// What a write replaced: which rows, and what a reader saw of them. Travels with the write where
// the key's policy wants it, so that all who hold siblings know the same of what they had in
// common, however old (Kaki et al., mergeable replicated data types, OOPSLA 2019).
struct Base {
  std::uint64_t rows = 0;  // hash of their ids
  std::string_view value;
  friend bool operator==(const Base&, const Base&) = default;
};
// Register write, set add, hash field write. Drops the rows of the cell that the author
// had seen, cancels the increments that it had seen, adds one row. A string's field is
// empty, a set member's value is empty.
struct Put {
  std::string_view key;
  Kind kind;
  std::string_view field;
  std::string_view value;
  std::optional<Base> base = {};
  friend bool operator==(const Put&, const Put&) = default;
};
// A person, or a program, has chosen between siblings: drops the rows that it names and no others,
// and adds one, or none. Increments stay.
struct Resolve {
  std::string_view key;
  Kind kind;
  std::string_view field;
  std::optional<std::string_view> value;
  std::vector<RowId> rows;
  friend bool operator==(const Resolve&, const Resolve&) = default;
};
// Set remove, hash field delete: what the author had seen of one cell.
struct Remove {
  std::string_view key;
  Kind kind;
  std::string_view field;
  friend bool operator==(const Remove&, const Remove&) = default;
};
// Adds to the cell's total.
struct Increment {
  std::string_view key;
  Kind kind;
  std::string_view field;
  FixedDecimal amount;
  friend bool operator==(const Increment&, const Increment&) = default;
};
// What the author had seen of a whole key, whatever its kind.
struct Clear {
  std::string_view key;
  // True when the same operation writes the key anew (SET over a set, RENAME onto a key):
  // the same effect, but a replacement and not a delete to the conflict audit.
  bool replaces = false;
  friend bool operator==(const Clear&, const Clear&) = default;
};
// What the author had seen of every key.
struct ClearAll {
  friend bool operator==(const ClearAll&, const ClearAll&) = default;
};
// The other effects of this operation settle a conflict that is on record (crdt/conflict.hpp): for
// the record, and nothing to the data.
struct Settle {
  Hash128 conflict;
  std::string_view by;  // the person's name
  friend bool operator==(const Settle&, const Settle&) = default;
};

// The protocol's own words, which travel as deltas like any other and mean nothing to the
// keyspace (sync/closings.hpp, sync/members.hpp).

// Nothing more of an ended origin is to be taken, once every member has acknowledged.
struct CloseOrigin {
  Origin origin{};
  std::string_view regions;  // the members', separated by commas
  friend bool operator==(const CloseOrigin&, const CloseOrigin&) = default;
};
// The author's region has the origin up to here, and takes no more.
struct AcknowledgeClose {
  Origin origin{};
  Seq last = 0;
  friend bool operator==(const AcknowledgeClose&, const AcknowledgeClose&) = default;
};

// A region belongs to the cluster from here on (sync/members.hpp).
struct AddMember {
  std::string_view region;
  std::string_view address;  // where its leader is reached, and
  std::string_view keys;     // what it is known by; both mean nothing to the protocol
  // It was a member before members were data: the author's settings say so.
  bool founding = false;
  friend bool operator==(const AddMember&, const AddMember&) = default;
};
// It does not any more, for good.
struct RemoveMember {
  std::string_view region;
  std::string_view regions;  // who has to acknowledge it
  friend bool operator==(const RemoveMember&, const RemoveMember&) = default;
};
// The author's region takes nothing from the removed one's leader any more.
struct AcknowledgeRemoval {
  std::string_view region;
  friend bool operator==(const AcknowledgeRemoval&, const AcknowledgeRemoval&) = default;
};

// First of an operation: it was made before, by an earlier run that nobody takes it from any more
// (sync/returned.hpp), and is stamped again. What it does to rows it does as of then. A counter
// it leaves alone, if it was to reset it: what others know of the increments that it had not seen
// may be no more than their sum.
struct Again {
  std::vector<Stamp> was;  // its stamps so far, the first one first
  Hlc hlc = 0;             // of its rows
  VersionVector as_of;     // all that its author had seen, also what is retired or void by now
  // On the wire: as_of lists what is new since that of the one before it in the batch.
  bool since_before = false;
  friend bool operator==(const Again&, const Again&) = default;
};

using Effect = std::variant<Put, Resolve, Remove, Increment, Clear, ClearAll, Settle, CloseOrigin,
                            AcknowledgeClose, AddMember, RemoveMember, AcknowledgeRemoval, Again>;

// True for the protocol's own words.
bool is_system(const Effect& effect);

// Under which stamps operations were known before they were stamped again.
class EarlierStamps {
 public:
  virtual ~EarlierStamps() = default;
  virtual bool had_one_in(const VersionVector& seen, Stamp now) const = 0;
};

// Who makes an effect, and what it had seen then.
struct Author {
  Stamp stamp;
  Hlc hlc = 0;
  // First sequence number of the batch that brings this operation. Nobody else's context
  // ends inside a batch, so increments within one batch may be kept as one.
  Seq batch_first_seq = 0;
  // The context; null at the author's own leader, which has seen everything it holds.
  const VersionVector* context = nullptr;
  // Origins that every author has seen to their end, and that contexts leave out; may be null.
  const VersionVector* retired = nullptr;
  // Of an operation that is stamped again: what it had seen when it was first made, under the names
  // of that time. It has seen what is in both.
  const VersionVector* as_of = nullptr;
  const EarlierStamps* earlier = nullptr;

  bool saw_all_that_is_here() const { return context == nullptr && as_of == nullptr; }
  // An author has also seen its own earlier operations and earlier effects of this one.
  bool saw(Stamp other) const {
    if (other == stamp) return true;
    if (as_of != nullptr && !as_of->covers(other) && !earlier->had_one_in(*as_of, other)) return false;
    if (context == nullptr) return true;
    if (other.origin == stamp.origin) return other.seq <= stamp.seq;
    return context->covers(other) || (retired != nullptr && retired->covers(other));
  }
};

// One effect is one record: [code, hlc step, key, ...] for the first effect of an
// operation, [code + effect_continues, key, ...] for the following ones:
//   put string 1 key value | put set 2 key member | put hash 3 key field value
//   remove 4 key kind field | increment 5 key kind field amount
//   clear 6 key | clear, replacing 7 key | clear all 8 | put cluster data 9 key field value
//   put over a base 10 key kind field value rows base
//   resolve 11 key kind field (0, or 1 value) (origin seq index) ... | settle 12 high low by
//   close 16 origin regions | acknowledge a close 17 origin last
//   add a member 18 region address keys founding | remove one 19 region regions
//   acknowledge a removal 20 region
//   again 21 hlc since-before stamps (origin seq) ... (origin seq) ..., as many stamps as it says,
//   then the vector
inline constexpr std::uint64_t effect_continues = 64;

// `hlc_step` is written for the first effect of an operation only.
void encode(const Effect& effect, bool first, Hlc hlc_step, RecordWriter& out);

struct DecodedEffect {
  Effect effect;
  bool first = false;
  Hlc hlc_step = 0;
};
// Decodes the reader's current record; marks the reader malformed when it is none.
DecodedEffect decode_effect(RecordReader& in);

}  // namespace turnstone::crdt
