#pragma once
// The built-ins that look into JSON: union, and json-merge field by field.
#include <optional>
#include <string>
#include <vector>

#include "crdt/merge/document.hpp"

namespace turnstone::crdt {

// The elements of all arrays, and each value that is no array as one element; sorted, each once.
Document unite(const std::vector<Document>& values);

// `values` oldest first, one at least. Each is taken for a change of `base`, where there is one:
// what equals it was not changed, and a field or element that is missing was removed, which only
// a change of the same field or element elsewhere undoes. Without one nothing was removed.
//
//   all changed to the same, or one alone: that one
//   the newest is an object: all objects among them, field by field, by the same rules
//   the newest is an array: the union of all arrays among them, sorted; if theirs are objects
//     told apart by the member `key`: one of each, merged by the same rules, sorted by it
//   else: the newest
//
// An array is one of objects told apart if each element has the member and no two share it.
Document merge_documents(std::vector<const Document*> values, const Document* base,
                         const std::optional<std::string>& key);

}  // namespace turnstone::crdt
