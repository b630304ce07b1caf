#pragma once
// Siblings to try merge functions on, and smaller ones that may fail as well.
#include <random>
#include <vector>

#include "crdt/merge/check.hpp"
#include "crdt/merge/document.hpp"

namespace turnstone::crdt {

class MergeCases {
 public:
  explicit MergeCases(const MergeCheck& check);
  // Siblings with different bytes; with a base that they might all have replaced if `base`.
  MergeCase next(bool base);

 private:
  std::uint64_t below(std::uint64_t count) { return random_() % count; }
  std::string value();
  std::string changed(const std::string& base);
  std::string text();
  std::string number();
  Document document(std::size_t depth);
  Document scalar();
  Document recombined(const std::vector<const Document*>& samples);
  std::string encoded(const Document& document) const;

  GeneratedValues values_;
  std::mt19937_64 random_;
  std::vector<Document> samples_;
};

// The documents of values of that kind; none where one is no such document.
std::optional<Document> decode_value(GeneratedValues values, std::string_view bytes);

// One step smaller, the largest steps first.
std::vector<MergeCase> smaller(const MergeCase& siblings, GeneratedValues values);

}  // namespace turnstone::crdt
