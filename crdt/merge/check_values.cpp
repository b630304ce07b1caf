#include "crdt/merge/check_values.hpp"

#include <algorithm>
#include <set>

namespace turnstone::crdt {
namespace {

constexpr std::size_t long_text_bytes = 20'000;

bool is_documents(GeneratedValues values) {
  return values == GeneratedValues::json || values == GeneratedValues::msgpack;
}

std::string encode(GeneratedValues values, const Document& document) {
  auto bytes = values == GeneratedValues::json ? encode_json(document) : encode_msgpack(document);
  return bytes ? *std::move(bytes) : std::string();
}

std::vector<std::string> smaller_text(const std::string& text) {
  std::vector<std::string> found;
  if (text.empty()) return found;
  found.emplace_back();
  for (const char* simple : {"a", "b", "0", "1", "2"}) {
    if (text == simple) break;
    found.emplace_back(simple);
  }
  for (std::size_t part = text.size() / 2; part > 0; part /= 2) {
    for (std::size_t at = 0; at + part <= text.size() && found.size() < 64; at += part)
      found.push_back(text.substr(0, at) + text.substr(at + part));
  }
  return found;
}

std::vector<Document> smaller_document(const Document& document) {
  std::vector<Document> found;
  if (const auto* array = document.array()) {
    if (!array->empty()) found.push_back({Document::Array{}});
    for (std::size_t i = 0; i < array->size(); ++i) {
      Document::Array less = *array;
      less.erase(less.begin() + static_cast<std::ptrdiff_t>(i));
      found.push_back({std::move(less)});
    }
    for (std::size_t i = 0; i < array->size(); ++i) {
      for (Document& element : smaller_document((*array)[i])) {
        Document::Array less = *array;
        less[i] = std::move(element);
        found.push_back({std::move(less)});
      }
    }
  } else if (const auto* object = document.object()) {
    if (!object->empty()) found.push_back({Document::Object{}});
    for (const auto& [name, value] : *object) {
      Document::Object less = *object;
      less.erase(name);
      found.push_back({std::move(less)});
    }
    for (const auto& [name, value] : *object) {
      for (Document& element : smaller_document(value)) {
        Document::Object less = *object;
        less[name] = std::move(element);
        found.push_back({std::move(less)});
      }
    }
  } else if (const auto* text = std::get_if<std::string>(&document.value)) {
    for (std::string& less : smaller_text(*text)) found.push_back({std::move(less)});
  } else if (const auto* whole = std::get_if<std::int64_t>(&document.value)) {
    for (const std::int64_t less : {std::int64_t{0}, std::int64_t{1}, std::int64_t{2}}) {
      if (*whole < 0 || less < *whole) found.push_back({less});
    }
  } else if (!std::holds_alternative<Document::Null>(document.value) &&
             !std::holds_alternative<bool>(document.value)) {
    found.push_back({std::int64_t{0}});
    found.push_back({std::int64_t{1}});
  }
  return found;
}

std::vector<std::string> smaller_value(const std::string& value, GeneratedValues values) {
  if (const auto document = decode_value(values, value)) {
    std::vector<std::string> found;
    for (const Document& each : smaller_document(*document)) {
      // A piece of text may be no UTF-8, and have no encoding.
      std::string bytes = encode(values, each);
      if (!bytes.empty()) found.push_back(std::move(bytes));
    }
    return found;
  }
  if (values == GeneratedValues::text) return smaller_text(value);
  if (values != GeneratedValues::numbers) return {};
  std::vector<std::string> found;
  for (const char* simple : {"0", "1", "2", "3"}) {
    if (value.size() > 1 || value > simple) found.emplace_back(simple);
  }
  return found;
}

}  // namespace

std::optional<Document> decode_value(GeneratedValues values, std::string_view bytes) {
  if (!is_documents(values)) return std::nullopt;
  auto document = values == GeneratedValues::json ? decode_json(bytes) : decode_msgpack(bytes);
  if (!document) return std::nullopt;
  return *std::move(document);
}

MergeCases::MergeCases(const MergeCheck& check) : values_(check.values), random_(check.seed) {
  for (const auto& siblings : check.samples) {
    for (const std::string& value : siblings) {
      if (auto document = decode_value(values_, value)) samples_.push_back(*std::move(document));
    }
  }
}

MergeCase MergeCases::next(bool base) {
  MergeCase siblings;
  if (base) siblings.base = value();
  std::set<std::string> different;
  // Two different ones are found soon: every kind has dozens of short values.
  const std::uint64_t count = 2 + below(3);
  for (int i = 0; i < 100 && siblings.values.size() < count; ++i) {
    std::string one = base && below(4) > 0 ? changed(*siblings.base) : value();
    if (different.insert(one).second) siblings.values.push_back(std::move(one));
  }
  return siblings;
}

std::string MergeCases::value() {
  switch (values_) {
    case GeneratedValues::text:
      return text();
    case GeneratedValues::numbers:
      return number();
    default:
      break;
  }
  if (!samples_.empty()) {
    std::vector<const Document*> all;
    for (const Document& each : samples_) all.push_back(&each);
    return encoded(recombined(all));
  }
  // Mostly objects, as applications store them.
  if (below(8) == 0) return encoded(document(0));
  Document::Object fields;
  for (const char* name : {"a", "b", "c"}) {
    if (below(3) > 0) fields.emplace(name, document(1));
  }
  return encoded({std::move(fields)});
}

// A base with one part changed, as a write would.
std::string MergeCases::changed(const std::string& base) {
  const auto document = decode_value(values_, base);
  if (!document) return value();
  const auto all = smaller_value(base, values_);
  if (all.empty() || below(2) == 0) {
    const auto other = decode_value(values_, value());
    if (document->object() == nullptr || !other || other->object() == nullptr) return value();
    Document::Object fields = *document->object();
    for (const auto& [name, field] : *other->object()) {
      if (below(2) == 0) fields.insert_or_assign(name, field);
    }
    return encoded({std::move(fields)});
  }
  return all[below(all.size())];
}

std::string MergeCases::text() {
  static constexpr const char* words[] = {"",   "a",  "b",         "c",  "ab",       "B",  "0",   "1",
                                          "10", "-1", "two words", "\n", "\xc3\xa4", "\"", "null"};
  if (below(60) == 0) return std::string(long_text_bytes, static_cast<char>('a' + below(3)));
  std::string text = words[below(std::size(words))];
  if (below(3) == 0) text += words[below(std::size(words))];
  return text;
}

std::string MergeCases::number() {
  static constexpr const char* numbers[] = {"0",   "1",    "2",    "-1",   "7",      "10",
                                            "0.1", "0.25", "-3.5", "1000", "1e15",   "9007199254740993",
                                            "0.3", "0.7",  "100",  "-0.2", "123456", "-9007199254740993"};
  if (below(2) == 0) return numbers[below(std::size(numbers))];
  return std::to_string(static_cast<std::int64_t>(below(2001)) - 1000);
}

Document MergeCases::scalar() {
  switch (below(7)) {
    case 0:
      return {Document::Null{}};
    case 1:
      return {below(2) == 0};
    case 2:
      return {static_cast<std::int64_t>(below(10)) - 2};
    case 3:
      return {static_cast<double>(below(100)) / 8 + 0.0625};
    case 4:
      return {std::int64_t{9007199254740993} + static_cast<std::int64_t>(below(3))};
    default:
      return {text()};
  }
}

Document MergeCases::document(std::size_t depth) {
  const std::uint64_t which = below(depth > 2 ? 5 : 8);
  if (which < 5) return scalar();
  if (which < 7) {
    Document::Array elements(below(4));
    for (Document& element : elements) element = below(4) == 0 ? document(depth + 1) : scalar();
    return {std::move(elements)};
  }
  Document::Object fields;
  for (const char* name : {"x", "y", "a"}) {
    if (below(2) == 0) fields.emplace(name, document(depth + 1));
  }
  return {std::move(fields)};
}

// Of the shape of one of them, with parts of all that have parts in the same place.
Document MergeCases::recombined(const std::vector<const Document*>& samples) {
  const Document& shape = *samples[below(samples.size())];
  if (shape.object() != nullptr) {
    std::map<std::string, std::vector<const Document*>, std::less<>> places;
    for (const Document* each : samples) {
      if (each->object() == nullptr) continue;
      for (const auto& [name, value] : *each->object()) places[name].push_back(&value);
    }
    std::size_t everywhere = 0;
    for (const Document* each : samples) everywhere += each->object() != nullptr ? 1 : 0;
    Document::Object fields;
    for (const auto& [name, values] : places) {
      // A field that all have may be one that the function relies on.
      if (values.size() == everywhere || below(2) == 0) fields.emplace(name, recombined(values));
    }
    return {std::move(fields)};
  }
  if (shape.array() == nullptr) return shape;
  std::vector<const Document*> elements;
  for (const Document* each : samples) {
    if (each->array() == nullptr) continue;
    for (const Document& element : *each->array()) elements.push_back(&element);
  }
  Document::Array chosen;
  for (const Document* element : elements) {
    if (below(2) == 0) chosen.push_back(*element);
  }
  return {std::move(chosen)};
}

std::string MergeCases::encoded(const Document& document) const { return encode(values_, document); }

std::vector<MergeCase> smaller(const MergeCase& siblings, GeneratedValues values) {
  std::vector<MergeCase> found;
  const auto add = [&](MergeCase less) {
    const std::set<std::string> different(less.values.begin(), less.values.end());
    if (different.size() == less.values.size() && less.values.size() > 1) found.push_back(std::move(less));
  };
  for (std::size_t i = 0; i < siblings.values.size(); ++i) {
    MergeCase less = siblings;
    less.values.erase(less.values.begin() + static_cast<std::ptrdiff_t>(i));
    add(std::move(less));
  }
  if (siblings.base) add({siblings.values, std::nullopt});
  for (std::size_t i = 0; i < siblings.values.size(); ++i) {
    for (std::string& value : smaller_value(siblings.values[i], values)) {
      MergeCase less = siblings;
      less.values[i] = std::move(value);
      add(std::move(less));
    }
  }
  if (!siblings.base) return found;
  for (std::string& value : smaller_value(*siblings.base, values)) add({siblings.values, std::move(value)});
  return found;
}

}  // namespace turnstone::crdt
