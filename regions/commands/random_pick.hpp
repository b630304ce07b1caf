#pragma once
// Random members of a set and fields of a hash.
#include <cstddef>
#include <cstdint>
#include <vector>

#include "crdt/entry.hpp"
#include "regions/commands/call.hpp"

namespace turnstone::commands {

class LeaderPort;

using FieldIterator = crdt::Fields::Map::const_iterator;

// One field, nearly every one as likely as any other. Logarithmic time.
FieldIterator random_field(const crdt::Fields& fields, LeaderPort& leader);

// Different fields: min(count, size) of them.
std::vector<FieldIterator> random_distinct_fields(const crdt::Fields& fields, std::size_t count,
                                                  LeaderPort& leader);

// A negative count asks for so many picks that may repeat.
inline constexpr std::int64_t random_repeats_max = 1'000'000;
// Answers the error when it asks for more.
bool is_repeat_count(Call& call, std::int64_t count);

}  // namespace turnstone::commands
