#include "regions/commands/random_pick.hpp"

#include <algorithm>
#include <iterator>
#include <unordered_set>

#include "regions/commands/leader_port.hpp"
#include "regions/commands/values.hpp"

namespace turnstone::commands {
namespace {

// A field is found by a random place before it, so its chance is the length of the gap
// before it. A random walk of up to this many fields evens the gaps out.
constexpr std::size_t walk_fields = 64;

std::vector<FieldIterator> all_fields(const crdt::Fields& fields) {
  std::vector<FieldIterator> all;
  all.reserve(fields.size());
  for (auto it = fields.map().begin(); it != fields.map().end(); ++it) all.push_back(it);
  return all;
}

}  // namespace

FieldIterator random_field(const crdt::Fields& fields, LeaderPort& leader) {
  const auto& map = fields.map();
  if (map.size() <= walk_fields) {
    return std::next(map.begin(), static_cast<std::ptrdiff_t>(leader.random() % map.size()));
  }
  auto it = fields.from(leader.random() >> 16);
  for (auto steps = leader.random() % walk_fields;; --steps) {
    if (it == map.end()) it = map.begin();
    if (steps == 0) return it;
    ++it;
  }
}

std::vector<FieldIterator> random_distinct_fields(const crdt::Fields& fields, std::size_t count,
                                                  LeaderPort& leader) {
  if (count >= fields.size()) return all_fields(fields);
  // A few of many: draw, and draw again what was drawn already. Names chosen to lie close
  // together could make that slow, so the draws are counted.
  if (count <= fields.size() / 4) {
    std::vector<FieldIterator> picked;
    std::unordered_set<const crdt::Fields::Name*> seen;
    for (std::size_t draws = 0; picked.size() < count && draws < 4 * count + walk_fields; ++draws) {
      const auto it = random_field(fields, leader);
      if (seen.insert(&it->first).second) picked.push_back(it);
    }
    if (picked.size() == count) return picked;
  }
  // Most of them, or bad luck: the first steps of a shuffle.
  std::vector<FieldIterator> all = all_fields(fields);
  for (std::size_t i = 0; i < count; ++i) std::swap(all[i], all[i + leader.random() % (all.size() - i)]);
  all.resize(count);
  return all;
}

bool is_repeat_count(Call& call, std::int64_t count) {
  if (count >= -random_repeats_max) return true;
  call.reply.error(std::string(out_of_range_error) + ", random_repeats_max is " +
                   std::to_string(random_repeats_max));
  return false;
}

}  // namespace turnstone::commands
