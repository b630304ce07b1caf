// CLIENT and its subcommands.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <string>

#include "regions/commands/connection.hpp"
#include "regions/commands/handlers.hpp"
#include "regions/commands/help.hpp"
#include "regions/commands/leader_port.hpp"
#include "regions/commands/session.hpp"
#include "regions/commands/values.hpp"

namespace turnstone::commands {
namespace {

std::string flags_of(const Session& session) {
  std::string flags;
  if (session.transaction.open) flags += 'x';
  if (session.transaction.watched_key_changed) flags += 'd';
  if (session.closing) flags += 'c';
  if (session.no_evict) flags += 'e';
  return flags.empty() ? "N" : flags;
}

std::uint64_t seconds_since(std::uint64_t then_ms, std::uint64_t now_ms) {
  return now_ms > then_ms ? (now_ms - then_ms) / 1000 : 0;
}

// One line, as CLIENT LIST of Redis has it, of the parts that exist here.
void describe(const Session& session, std::uint64_t now_ms, std::string& out) {
  const Transaction& transaction = session.transaction;
  fmt::format_to(std::back_inserter(out),
                 "id={} addr={} laddr={} name={} age={} idle={} flags={} db=0 sub=0 psub=0 ssub=0 multi={} "
                 "qbuf=0 qbuf-free=0 argv-mem=0 multi-mem={} obl=0 oll=0 omem=0 tot-mem=0 cmd={} "
                 "user=default redir=-1 resp={} lib-name={} lib-ver={}\n",
                 session.id, session.address, session.local_address, session.name,
                 seconds_since(session.created_ms, now_ms), seconds_since(session.active_ms, now_ms),
                 flags_of(session),
                 transaction.open ? static_cast<std::int64_t>(transaction.queue.size()) : -1,
                 transaction.queue.bytes(), session.last_command.empty() ? "NULL" : session.last_command,
                 session.protocol, session.library_name, session.library_version);
}

// Which connections CLIENT LIST is to show.
struct Selection {
  bool nobody = false;
  std::set<std::uint64_t> ids;  // empty: all

  bool has(const Session& session) const { return !nobody && (ids.empty() || ids.contains(session.id)); }
};

std::optional<Selection> select_type(Call& call, std::string_view type) {
  if (is_word(type, "normal")) return Selection{};
  for (const std::string_view other : {"master", "replica", "slave", "pubsub"}) {
    if (is_word(type, other)) return Selection{true, {}};
  }
  call.reply.error(fmt::format("ERR Unknown client type '{}'", type));
  return std::nullopt;
}

std::optional<Selection> select_ids(Call& call, Args ids) {
  Selection selection;
  for (const std::string_view text : ids) {
    const auto id = parse_integer(text);
    if (!id || *id < 1) {
      call.reply.error("ERR Invalid client ID");
      return std::nullopt;
    }
    selection.ids.insert(static_cast<std::uint64_t>(*id));
  }
  return selection;
}

// Nothing after an error reply.
std::optional<Selection> parse_selection(Call& call, Args options) {
  if (options.empty()) return Selection{};
  if (options.size() == 2 && is_word(options[0], "type")) return select_type(call, options[1]);
  if (options.size() >= 2 && is_word(options[0], "id")) return select_ids(call, options.subspan(1));
  call.reply.error(syntax_error);
  return std::nullopt;
}

}  // namespace

namespace handle {

void client_id(Call& call, Args) { call.reply.integer(static_cast<std::int64_t>(call.session.id)); }

void client_setname(Call& call, Args args) {
  if (!is_client_name(call, args[2], "Client names")) return;
  call.session.name = args[2];
  call.reply.ok();
}

void client_getname(Call& call, Args) {
  if (call.session.name.empty()) return call.reply.null();
  call.reply.bulk(call.session.name);
}

void client_setinfo(Call& call, Args args) {
  const bool is_name = is_word(args[2], "lib-name");
  if (!is_name && !is_word(args[2], "lib-ver")) {
    return call.reply.error(fmt::format("ERR Unrecognized option '{}'", args[2]));
  }
  if (!is_client_name(call, args[3], is_name ? "lib-name" : "lib-ver")) return;
  (is_name ? call.session.library_name : call.session.library_version) = args[3];
  call.reply.ok();
}

void client_list(Call& call, Args args) {
  const auto selection = parse_selection(call, args.subspan(2));
  if (!selection) return;
  std::string text;
  call.leader.each_session([&](const Session& session) {
    if (selection->has(session)) describe(session, call.now_ms, text);
  });
  call.reply.verbatim(text);
}

void client_info(Call& call, Args) {
  std::string text;
  describe(call.session, call.now_ms, text);
  call.reply.verbatim(text);
}

void client_no_evict(Call& call, Args args) {
  const bool on = is_word(args[2], "on");
  if (!on && !is_word(args[2], "off")) return call.reply.error(syntax_error);
  call.session.no_evict = on;
  call.reply.ok();
}

void client_help(Call& call, Args) { reply_help(call, "CLIENT", "client"); }

}  // namespace handle
}  // namespace turnstone::commands
