#include "crdt/merge/check.hpp"

#include <algorithm>
#include <span>

#include "crdt/merge/check_laws.hpp"
#include "crdt/merge/check_values.hpp"

namespace turnstone::crdt {
namespace {

struct LawWords {
  MergeLaw law;
  std::string_view name;
  std::string_view text;
};

constexpr LawWords laws[] = {
    {MergeLaw::total, "total", "It must give a value for any siblings of its kind, within its limits."},
    {MergeLaw::deterministic, "deterministic",
     "The same siblings must give the same value, every time and everywhere."},
    {MergeLaw::input, "input", "It must leave its input as it is."},
    {MergeLaw::authors, "authors", "What the authors are called must not decide what is shown."},
    {MergeLaw::order, "order",
     "The order of writing may choose between values, but must not be mixed into the result."},
    {MergeLaw::equal, "equal", "Of two equal values it must make that value."},
    {MergeLaw::idempotent, "idempotent", "Its result, merged with itself, must stay the same."},
    {MergeLaw::number, "number", "It must not make NaN or infinity of numbers."},
    {MergeLaw::fields, "fields", "Of objects that it mixes it must not lose a field."},
    {MergeLaw::bounded, "bounded", "What it makes must not grow for ever when it is merged again."},
    {MergeLaw::associative, "associative",
     "Merging one after the other should give what merging all at once does; else storing what is shown "
     "changes what is shown later."},
};

// Smaller and smaller while the law is broken. Bounded: a case may have many smaller ones.
MergeFinding smallest(MergeLaw law, const MergeSubject& subject, MergeCase siblings, std::string what) {
  constexpr std::size_t tries_max = 4000;
  std::size_t tries = 0;
  for (bool found = true; found && tries < tries_max;) {
    found = false;
    for (MergeCase& less : smaller(siblings, subject.values)) {
      if (++tries == tries_max) break;
      auto why = broken(law, subject, less);
      if (!why) continue;
      siblings = std::move(less);
      what = *std::move(why);
      found = true;
      break;
    }
  }
  return {law, law == MergeLaw::associative, std::move(siblings), std::move(what)};
}

}  // namespace

std::string_view name(MergeLaw law) {
  const auto* const found = std::ranges::find(laws, law, &LawWords::law);
  return found->name;
}

std::string_view text(MergeLaw law) {
  const auto* const found = std::ranges::find(laws, law, &LawWords::law);
  return found->text;
}

std::vector<MergeFinding> check_merge(const MakeMergeFunction& make, const MergeCheck& check) {
  MergeSubject subject{make, check.values, nullptr, nullptr};
  subject.function = subject.fresh();
  subject.other = subject.fresh();
  const bool wants_base = subject.function->wants_base();
  std::vector<MergeCase> all;
  for (const auto& values : check.samples) {
    if (values.size() > 1) all.push_back({values, std::nullopt});
  }
  MergeCases cases(check);
  for (std::size_t i = 0; i < check.cases; ++i) {
    MergeCase next = cases.next(wants_base && i % 2 == 1);
    if (next.values.size() > 1) all.push_back(std::move(next));
  }
  std::vector<MergeFinding> findings;
  // The other laws are about values: they are tried where there is one.
  constexpr std::size_t failures_max = 20;
  std::size_t failures = 0;
  std::erase_if(all, [&](const MergeCase& siblings) {
    if (failures == failures_max) return true;
    auto what = broken(MergeLaw::total, subject, siblings);
    if (!what) return false;
    if (failures++ == 0) findings.push_back(smallest(MergeLaw::total, subject, siblings, *std::move(what)));
    return true;
  });
  for (const LawWords& each : std::span(laws).subspan(1)) {
    for (const MergeCase& siblings : all) {
      auto what = broken(each.law, subject, siblings);
      if (!what) continue;
      findings.push_back(smallest(each.law, subject, siblings, *std::move(what)));
      break;
    }
  }
  return findings;
}

}  // namespace turnstone::crdt
