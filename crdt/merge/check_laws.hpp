#pragma once
// One law each, on one set of siblings.
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "crdt/merge/check.hpp"

namespace turnstone::crdt {

// The function that is checked, and a new instance of it.
struct MergeSubject {
  const MakeMergeFunction& make;
  GeneratedValues values;
  std::unique_ptr<MergeFunction> function;
  std::unique_ptr<MergeFunction> other;

  std::unique_ptr<MergeFunction> fresh() const;
};

// What happened where the law is broken. Laws beside `total` hold where there is no value.
std::optional<std::string> broken(MergeLaw law, const MergeSubject& subject, const MergeCase& siblings);

}  // namespace turnstone::crdt
