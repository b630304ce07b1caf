#include "crdt/merge/document.hpp"

#include <limits>

namespace turnstone::crdt {
namespace {

// Numbers are one rank: they compare by value.
int rank(const Document& document) {
  switch (document.value.index()) {
    case 0:
      return 0;
    case 1:
      return 1;
    case 2:
    case 3:
    case 4:
      return 2;
    default:
      return static_cast<int>(document.value.index());
  }
}

// Exact: the significand of a long double holds every integer of 64 bits on the machines that
// this is built for.
static_assert(std::numeric_limits<long double>::digits >= 64);
long double number(const Document& document) {
  if (const auto* whole = std::get_if<std::int64_t>(&document.value)) return static_cast<long double>(*whole);
  if (const auto* large = std::get_if<Document::Unsigned>(&document.value))
    return static_cast<long double>(*large);
  return static_cast<long double>(std::get<double>(document.value));
}

std::strong_ordering compare_numbers(const Document& a, const Document& b) {
  const long double left = number(a);
  const long double right = number(b);
  if (left < right) return std::strong_ordering::less;
  if (left > right) return std::strong_ordering::greater;
  return a.value.index() <=> b.value.index();
}

std::strong_ordering compare_arrays(const Document::Array& a, const Document::Array& b) {
  for (std::size_t i = 0; i < a.size() && i < b.size(); ++i) {
    if (const auto order = compare(a[i], b[i]); order != 0) return order;
  }
  return a.size() <=> b.size();
}

std::strong_ordering compare_objects(const Document::Object& a, const Document::Object& b) {
  auto left = a.begin();
  auto right = b.begin();
  for (; left != a.end() && right != b.end(); ++left, ++right) {
    if (const auto order = left->first <=> right->first; order != 0) return order;
    if (const auto order = compare(left->second, right->second); order != 0) return order;
  }
  return a.size() <=> b.size();
}

}  // namespace

std::strong_ordering compare(const Document& a, const Document& b) {
  const int left = rank(a);
  if (const auto order = left <=> rank(b); order != 0) return order;
  if (left == 0) return std::strong_ordering::equal;
  if (left == 1) return std::get<bool>(a.value) <=> std::get<bool>(b.value);
  if (left == 2) return compare_numbers(a, b);
  if (const auto* text = std::get_if<std::string>(&a.value)) return *text <=> std::get<std::string>(b.value);
  if (const auto* binary = std::get_if<Document::Binary>(&a.value))
    return binary->bytes <=> std::get<Document::Binary>(b.value).bytes;
  if (const auto* array = a.array()) return compare_arrays(*array, *b.array());
  return compare_objects(*a.object(), *b.object());
}

}  // namespace turnstone::crdt
