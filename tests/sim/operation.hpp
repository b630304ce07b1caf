#pragma once
// An operation as its author made it, with strings of its own: what the oracle knows.
#include <string>
#include <utility>
#include <vector>

#include "crdt/effect.hpp"

namespace turnstone::sim {

struct OwnedEffect {
  enum class Verb { put, remove, increment, clear, replace, clear_all };
  Verb verb = Verb::put;
  std::string key;
  crdt::Kind kind = crdt::Kind::string;
  std::string field;
  std::string value;
  FixedDecimal amount;

  // Points into this effect.
  crdt::Effect view() const {
    switch (verb) {
      case Verb::put:
        return crdt::Put{key, kind, field, value};
      case Verb::remove:
        return crdt::Remove{key, kind, field};
      case Verb::increment:
        return crdt::Increment{key, kind, field, amount};
      case Verb::clear:
        return crdt::Clear{key, false};
      case Verb::replace:
        return crdt::Clear{key, true};
      case Verb::clear_all:
        break;
    }
    return crdt::ClearAll{};
  }
};

struct Operation {
  Stamp stamp;
  Hlc hlc = 0;
  // Everything its author held before it, its own earlier operations included.
  VersionVector context;
  std::vector<OwnedEffect> effects;
};

}  // namespace turnstone::sim
