#pragma once
// Merge functions: what a reader sees of siblings. A pure function from the set of siblings
// to one value, applied when reading; what replicates is always the siblings, so a wrong
// function gives a wrong answer and never makes regions diverge.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "crdt/effect.hpp"

namespace turnstone::crdt {

// Views into the cell.
struct Sibling {
  std::string_view value;
  Hlc hlc = 0;
  RowId id;  // its author's: the origin is the same for all that one run of a leader wrote
};

// What is handed to a merge function, the same on every leader that holds the same siblings:
// oldest first by (hlc, id), equal values once (as the newest of them), two of them at least.
struct Siblings {
  std::vector<Sibling> all;
  // The value that every one of them replaced; none where they did not all replace the same.
  std::optional<std::string_view> base;
};

// What a function takes values for; those of another kind it refuses.
enum class ValueFormat { text, json, msgpack };

class MergeFunction {
 public:
  virtual ~MergeFunction() = default;
  // Deterministic: the same answer or the same error on every leader, in every process. Bounded
  // in time and memory. Called on one thread at a time. Errors: merge_failed, in words for the
  // function's author.
  virtual Result<std::string> merge(const Siblings& siblings) const = 0;
  // Writes under it carry what they replace, so that siblings come with a base.
  virtual bool wants_base() const { return false; }
  virtual ValueFormat format() const { return ValueFormat::text; }
};

}  // namespace turnstone::crdt
