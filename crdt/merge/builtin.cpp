#include "crdt/merge/builtin.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/fixed_decimal.hpp"
#include "crdt/merge/json_merge.hpp"

namespace turnstone::crdt {
namespace {

constexpr std::size_t member_bytes_max = 256;

// How a value stands in an error: its beginning will do.
std::string quoted(std::string_view value) {
  constexpr std::size_t shown_max = 40;
  if (value.size() <= shown_max) return fmt::format("\"{}\"", value);
  return fmt::format("\"{}...\"", value.substr(0, shown_max));
}

// All of them as numbers; nothing when one is none.
std::optional<std::vector<FixedDecimal>> as_numbers(const std::vector<Sibling>& siblings) {
  std::vector<FixedDecimal> numbers;
  for (const Sibling& each : siblings) {
    const auto number = FixedDecimal::parse(each.value);
    if (!number) return std::nullopt;
    numbers.push_back(*number);
  }
  return numbers;
}

// Also `siblings`: that all of them stay visible is for TS.SIBLINGS.
class Newest : public MergeFunction {
 public:
  Result<std::string> merge(const Siblings& siblings) const override {
    return std::string(siblings.all.back().value);
  }
};

// The greatest or the smallest; of equal ones the newest.
class Extreme : public MergeFunction {
 public:
  explicit Extreme(bool greatest) : greatest_(greatest) {}
  Result<std::string> merge(const Siblings& siblings) const override {
    const auto& all = siblings.all;
    const auto numbers = as_numbers(all);
    std::size_t best = 0;
    for (std::size_t i = 1; i < all.size(); ++i) {
      const auto order = numbers ? (*numbers)[i] <=> (*numbers)[best] : all[i].value <=> all[best].value;
      if (order == 0 || (order > 0) == greatest_) best = i;
    }
    return std::string(all[best].value);
  }

 private:
  bool greatest_;
};

class Longest : public MergeFunction {
 public:
  Result<std::string> merge(const Siblings& siblings) const override {
    const auto shorter = [](const Sibling& a, const Sibling& b) { return a.value.size() <= b.value.size(); };
    const Sibling* best = &siblings.all.front();
    for (const Sibling& each : siblings.all) {
      if (shorter(*best, each)) best = &each;
    }
    return std::string(best->value);
  }
};

class Sum : public MergeFunction {
 public:
  Result<std::string> merge(const Siblings& siblings) const override {
    FixedDecimal base;
    if (siblings.base) {
      const auto number = parse(*siblings.base);
      if (!number) return tl::make_unexpected(number.error());
      base = *number;
    }
    FixedDecimal sum = base;
    for (const Sibling& each : siblings.all) {
      const auto number = parse(each.value);
      if (!number) return tl::make_unexpected(number.error());
      sum += *number + -base;
      // Each number is below the bound, so one more cannot wrap before this sees it.
      if (!FixedDecimal::parse(sum.to_string())) return fail(Errc::merge_failed, "the sum is 10^20 or more");
    }
    return sum.to_string();
  }
  bool wants_base() const override { return true; }

 private:
  static Result<FixedDecimal> parse(std::string_view text) {
    if (const auto number = FixedDecimal::parse(text)) return *number;
    return fail(Errc::merge_failed, fmt::format("{} is no number below 10^20", quoted(text)));
  }
};

class Union : public MergeFunction {
 public:
  Result<std::string> merge(const Siblings& siblings) const override {
    std::vector<Document> values;
    for (const Sibling& each : siblings.all) {
      auto value = decode_json(each.value);
      values.push_back(value ? *std::move(value) : Document{std::string(each.value)});
    }
    return encode_json(unite(values));
  }
  ValueFormat format() const override { return ValueFormat::json; }
};

class JsonMerge : public MergeFunction {
 public:
  explicit JsonMerge(std::optional<std::string> key) : key_(std::move(key)) {}
  Result<std::string> merge(const Siblings& siblings) const override {
    std::vector<Document> values;
    for (const Sibling& each : siblings.all) {
      auto value = decode(each.value);
      if (!value) return tl::make_unexpected(value.error());
      values.push_back(*std::move(value));
    }
    // A base of another kind tells nothing about fields, and so does one that is no JSON.
    Result<Document> base = tl::make_unexpected(Error{Errc::merge_failed, ""});
    if (siblings.base) base = decode_json(*siblings.base);
    std::vector<const Document*> pointers;
    pointers.reserve(values.size());
    for (const Document& value : values) pointers.push_back(&value);
    return encode_json(merge_documents(std::move(pointers), base ? &*base : nullptr, key_));
  }
  bool wants_base() const override { return true; }
  ValueFormat format() const override { return ValueFormat::json; }

 private:
  static Result<Document> decode(std::string_view text) {
    auto value = decode_json(text);
    if (value) return value;
    return fail(Errc::merge_failed, fmt::format("{}: {}", quoted(text), value.error().message));
  }

  std::optional<std::string> key_;
};

constexpr Builtin all_builtins[] = {
    {"lww", "the value with the latest clock"},
    {"siblings", "shows what lww shows; for values that an application merges by TS.SIBLINGS and TS.RESOLVE"},
    {"max", "the greatest: as numbers if all are numbers, else by bytes"},
    {"min", "the smallest: as numbers if all are numbers, else by bytes"},
    {"longest", "the one of most bytes; the latest of several"},
    {"union", "the elements of all JSON arrays, sorted, each once; another value counts as one element"},
    {"json-merge", "JSON objects field by field; arrays as their union, a field that differs: the latest"},
    {"json-merge:MEMBER", "the same; arrays of objects are merged by this member of their elements"},
    {"sum", "the sum of numbers; what each added, where all replaced the same value"},
};

constexpr std::string_view keyed = "json-merge:";

}  // namespace

std::span<const Builtin> builtins() { return all_builtins; }

Result<std::unique_ptr<MergeFunction>> make_builtin(std::string_view spec) {
  if (spec == "lww" || spec == "siblings") return std::make_unique<Newest>();
  if (spec == "max" || spec == "min") return std::make_unique<Extreme>(spec == "max");
  if (spec == "longest") return std::make_unique<Longest>();
  if (spec == "union") return std::make_unique<Union>();
  if (spec == "json-merge") return std::make_unique<JsonMerge>(std::nullopt);
  if (spec == "sum") return std::make_unique<Sum>();
  if (spec.starts_with(keyed)) {
    const std::string_view member = spec.substr(keyed.size());
    if (member.empty() || member.size() > member_bytes_max)
      return fail(Errc::config,
                  fmt::format("json-merge:MEMBER takes a member's name of 1 to {} bytes", member_bytes_max));
    return std::make_unique<JsonMerge>(std::string(member));
  }
  std::string names;
  for (const Builtin& each : all_builtins) names += fmt::format("{}{}", names.empty() ? "" : ", ", each.name);
  return fail(Errc::config, fmt::format("no merge function is called {}; there are {}", quoted(spec), names));
}

}  // namespace turnstone::crdt
