#include "regions/commands/counters.hpp"

#include "regions/commands/values.hpp"

namespace turnstone::commands {
namespace {

// The sum as readers see it from now on, which differs from value + amount only while
// concurrent increments hold the total outside of 64 bits.
std::string shown_at(Call& call, const CounterPlace& place) {
  const crdt::Entry* entry = call.replica.keyspace().find(place.key);
  const crdt::Fields* fields = entry->fields(place.kind);
  const crdt::Cell* cell = place.kind == crdt::Kind::string ? entry->string() : fields->find(place.field);
  std::string scratch;
  return std::string(shown(call, {place.key, place.kind, place.field}, *cell, scratch));
}

void increment(Call& call, const CounterPlace& place, FixedDecimal amount) {
  call.replica.apply(crdt::Increment{place.key, place.kind, place.field, amount});
}

}  // namespace

void increment_integer(Call& call, const CounterPlace& place, std::int64_t amount,
                       std::string_view not_a_number) {
  std::int64_t value = 0;
  if (place.cell != nullptr) {
    std::string scratch;
    const auto number =
        parse_integer(shown(call, {place.key, place.kind, place.field}, *place.cell, scratch));
    if (!number) return call.reply.error(not_a_number);
    value = *number;
  }
  std::int64_t sum = 0;
  if (__builtin_add_overflow(value, amount, &sum)) return call.reply.error(overflow_error);
  increment(call, place, FixedDecimal::from_int(amount));
  call.reply.integer(parse_integer(shown_at(call, place)).value_or(sum));
}

void increment_decimal(Call& call, const CounterPlace& place, FixedDecimal amount,
                       std::string_view not_a_number) {
  FixedDecimal sum = amount;
  if (place.cell != nullptr) {
    std::string scratch;
    const Number number =
        parse_number(shown(call, {place.key, place.kind, place.field}, *place.cell, scratch));
    if (number.status == NumberStatus::not_a_number) return call.reply.error(not_a_number);
    if (number.status == NumberStatus::out_of_range) return call.reply.error(infinite_sum_error);
    sum += number.value;
  }
  if (!fits_counter(sum)) return call.reply.error(infinite_sum_error);
  increment(call, place, amount);
  call.reply.bulk(shown_at(call, place));
}

std::optional<FixedDecimal> decimal_argument(Call& call, std::string_view text, std::string_view infinite) {
  const Number amount = parse_number(text);
  if (amount.status == NumberStatus::valid) return amount.value;
  call.reply.error(amount.status == NumberStatus::out_of_range ? infinite : not_a_float_error);
  return std::nullopt;
}

}  // namespace turnstone::commands
