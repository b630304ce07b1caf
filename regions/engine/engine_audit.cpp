// What the engine knows of a conflict when it finds it.
#include <utility>

#include "regions/commands/audit.hpp"
#include "regions/engine/engine.hpp"
#include "regions/settings/log.hpp"

namespace turnstone::regions {
namespace {

audit::ValuePolicy policy_of(const Settings& settings) {
  const auto shown = settings.audit_values == AuditValues::full        ? audit::Shown::full
                     : settings.audit_values == AuditValues::truncated ? audit::Shown::truncated
                                                                       : audit::Shown::redacted;
  return {shown, settings.audit_value_bytes};
}

}  // namespace

audit::Entry Engine::describe(const crdt::Conflict& conflict) const {
  audit::Entry entry = audit::entry_of(conflict, now_ms());
  const std::string_view fixed = audit::fixed_rule(conflict.type);
  entry.rule = fixed.empty() ? merging_.rule_for(conflict.key) : std::string(fixed);
  const bool by_function = fixed.empty() && entry.rule != crdt::default_rule;
  if (by_function && conflict.type != crdt::ConflictType::merge_failed)
    entry.outcome = audit::Outcome::merged;
  for (const auto& [side, author] :
       {std::pair{&conflict.first, &entry.authors[0]}, std::pair{&conflict.second, &entry.authors[1]}}) {
    // A sum that gave way stands for many authors.
    if (side->id.operation.seq == 0) continue;
    author->region = replica_->region_of(side->id.operation.origin);
    author->context = replica_->seen_by_author_of(side->id.operation);
  }
  audit::apply(policy_of(settings_), entry);
  return entry;
}

void Engine::watch_conflicts(const durability::Store& store) {
  const auto note = [this](const crdt::Settlement& settlement) {
    conflicts_.add(storage::AuditSettlement{audit::id_bytes(settlement.conflict), settlement.operation,
                                            hlc_ms(settlement.hlc),
                                            replica_->region_of(settlement.operation.origin), settlement.by});
  };
  conflicts_.restore(store.stored_conflicts, store.replayed_conflicts);
  for (const crdt::Settlement& settlement : store.replayed_settlements) note(settlement);
  replica_->on_conflict([this](const crdt::Conflict& conflict) {
    conflicts_.add(conflict);
    merge_watch_.conflict_found(conflict);
  });
  replica_->on_settlement(note);
}

std::optional<std::uint64_t> Engine::ask_audit(commands::AuditInquiry inquiry) {
  if (!audit_desk_.submit(audit_questions_ + 1, std::move(inquiry), conflicts_.not_in_file())) {
    ++audit_questions_refused_;
    return std::nullopt;
  }
  return ++audit_questions_;
}

void Engine::on_audit_answer(const AuditAnswer& answer) {
  door_.answer(answer.number, [&](resp::ReplyWriter& reply) {
    if (!answer.findings) return reply.error("ERR " + answer.findings.error().message);
    commands::reply_audit(reply, answer.inquiry, *answer.findings, replica_->keyspace());
  });
}

// A stopped leader's directory tells all, where nothing in it is in doubt.
void Engine::record_last_conflicts() {
  if (replica_->durable_lsn() != replica_->last_lsn() || exit_code_ != 0) return;
  if (auto recorded = checkpointer_.record(conflicts_.take_unstored(), conflicts_.take_settlements());
      !recorded)
    log::warning("the last conflicts were not recorded, and will be at the next start",
                 {{"error", recorded.error().message}});
}

}  // namespace turnstone::regions
