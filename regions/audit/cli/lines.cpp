#include <fmt/format.h>

#include "crdt/merge/document.hpp"
#include "regions/audit/cli/text.hpp"
#include "regions/settings/log_line.hpp"

namespace turnstone::audit {
namespace {

using crdt::Document;

Document number(std::uint64_t value) { return {static_cast<std::int64_t>(value)}; }
Document flag(bool value) { return {value}; }
Document text(std::string_view value) { return {std::string(value)}; }

std::string hex(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) out += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return out;
}

// Under the name, or in hex under the name with _hex where it is no text.
void add_bytes(Document::Object& object, const std::string& name, std::string_view bytes) {
  if (crdt::encode_json(text(bytes))) {
    object.emplace(name, text(bytes));
  } else {
    object.emplace(name + "_hex", text(hex(bytes)));
  }
}

std::string_view operation_of(const crdt::ConflictSide& side) {
  if (side.is_delete) return "delete";
  return side.is_increment ? "increment" : "write";
}

Document side(const crdt::ConflictSide& side, const Author& author) {
  Document::Object object;
  object.emplace("region", text(author.region));
  object.emplace("origin", text(to_string(side.id.operation.origin)));
  object.emplace("seq", number(side.id.operation.seq));
  object.emplace("index", number(side.id.index));
  object.emplace("hlc_ms", number(hlc_ms(side.hlc)));
  object.emplace("kind", text(crdt::name(side.kind)));
  object.emplace("operation", text(operation_of(side)));
  object.emplace("value_bytes", number(author.value_bytes));
  object.emplace("value_shown", text(name(author.shown)));
  if (side.is_delete || author.shown == Shown::redacted) {
    object.emplace("value", Document{Document::Null{}});
  } else {
    add_bytes(object, "value", side.value);
  }
  Document context{Document::Null{}};
  if (author.context) {
    Document::Object seen;
    for (const auto& [origin, seq] : author.context->entries()) seen.emplace(to_string(origin), number(seq));
    context = {std::move(seen)};
  }
  object.emplace("context", std::move(context));
  return {std::move(object)};
}

std::string line(Document::Object object) { return crdt::encode_json({std::move(object)}).value_or("{}"); }

Document counts(const auto& numbers) {
  Document::Object object;
  for (const auto& [word, count] : numbers) {
    const std::string key = fmt::format("{}", word);
    object.emplace(crdt::encode_json(text(key)) ? key : "0x" + hex(key), number(count));
  }
  return {std::move(object)};
}

// RFC 4180; what a spreadsheet would take for a formula is told to be text.
std::string quoted(std::string text) {
  if (!text.empty() && std::string_view("=+-@\t\r").find(text.front()) != std::string_view::npos)
    text.insert(0, 1, '\'');
  if (text.find_first_of(",\"\n\r") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + "\"";
}

}  // namespace

std::string json_text(const Found& found) {
  const Entry& entry = found.entry;
  Document::Object object;
  object.emplace("id", text(hex_id(entry.conflict.id)));
  object.emplace("type", text(crdt::name(entry.conflict.type)));
  add_bytes(object, "key", entry.conflict.key);
  add_bytes(object, "field", entry.conflict.field);
  object.emplace("rule", text(entry.rule));
  object.emplace("winner", text(name(entry.outcome)));
  object.emplace("by_clock", flag(is_by_clock(entry)));
  object.emplace("open", found.open ? flag(*found.open) : Document{Document::Null{}});
  object.emplace("time", text(regions::log::time_text(static_cast<std::int64_t>(entry.at_ms))));
  object.emplace("at_ms", number(entry.at_ms));
  object.emplace("found_ms", number(entry.found_ms));
  Document::Array regions;
  for (const std::string& region : found.regions) regions.push_back(text(region));
  object.emplace("on_record_in", Document{std::move(regions)});
  Document::Array settled;
  for (const Settled& each : entry.settled) {
    Document::Object choice;
    add_bytes(choice, "by", each.person);
    choice.emplace("region", text(each.region));
    choice.emplace("at_ms", number(each.at_ms));
    settled.push_back({std::move(choice)});
  }
  object.emplace("settled", Document{std::move(settled)});
  object.emplace("values", Document{Document::Array{side(entry.conflict.first, entry.authors[0]),
                                                    side(entry.conflict.second, entry.authors[1])}});
  return line(std::move(object));
}

std::string json_text(const Tally& tally) {
  Document::Object object;
  object.emplace("total", number(tally.total));
  object.emplace("by_clock", number(tally.by_clock));
  object.emplace("types", counts(tally.types));
  object.emplace("rules", counts(tally.rules));
  object.emplace("pairs", counts(tally.pairs));
  object.emplace("prefixes", counts(tally.prefixes));
  object.emplace("hours", counts(tally.hours));
  return line(std::move(object));
}

std::string csv_head() {
  return "id,time,type,key,field,rule,winner,by_clock,first_region,first_operation,first_value,second_region,"
         "second_operation,second_value,on_record_in";
}

std::string csv_text(const Found& found) {
  const Entry& entry = found.entry;
  const crdt::Conflict& conflict = entry.conflict;
  std::string regions;
  for (const std::string& region : found.regions) regions += (regions.empty() ? "" : " ") + region;
  const std::string cells[] = {hex_id(conflict.id),
                               regions::log::time_text(static_cast<std::int64_t>(entry.at_ms)),
                               std::string(crdt::name(conflict.type)),
                               value_text(conflict.key),
                               value_text(conflict.field),
                               entry.rule,
                               std::string(name(entry.outcome)),
                               is_by_clock(entry) ? "yes" : "no",
                               entry.authors[0].region,
                               std::string(operation_of(conflict.first)),
                               value_text(conflict.first.value),
                               entry.authors[1].region,
                               std::string(operation_of(conflict.second)),
                               value_text(conflict.second.value),
                               regions};
  std::string out;
  for (const std::string& cell : cells) out += (&cell == cells ? "" : ",") + quoted(cell);
  return out;
}

}  // namespace turnstone::audit
