// TS.AUDIT: the record of conflicts. Another thread reads it; the reply comes when it is ready.
#include "regions/commands/audit.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "regions/commands/entries.hpp"
#include "regions/commands/handlers.hpp"
#include "regions/commands/help.hpp"
#include "regions/commands/leader_port.hpp"
#include "regions/commands/session.hpp"

namespace turnstone::commands {
namespace {

std::vector<std::string> words_of(Args args) { return {args.begin(), args.end()}; }

void ask(Call& call, AuditInquiry inquiry) {
  if (call.session.transaction.open) return call.reply.error("ERR TS.AUDIT is not allowed inside MULTI");
  const auto number = call.leader.ask_audit(std::move(inquiry));
  if (!number) return call.reply.error("BUSY too many questions about the audit wait, try again");
  call.session.awaited = *number;
}

void ask_question(Call& call, AuditForm form, Args words) {
  auto question = audit::read_question(words_of(words));
  if (!question) return call.reply.error("ERR " + question.error().message);
  ask(call, {form, *std::move(question), std::nullopt});
}

void ask_for_one(Call& call, AuditForm form, std::string_view word) {
  const auto id = audit::parse_id(word);
  if (!id) return call.reply.error("ERR an id has 32 hex digits");
  ask(call, {form, {}, id});
}

std::string_view operation_of(const crdt::ConflictSide& side) {
  if (side.is_delete) return "delete";
  return side.is_increment ? "increment" : "write";
}

using resp::ReplyWriter;

void text(ReplyWriter& reply, std::string_view name, std::string_view value) {
  reply.bulk(name);
  reply.bulk(value);
}

void number(ReplyWriter& reply, std::string_view name, std::uint64_t value) {
  reply.bulk(name);
  reply.integer(static_cast<std::int64_t>(value));
}

void side(ReplyWriter& reply, const crdt::ConflictSide& side, const audit::Author& author) {
  reply.map(10);
  text(reply, "region", author.region);
  text(reply, "operation_id", fmt::format("{}.{}", to_string(side.id.operation), side.id.index));
  number(reply, "hlc_ms", hlc_ms(side.hlc));
  text(reply, "kind", crdt::name(side.kind));
  text(reply, "operation", operation_of(side));
  reply.bulk("value");
  side.is_delete ? reply.null() : reply.bulk(side.value);
  number(reply, "value_bytes", author.value_bytes);
  text(reply, "value_shown", audit::name(author.shown));
  reply.bulk("context");
  author.context ? reply.bulk(to_string(*author.context)) : reply.null();
  text(reply, "origin", to_string(side.id.operation.origin));
}

void settled_list(ReplyWriter& reply, const audit::Entry& entry) {
  reply.bulk("settled");
  reply.array(entry.settled.size());
  for (const audit::Settled& each : entry.settled) {
    reply.map(3);
    text(reply, "by", each.person);
    text(reply, "region", each.region);
    number(reply, "at_ms", each.at_ms);
  }
}

void entry_map(ReplyWriter& reply, const audit::Entry& entry, bool open) {
  reply.map(12);
  text(reply, "id", audit::hex_id(entry.conflict.id));
  text(reply, "type", crdt::name(entry.conflict.type));
  text(reply, "key", entry.conflict.key);
  text(reply, "field", entry.conflict.field);
  text(reply, "rule", entry.rule);
  text(reply, "winner", audit::name(entry.outcome));
  number(reply, "by_clock", audit::is_by_clock(entry) ? 1 : 0);
  number(reply, "open", open ? 1 : 0);
  number(reply, "at_ms", entry.at_ms);
  number(reply, "found_ms", entry.found_ms);
  reply.bulk("values");
  reply.array(2);
  side(reply, entry.conflict.first, entry.authors[0]);
  side(reply, entry.conflict.second, entry.authors[1]);
  settled_list(reply, entry);
}

void record(ReplyWriter& reply, const audit::Entry& entry, bool open) {
  const storage::AuditRow row = audit::to_row(entry);
  reply.array(9 + 3 * entry.settled.size());
  reply.bulk(row.id);
  reply.integer(static_cast<std::int64_t>(row.at_ms));
  reply.integer(static_cast<std::int64_t>(row.found_ms));
  reply.integer(row.type);
  reply.integer(row.by_clock ? 1 : 0);
  reply.bulk(row.key);
  reply.bulk(row.rule);
  reply.bulk(row.record);
  reply.integer(open ? 1 : 0);
  for (const audit::Settled& each : entry.settled) {
    reply.bulk(each.person);
    reply.bulk(each.region);
    reply.integer(static_cast<std::int64_t>(each.at_ms));
  }
}

void counts(ReplyWriter& reply, std::string_view name, const auto& numbers) {
  reply.bulk(name);
  reply.map(numbers.size());
  for (const auto& [word, count] : numbers) number(reply, fmt::format("{}", word), count);
}

void tally_map(ReplyWriter& reply, const audit::Tally& tally) {
  reply.map(7);
  number(reply, "total", tally.total);
  number(reply, "by_clock", tally.by_clock);
  counts(reply, "types", tally.types);
  counts(reply, "rules", tally.rules);
  counts(reply, "pairs", tally.pairs);
  counts(reply, "prefixes", tally.prefixes);
  counts(reply, "hours", tally.hours);
}

}  // namespace

bool is_open(const audit::Entry& entry, const crdt::Keyspace& keyspace) {
  const crdt::Conflict& conflict = entry.conflict;
  const bool of_values = conflict.type == crdt::ConflictType::concurrent_write ||
                         conflict.type == crdt::ConflictType::merge_failed;
  if (!of_values) return false;
  const crdt::Cell* cell = keyspace.find_cell(conflict.key, conflict.first.kind, conflict.field);
  if (cell == nullptr) return false;
  const auto has = [&](const RowId& id) {
    return std::ranges::any_of(cell->siblings(), [&](const crdt::Row& row) { return row.id == id; });
  };
  return has(conflict.first.id) && has(conflict.second.id);
}

void reply_audit(resp::ReplyWriter& reply, const AuditInquiry& inquiry, const AuditFindings& findings,
                 const crdt::Keyspace& keyspace) {
  if (inquiry.form == AuditForm::stats) return tally_map(reply, findings.tally);
  std::vector<std::pair<const audit::Entry*, bool>> shown;
  for (const audit::Entry& entry : findings.page.entries) {
    const bool open = is_open(entry, keyspace);
    if (!inquiry.question.open || *inquiry.question.open == open) shown.emplace_back(&entry, open);
  }
  if (inquiry.id && shown.empty()) return reply.null();
  if (!inquiry.id) {
    reply.array(2);
    findings.page.beyond ? reply.bulk(audit::text_of(*findings.page.beyond)) : reply.null();
    reply.array(shown.size());
  }
  for (const auto& [entry, open] : shown)
    inquiry.form == AuditForm::records ? record(reply, *entry, open) : entry_map(reply, *entry, open);
}

namespace handle {

void ts_audit_list(Call& call, Args args) { ask_question(call, AuditForm::list, args.subspan(2)); }

void ts_audit_records(Call& call, Args args) {
  if (args.size() == 4 && args[2] == "ID") return ask_for_one(call, AuditForm::records, args[3]);
  ask_question(call, AuditForm::records, args.subspan(2));
}

void ts_audit_show(Call& call, Args args) { ask_for_one(call, AuditForm::list, args[2]); }

void ts_audit_stats(Call& call, Args args) { ask_question(call, AuditForm::stats, args.subspan(2)); }

void ts_audit_help(Call& call, Args) { reply_help(call, "TS.AUDIT", "ts.audit"); }

}  // namespace handle
}  // namespace turnstone::commands
