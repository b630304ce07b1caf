#pragma once
// An operation as its author made it, with strings of its own: what the oracle knows.
#include <string>
#include <utility>
#include <vector>

#include "crdt/effect.hpp"

namespace turnstone::sim {

struct OwnedEffect {
  enum class Verb { put, remove, increment, clear, replace, clear_all, resolve, settle };
  Verb verb = Verb::put;
  std::string key;
  crdt::Kind kind = crdt::Kind::string;
  std::string field;
  std::string value;
  FixedDecimal amount;
  // Of a put: what it replaced, as its author says.
  bool has_base = false;
  std::uint64_t base_rows = 0;
  std::string base = {};
  // Of a resolve: what it takes the place of, and whether by a value.
  std::vector<RowId> rows = {};
  bool has_value = false;

  // Points into this effect.
  crdt::Effect view() const {
    switch (verb) {
      case Verb::put:
        return crdt::Put{key, kind, field, value,
                         has_base ? std::optional(crdt::Base{base_rows, base}) : std::nullopt};
      case Verb::resolve:
        return crdt::Resolve{key, kind, field,
                             has_value ? std::optional<std::string_view>(value) : std::nullopt, rows};
      case Verb::settle:
        return crdt::Settle{{1, 2}, value};
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
  // Of one that is stamped again: the stamps that it had, and what its author had seen then.
  std::vector<Stamp> was = {};
  VersionVector as_of = {};
};

// An effect as it was decoded. Not one of the protocol's own.
inline OwnedEffect owned(const crdt::Effect& effect) {
  using Verb = OwnedEffect::Verb;
  const auto text = [](std::string_view view) { return std::string(view); };
  if (const auto* put = std::get_if<crdt::Put>(&effect))
    return {Verb::put,
            text(put->key),
            put->kind,
            text(put->field),
            text(put->value),
            {},
            put->base.has_value(),
            put->base.value_or(crdt::Base{}).rows,
            text(put->base.value_or(crdt::Base{}).value)};
  if (const auto* chosen = std::get_if<crdt::Resolve>(&effect))
    return {Verb::resolve,
            text(chosen->key),
            chosen->kind,
            text(chosen->field),
            text(chosen->value.value_or("")),
            {},
            false,
            0,
            {},
            chosen->rows,
            chosen->value.has_value()};
  if (const auto* settle = std::get_if<crdt::Settle>(&effect))
    return {Verb::settle, {}, crdt::Kind::string, {}, text(settle->by), {}};
  if (const auto* remove = std::get_if<crdt::Remove>(&effect))
    return {Verb::remove, text(remove->key), remove->kind, text(remove->field), {}, {}};
  if (const auto* add = std::get_if<crdt::Increment>(&effect))
    return {Verb::increment, text(add->key), add->kind, text(add->field), {}, add->amount};
  if (const auto* clear = std::get_if<crdt::Clear>(&effect))
    return {clear->replaces ? Verb::replace : Verb::clear, text(clear->key), crdt::Kind::string, {}, {}, {}};
  return {Verb::clear_all, {}, crdt::Kind::string, {}, {}, {}};
}

}  // namespace turnstone::sim
