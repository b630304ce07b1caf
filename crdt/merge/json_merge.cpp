#include "crdt/merge/json_merge.hpp"

#include <algorithm>
#include <set>

namespace turnstone::crdt {
namespace {

using Values = std::vector<const Document*>;
using Key = std::optional<std::string>;
using Fields = std::map<std::string_view, const Document*>;
struct ByContent {
  bool operator()(const Document* a, const Document* b) const { return *a < *b; }
};
// The elements of an array by what tells them apart: the key's value, or all of the element.
using Elements = std::map<const Document*, const Document*, ByContent>;

Fields fields_of(const Document::Object& object) {
  Fields fields;
  for (const auto& [name, value] : object) fields.emplace_hint(fields.end(), name, &value);
  return fields;
}

Elements elements_of(const Document::Array& array) {
  Elements elements;
  for (const Document& element : array) elements.emplace(&element, &element);
  return elements;
}

// Nothing unless each element is an object with this member, and no two have the same.
std::optional<Elements> elements_by_key(const Document::Array& array, const std::string& key) {
  Elements elements;
  for (const Document& element : array) {
    if (element.object() == nullptr) return std::nullopt;
    const auto member = element.object()->find(key);
    if (member == element.object()->end()) return std::nullopt;
    if (!elements.emplace(&member->second, &element).second) return std::nullopt;
  }
  return elements;
}

// Calls add(name, value) for each part that stays of those that any of the holders has.
template <class Parts, class Add>
void merge_parts(const std::vector<Parts>& holders, const Parts* base, const Key& key, Add add) {
  std::map<typename Parts::key_type, Values, typename Parts::key_compare> everywhere;
  for (const Parts& holder : holders) {
    for (const auto& [name, value] : holder) everywhere[name].push_back(value);
  }
  for (auto& [name, there] : everywhere) {
    const auto before = base == nullptr ? typename Parts::const_iterator{} : base->find(name);
    const Document* was = base == nullptr || before == base->end() ? nullptr : before->second;
    const bool removed = was != nullptr && there.size() < holders.size();
    const auto unchanged = [was](const Document* each) { return *each == *was; };
    if (removed && std::ranges::all_of(there, unchanged)) continue;
    add(name, merge_documents(std::move(there), was, key));
  }
}

Document merge_objects(const Values& values, const Document* base, const Key& key) {
  std::vector<Fields> holders;
  for (const Document* each : values) holders.push_back(fields_of(*each->object()));
  std::optional<Fields> was;
  if (base != nullptr && base->object() != nullptr) was = fields_of(*base->object());
  Document::Object merged;
  merge_parts(holders, was ? &*was : nullptr, key, [&](std::string_view name, Document value) {
    merged.emplace_hint(merged.end(), name, std::move(value));
  });
  return {std::move(merged)};
}

Document merge_arrays(const Values& values, const Document* base, const Key& key) {
  std::vector<Elements> holders;
  std::optional<Elements> was;
  const auto take = [&](const auto& elements) {
    for (const Document* each : values) {
      auto found = elements(*each->array());
      if (!found) return false;
      holders.push_back(*std::move(found));
    }
    if (base == nullptr || base->array() == nullptr) return true;
    was = elements(*base->array());
    return was.has_value();
  };
  if (!key || !take([&](const Document::Array& array) { return elements_by_key(array, *key); })) {
    holders.clear();
    take([](const Document::Array& array) { return std::optional(elements_of(array)); });
  }
  Document::Array merged;
  merge_parts(holders, was ? &*was : nullptr, key,
              [&](const Document*, Document value) { merged.push_back(std::move(value)); });
  return {std::move(merged)};
}

}  // namespace

Document unite(const std::vector<Document>& values) {
  std::set<const Document*, ByContent> elements;
  for (const Document& value : values) {
    if (value.array() == nullptr) elements.insert(&value);
    if (value.array() == nullptr) continue;
    for (const Document& element : *value.array()) elements.insert(&element);
  }
  Document::Array united;
  for (const Document* element : elements) united.push_back(*element);
  return {std::move(united)};
}

Document merge_documents(Values values, const Document* base, const Key& key) {
  if (base != nullptr) {
    std::erase_if(values, [base](const Document* each) { return *each == *base; });
    if (values.empty()) return *base;
  }
  const Document& newest = *values.back();
  if (std::ranges::all_of(values, [&](const Document* each) { return *each == newest; })) return newest;
  const bool object = newest.object() != nullptr;
  if (!object && newest.array() == nullptr) return newest;
  std::erase_if(values, [&](const Document* each) { return each->value.index() != newest.value.index(); });
  if (values.size() == 1) return newest;
  return object ? merge_objects(values, base, key) : merge_arrays(values, base, key);
}

}  // namespace turnstone::crdt
