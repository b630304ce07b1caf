// TS.SIBLINGS and TS.RESOLVE: what a merge function sees, and a person's or a program's choice.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <string>
#include <vector>

#include "regions/commands/entries.hpp"
#include "regions/commands/handlers.hpp"
#include "regions/commands/leader_port.hpp"
#include "regions/commands/values.hpp"

namespace turnstone::commands {
namespace {

using crdt::Kind;

constexpr std::size_t operator_bytes_max = 256;

// "origin:seq:index", as people name a row.
std::string text_of(const crdt::Row& row) {
  return fmt::format("{}:{}", to_string(row.id.operation), row.id.index);
}

// KEY [FIELD name | MEMBER name]; takes these words off. Nothing after an error reply.
std::optional<crdt::Place> place_argument(Call& call, Args& words) {
  crdt::Place place{words[0]};
  words = words.subspan(1);
  const bool is_field = !words.empty() && is_word(words[0], "field");
  const bool is_member = !words.empty() && is_word(words[0], "member");
  if (!is_field && !is_member) return place;
  if (words.size() < 2) {
    call.reply.error(syntax_error);
    return std::nullopt;
  }
  place.kind = is_field ? Kind::hash : Kind::set;
  place.field = words[1];
  words = words.subspan(2);
  return place;
}

// Of 32 hex digits; nothing when it is none.
std::optional<Hash128> conflict_id(std::string_view hex) {
  Hash128 id;
  if (hex.size() != 32) return std::nullopt;
  const char* middle = hex.data() + 16;
  const auto high = std::from_chars(hex.data(), middle, id.high, 16);
  const auto low = std::from_chars(middle, middle + 16, id.low, 16);
  const bool whole = high.ptr == middle && low.ptr == middle + 16;
  return whole ? std::optional(id) : std::nullopt;
}

struct Choice {
  std::optional<std::string_view> value;
  std::optional<std::string_view> take;  // the value of this sibling
  bool removes = false;
  bool all = false;  // takes the place of all that is there, as any write does
  std::vector<std::string_view> siblings;
  std::string_view by;
  std::optional<Hash128> conflict;
};

// Nothing after an error reply.
std::optional<Choice> choice_arguments(Call& call, Args words) {
  Choice choice;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const bool has_next = i + 1 < words.size();
    if (is_word(words[i], "value") && has_next) {
      choice.value = words[++i];
    } else if (is_word(words[i], "take") && has_next) {
      choice.take = words[++i];
    } else if (is_word(words[i], "delete")) {
      choice.removes = true;
    } else if (is_word(words[i], "all")) {
      choice.all = true;
    } else if (is_word(words[i], "by") && has_next && words[i + 1].size() <= operator_bytes_max) {
      choice.by = words[++i];
    } else if (is_word(words[i], "conflict") && has_next) {
      choice.conflict = conflict_id(words[++i]);
      if (!choice.conflict) {
        call.reply.error("ERR the id of a conflict has 32 hexadecimal digits");
        return std::nullopt;
      }
    } else if (is_word(words[i], "siblings") && has_next) {
      choice.siblings.assign(words.begin() + static_cast<std::ptrdiff_t>(i) + 1, words.end());
      i = words.size();
    } else {
      call.reply.error(syntax_error);
      return std::nullopt;
    }
  }
  const int outcomes = (choice.value ? 1 : 0) + (choice.take ? 1 : 0) + (choice.removes ? 1 : 0);
  if (outcomes != 1) {
    call.reply.error("ERR say one of VALUE value, TAKE id and DELETE");
    return std::nullopt;
  }
  if (choice.all == !choice.siblings.empty()) {
    call.reply.error("ERR say which siblings it takes the place of: SIBLINGS id [id ...], or ALL");
    return std::nullopt;
  }
  return choice;
}

// Null after an error reply: what is chosen from has changed meanwhile, and nothing is written.
const crdt::Row* sibling_named(Call& call, const crdt::Cell* cell, std::string_view id) {
  if (cell != nullptr) {
    const auto& rows = cell->siblings();
    const auto found = std::ranges::find_if(rows, [&](const crdt::Row& row) { return text_of(row) == id; });
    if (found != rows.end()) return &*found;
  }
  call.reply.error(fmt::format("ERR there is no sibling {}: see TS.SIBLINGS again", id));
  return nullptr;
}

void write_over_all(Call& call, const crdt::Place& place, const std::optional<std::string>& value) {
  if (place.kind == Kind::string) {
    if (value) return write_string(call, place.key, *value);
    delete_key(call, place.key);
  } else if (value) {
    put(call, place.key, place.kind, place.field, *value);
  } else {
    remove(call, place.key, place.kind, place.field);
  }
}

void reply_siblings(Call& call, const crdt::Cell& cell) {
  call.reply.array(cell.siblings().size());
  for (const crdt::Row& row : cell.siblings()) {
    const auto& replaced = cell.replaced();
    const auto over = std::ranges::find(replaced, row.id, &crdt::ReplacedValue::row);
    const auto context = call.replica.seen_by_author_of(row.id.operation);
    call.reply.map(5 + (context ? 1 : 0) + (over == replaced.end() ? 0 : 1));
    entry(call, "id", text_of(row));
    entry(call, "region", call.replica.region_of(row.id.operation.origin));
    entry(call, "at_ms", hlc_ms(row.hlc));
    entry(call, "clock", row.hlc);
    entry(call, "value", row.value);
    if (context) entry(call, "context", to_string(*context));
    if (over != replaced.end()) entry(call, "replaced", over->value);
  }
}

}  // namespace

