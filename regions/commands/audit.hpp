#pragma once
// Replies to TS.AUDIT, written when what was asked for was read.
#include "crdt/keyspace.hpp"
#include "regions/commands/leader_port.hpp"
#include "regions/resp/reply.hpp"

namespace turnstone::commands {

// Both values are still there: no write has seen them.
bool is_open(const audit::Entry& entry, const crdt::Keyspace& keyspace);

void reply_audit(resp::ReplyWriter& reply, const AuditInquiry& inquiry, const AuditFindings& findings,
                 const crdt::Keyspace& keyspace);

}  // namespace turnstone::commands
