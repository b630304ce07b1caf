#include "core/version_vector.hpp"

#include <algorithm>
#include <range/v3/algorithm/all_of.hpp>
#include <range/v3/algorithm/lower_bound.hpp>
#include <range/v3/range/conversion.hpp>
#include <range/v3/view/filter.hpp>
#include <range/v3/view/set_algorithm.hpp>
#include <range/v3/view/transform.hpp>

namespace turnstone {
namespace {

const auto by_origin = [](const VersionVector::Entry& entry) { return entry.first; };

}  // namespace

VersionVector::VersionVector(std::initializer_list<Entry> entries) {
  for (const auto& [origin, seq] : entries) set(origin, seq);
}

Seq VersionVector::get(Origin origin) const {
  const auto it = ranges::lower_bound(entries_, origin, ranges::less{}, by_origin);
  return it != entries_.end() && it->first == origin ? it->second : 0;
}

void VersionVector::set(Origin origin, Seq seq) {
  const auto it = ranges::lower_bound(entries_, origin, ranges::less{}, by_origin);
  const bool present = it != entries_.end() && it->first == origin;
  if (seq == 0) {
    if (present) entries_.erase(it);
  } else if (present) {
    it->second = seq;
  } else {
    entries_.insert(it, {origin, seq});
  }
}

bool VersionVector::covers(const VersionVector& other) const {
  return ranges::all_of(other.entries_, [this](const Entry& e) { return get(e.first) >= e.second; });
}

void VersionVector::join(const VersionVector& other) {
  if (other.entries_.empty()) return;
  entries_ = ranges::views::set_union(entries_, other.entries_, ranges::less{}, by_origin, by_origin) |
             ranges::views::transform([&](const Entry& e) {
               return Entry{e.first, std::max(get(e.first), other.get(e.first))};
             }) |
             ranges::to<std::vector<Entry>>();
}

void VersionVector::remove(const VersionVector& origins) {
  std::erase_if(entries_, [&](const Entry& e) { return origins.get(e.first) != 0; });
}

void VersionVector::meet(const VersionVector& other) {
  entries_ = ranges::views::set_intersection(entries_, other.entries_, ranges::less{}, by_origin, by_origin) |
             ranges::views::transform([&](const Entry& e) {
               return Entry{e.first, std::min(e.second, other.get(e.first))};
             }) |
             ranges::to<std::vector<Entry>>();
}

std::vector<VersionVector::Entry> VersionVector::since(const VersionVector& base) const {
  return entries_ | ranges::views::filter([&](const Entry& e) { return base.get(e.first) != e.second; }) |
         ranges::to<std::vector<Entry>>();
}

std::string to_string(const VersionVector& vector) {
  std::string text = "{";
  for (const auto& [origin, seq] : vector.entries()) {
    if (text.size() > 1) text += ", ";
    text += to_string(Stamp{origin, seq});
  }
  return text + "}";
}

}  // namespace turnstone
