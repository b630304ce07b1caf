#pragma once
// Whether a merge function is one: its laws, tried on generated values and on given ones. What is
// found is made as small as it goes. No function can make regions diverge; one that breaks a law
// shows values that nobody meant.
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "crdt/merge/function.hpp"

namespace turnstone::crdt {

// In the order in which they are tried; see docs/merge.md.
enum class MergeLaw {
  total,          // a value for any siblings of its kind, within its limits
  deterministic,  // the same in a new instance, after other calls, and again
  input,          // its input is as before
  authors,        // what authors are called means nothing
  order,          // another order of writing chooses other values, but does not mix them otherwise
  equal,          // of two equal values it makes that value
  idempotent,     // its result, merged with itself, stays
  number,         // no NaN or infinity where none was
  fields,         // of objects that it mixes it loses no field
  bounded,        // results merged again do not grow for ever
  associative,    // two at a time or all at once is the same: a warning
};
std::string_view name(MergeLaw law);
// What it asks for, in one sentence.
std::string_view text(MergeLaw law);

// One set of siblings, oldest first.
struct MergeCase {
  std::vector<std::string> values;
  std::optional<std::string> base;
  friend bool operator==(const MergeCase&, const MergeCase&) = default;
};

struct MergeFinding {
  MergeLaw law = MergeLaw::total;
  bool warning = false;
  MergeCase siblings;  // the smallest that was found
  std::string what;    // what happened with them, one sentence
};

enum class GeneratedValues { text, numbers, json, msgpack };

struct MergeCheck {
  GeneratedValues values = GeneratedValues::text;
  // Given siblings are tried first. Of JSON and MessagePack further ones are made of their parts
  // then, so that these have the same shape; else any shape is generated.
  std::vector<std::vector<std::string>> samples;
  std::uint64_t seed = 1;
  std::size_t cases = 400;
};

using MakeMergeFunction = std::function<Result<std::unique_ptr<MergeFunction>>()>;

// At most one finding for each law. `make` must give a new instance; it has done so before.
std::vector<MergeFinding> check_merge(const MakeMergeFunction& make, const MergeCheck& check);

}  // namespace turnstone::crdt