namespace handle {

void ts_siblings(Call& call, Args args) {
  Args words = args.subspan(1);
  const auto place = place_argument(call, words);
  if (!place) return;
  if (!words.empty()) return call.reply.error(syntax_error);
  const crdt::Cell* cell = call.replica.keyspace().find_cell(place->key, place->kind, place->field);
  if (cell == nullptr) return call.reply.null();
  const auto policy = call.leader.merging().policy_for(place->key);
  const bool has_base = cell->siblings().size() > 1 && cell->base() != nullptr;
  const bool has_counter = cell->counter() != nullptr;
  call.reply.map(5 + (has_base ? 1 : 0) + (has_counter ? 1 : 0));
  entry(call, "rule", policy ? std::string_view(policy->rule) : crdt::default_rule);
  entry(call, "pattern", policy ? std::string_view(policy->pattern) : "");
  entry(call, "problem", policy ? policy->problem.value_or("") : "");
  call.reply.bulk("shown");
  reply_shown(call, *place, cell);
  if (has_base) entry(call, "base", *cell->base());
  if (has_counter) entry(call, "increments", cell->counter()->total.to_string());
  call.reply.bulk("siblings");
  reply_siblings(call, *cell);
}

void ts_resolve(Call& call, Args args) {
  Args words = args.subspan(1);
  const auto place = place_argument(call, words);
  if (!place) return;
  const auto choice = choice_arguments(call, words);
  if (!choice) return;
  const crdt::Cell* cell = call.replica.keyspace().find_cell(place->key, place->kind, place->field);
  std::vector<RowId> rows;
  for (const std::string_view id : choice->siblings) {
    const crdt::Row* row = sibling_named(call, cell, id);
    if (row == nullptr) return;
    rows.push_back(row->id);
  }
  std::optional<std::string> value;
  if (choice->take) {
    const crdt::Row* row = sibling_named(call, cell, *choice->take);
    if (row == nullptr) return;
    value = row->value;
  } else if (choice->value) {
    value = *choice->value;
  }
  if (choice->conflict) call.replica.apply(crdt::Settle{*choice->conflict, choice->by});
  if (choice->all) {
    write_over_all(call, *place, value);
  } else {
    call.replica.apply(crdt::Resolve{place->key, place->kind, place->field, value, rows});
  }
  call.reply.ok();
}

}  // namespace handle
}  // namespace turnstone::commands
