#include "crdt/merge/check_laws.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "crdt/merge/check_values.hpp"

namespace turnstone::crdt {
namespace {

using Values = std::vector<std::string>;
using Broken = std::optional<std::string>;
using Candidates = std::vector<const Document*>;

constexpr std::size_t shown_bytes_max = 120;

std::string shown(const std::string& value) {
  std::string text;
  for (const char c : value.substr(0, shown_bytes_max)) {
    const auto byte = static_cast<unsigned char>(c);
    text += byte >= 0x20 && byte < 0x7f ? std::string(1, c) : fmt::format("\\x{:02x}", byte);
  }
  if (value.size() > shown_bytes_max) return fmt::format("{}... ({} bytes)", text, value.size());
  return text.empty() ? "(empty)" : text;
}

std::string shown(const Result<std::string>& result) {
  return result ? shown(*result) : "the error: " + result.error().message;
}

enum class Names { plain, others };

// Written a second apart, by leaders that sort as their writes do, or the other way round.
Siblings siblings_of(const Values& values, const std::optional<std::string>& base,
                     Names names = Names::plain) {
  Siblings siblings;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::uint64_t origin = names == Names::plain ? 0x1111 + i : 0xffff - 0x777 * i;
    siblings.all.push_back(
        {values[i], hlc_from_ms(1'700'000'000'000 + 1000 * i), {{Origin{origin}, 1 + i}, 0}});
  }
  if (base) siblings.base = *base;
  return siblings;
}

// On a copy: a function may write to its input.
Result<std::string> run(const MergeFunction& function, const Values& values,
                        const std::optional<std::string>& base = std::nullopt, Names names = Names::plain) {
  MergeCase copy{values, function.wants_base() ? base : std::nullopt};
  return function.merge(siblings_of(copy.values, copy.base, names));
}

bool same(const Result<std::string>& a, const Result<std::string>& b) {
  return a ? b && *a == *b : !b && a.error().message == b.error().message;
}

Broken total(const MergeSubject& subject, const MergeCase& at) {
  const auto result = run(*subject.function, at.values, at.base);
  if (result) return std::nullopt;
  return "it gives no value: " + result.error().message;
}

Broken deterministic(const MergeSubject& subject, const MergeCase& at) {
  const auto first = run(*subject.fresh(), at.values, at.base);
  const auto after_others = run(*subject.function, at.values, at.base);
  const auto again = run(*subject.function, at.values, at.base);
  const auto elsewhere = run(*subject.other, at.values, at.base);
  for (const auto& other : {after_others, again, elsewhere}) {
    if (!same(first, other))
      return fmt::format("it gives {}, and at another time {}", shown(first), shown(other));
  }
  return std::nullopt;
}

Broken input(const MergeSubject& subject, const MergeCase& at) {
  const MergeCase copy = at;
  (void)subject.function->merge(siblings_of(copy.values, copy.base));
  if (copy == at) return std::nullopt;
  std::string now;
  for (const std::string& value : copy.values) now += (now.empty() ? "" : ", ") + shown(value);
  return "it writes to its input, which is then " + now;
}

Broken authors(const MergeSubject& subject, const MergeCase& at) {
  const auto one = run(*subject.function, at.values, at.base);
  const auto other = run(*subject.function, at.values, at.base, Names::others);
  if (same(one, other)) return std::nullopt;
  return fmt::format("it gives {}; with authors of other names {}", shown(one), shown(other));
}

Document sorted_within(const Document& document) {
  if (const auto* array = document.array()) {
    Document::Array sorted;
    for (const Document& element : *array) sorted.push_back(sorted_within(element));
    std::sort(sorted.begin(), sorted.end());
    sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
    return {std::move(sorted)};
  }
  if (document.object() == nullptr) return document;
  Document::Object sorted;
  for (const auto& [name, value] : *document.object()) sorted.emplace(name, sorted_within(value));
  return {std::move(sorted)};
}

Candidates fields_of(const Candidates& candidates, const std::string& name) {
  Candidates found;
  for (const Document* each : candidates) {
    if (each->object() == nullptr) continue;
    if (const auto field = each->object()->find(name); field != each->object()->end())
      found.push_back(&field->second);
  }
  return found;
}

Candidates elements_of(const Candidates& candidates) {
  Candidates found;
  for (const Document* each : candidates) {
    if (each->array() == nullptr) continue;
    for (const Document& element : *each->array()) found.push_back(&element);
  }
  return found;
}

// Whether each part of it is one of those in its place.
bool is_choice(const Document& document, const Candidates& candidates) {
  if (std::ranges::any_of(candidates, [&](const Document* each) { return *each == document; })) return true;
  if (const auto* object = document.object())
    return std::ranges::all_of(*object, [&](const auto& field) {
      return is_choice(field.second, fields_of(candidates, field.first));
    });
  if (document.array() == nullptr) return false;
  const Candidates elements = elements_of(candidates);
  return std::ranges::all_of(*document.array(),
                             [&](const Document& element) { return is_choice(element, elements); });
}

// Two results for two orders: another order may choose other parts, but an array's order, or a
// number that is computed, is not chosen.
bool differ_by_choice(const Document& a, const Document& b, const Candidates& candidates) {
  if (a == b) return true;
  const auto is_candidate = [&](const Document& document) {
    return std::ranges::any_of(candidates, [&](const Document* each) { return *each == document; });
  };
  if (is_candidate(a) && is_candidate(b)) return true;
  if (a.object() != nullptr && b.object() != nullptr) {
    return std::ranges::all_of(*a.object(), [&](const auto& field) {
      const auto other = b.object()->find(field.first);
      return other == b.object()->end() ||
             differ_by_choice(field.second, other->second, fields_of(candidates, field.first));
    });
  }
  if (a.array() != nullptr && b.array() != nullptr && sorted_within(a) == sorted_within(b)) return false;
  return is_choice(a, candidates) && is_choice(b, candidates);
}

bool differ_by_choice(const MergeSubject& subject, const std::string& a, const std::string& b,
                      const MergeCase& at) {
  const auto is_value = [&](const std::string& value) {
    return std::ranges::find(at.values, value) != at.values.end();
  };
  if (is_value(a) && is_value(b)) return true;
  const auto left = decode_value(subject.values, a);
  const auto right = decode_value(subject.values, b);
  if (!left || !right) return false;
  std::vector<Document> documents;
  for (const std::string& value : at.values) {
    if (auto document = decode_value(subject.values, value)) documents.push_back(*std::move(document));
  }
  if (at.base) {
    if (auto document = decode_value(subject.values, *at.base)) documents.push_back(*std::move(document));
  }
  Candidates candidates;
  for (const Document& each : documents) candidates.push_back(&each);
  return differ_by_choice(*left, *right, candidates);
}

Broken order(const MergeSubject& subject, const MergeCase& at) {
  const auto first = run(*subject.function, at.values, at.base);
  if (!first) return std::nullopt;
  Values values = at.values;
  for (std::size_t turn = 0; turn < at.values.size(); ++turn) {
    std::rotate(values.begin(), values.begin() + 1, values.end());
    if (turn + 1 == at.values.size()) std::reverse(values.begin(), values.end());
    const auto other = run(*subject.function, values, at.base);
    if (!other || *other == *first || differ_by_choice(subject, *first, *other, at)) continue;
    std::string written;
    for (const std::string& value : values) written += (written.empty() ? "" : ", ") + shown(value);
    return fmt::format("it gives {}; written in the order {} it gives {}", shown(*first), written,
                       shown(*other));
  }
  return std::nullopt;
}

bool same_value(const MergeSubject& subject, const std::string& a, const std::string& b) {
  if (a == b) return true;
  const auto left = decode_value(subject.values, a);
  const auto right = decode_value(subject.values, b);
  return left && right && sorted_within(*left) == sorted_within(*right);
}

Broken equal(const MergeSubject& subject, const MergeCase& at) {
  for (const std::string& value : at.values) {
    const auto result = run(*subject.function, {value, value});
    // A union makes a list of it.
    if (result && !same_value(subject, *result, value) && !same_value(subject, *result, "[" + value + "]"))
      return fmt::format("of {} and {} it makes {}", shown(value), shown(value), shown(*result));
  }
  return std::nullopt;
}

Broken idempotent(const MergeSubject& subject, const MergeCase& at) {
  const auto once = run(*subject.function, at.values, at.base);
  if (!once) return std::nullopt;
  const auto twice = run(*subject.function, {*once, *once});
  if (same(once, twice)) return std::nullopt;
  return fmt::format("it gives {}; that, merged with itself, gives {}", shown(*once), shown(twice));
}

bool has_no_number(std::string_view text) {
  for (const std::string_view word : {"nan", "-nan", "inf", "-inf", "NaN", "Infinity", "-Infinity"}) {
    if (text == word) return true;
  }
  return false;
}

Broken number(const MergeSubject& subject, const MergeCase& at) {
  const auto result = run(*subject.function, at.values, at.base);
  if (!result || !has_no_number(*result) || std::ranges::any_of(at.values, has_no_number))
    return std::nullopt;
  return fmt::format("it gives {}", shown(*result));
}

Broken fields(const MergeSubject& subject, const MergeCase& at) {
  const auto result = run(*subject.function, at.values, at.base);
  const auto document = result ? decode_value(subject.values, *result) : std::nullopt;
  if (!document || document->object() == nullptr) return std::nullopt;
  std::vector<Document> values;
  for (const std::string& each : at.values) {
    auto value = decode_value(subject.values, each);
    // One that is shown whole was chosen; objects beside other kinds cannot be mixed.
    if (!value || value->object() == nullptr || *value == *document) return std::nullopt;
    values.push_back(*std::move(value));
  }
  const auto lacks = [](const Document& value, const std::string& name) {
    return !value.object()->contains(name);
  };
  for (const Document& value : values) {
    for (const auto& field : *value.object()) {
      const std::string& name = field.first;
      if (!lacks(*document, name)) continue;
      // Without a base nothing was removed. With one, where no sibling lacks it, neither.
      const bool removed =
          subject.function->wants_base() && at.base &&
          std::ranges::any_of(values, [&](const Document& each) { return lacks(each, name); });
      if (!removed) return fmt::format("it gives {}, without the field \"{}\"", shown(*result), name);
    }
  }
  return std::nullopt;
}

Broken bounded(const MergeSubject& subject, const MergeCase& at) {
  constexpr std::size_t rounds = 12;
  constexpr std::size_t times_max = 16;
  constexpr std::size_t slack_bytes = 256;
  std::size_t given = 0;
  for (const std::string& value : at.values) given += value.size();
  std::string value = at.values.front();
  std::size_t grown = 0;
  for (std::size_t round = 0; round < rounds; ++round) {
    const auto result = run(*subject.function, {at.values[round % at.values.size()], value});
    if (!result) return std::nullopt;
    if (result->size() > times_max * given + slack_bytes)
      return fmt::format("of {} bytes it makes {} when merged {} times", given, result->size(), round + 1);
    grown += result->size() > value.size() ? 1 : 0;
    value = *result;
  }
  if (grown + 2 < rounds) return std::nullopt;
  return fmt::format("merged with them {} times it grows each time, to {}", rounds, shown(value));
}

Broken associative(const MergeSubject& subject, const MergeCase& at) {
  if (at.values.size() < 3) return std::nullopt;
  const auto all = run(*subject.function, at.values);
  if (!all) return std::nullopt;
  std::string value = at.values.front();
  for (std::size_t i = 1; i < at.values.size(); ++i) {
    // The view shows one of equal values without asking.
    if (value == at.values[i]) continue;
    const auto next = run(*subject.function, {value, at.values[i]});
    if (!next) return std::nullopt;
    value = *next;
  }
  if (same_value(subject, value, *all)) return std::nullopt;
  return fmt::format("all at once it gives {}, one after the other {}", shown(*all), shown(value));
}

}  // namespace

std::unique_ptr<MergeFunction> MergeSubject::fresh() const {
  auto made = make();
  TURNSTONE_CHECK(made.has_value());
  return *std::move(made);
}

std::optional<std::string> broken(MergeLaw law, const MergeSubject& subject, const MergeCase& siblings) {
  switch (law) {
    case MergeLaw::total:
      return total(subject, siblings);
    case MergeLaw::deterministic:
      return deterministic(subject, siblings);
    case MergeLaw::input:
      return input(subject, siblings);
    case MergeLaw::authors:
      return authors(subject, siblings);
    case MergeLaw::order:
      return order(subject, siblings);
    case MergeLaw::equal:
      return equal(subject, siblings);
    case MergeLaw::idempotent:
      return idempotent(subject, siblings);
    case MergeLaw::number:
      return number(subject, siblings);
    case MergeLaw::fields:
      return fields(subject, siblings);
    case MergeLaw::bounded:
      return bounded(subject, siblings);
    case MergeLaw::associative:
      return associative(subject, siblings);
  }
  return std::nullopt;
}

}  // namespace turnstone::crdt
