// PING, HELLO and the other commands about the connection itself, but CLIENT.
#include "regions/commands/connection.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "regions/commands/authentication.hpp"
#include "regions/commands/handlers.hpp"
#include "regions/commands/leader_port.hpp"
#include "regions/commands/session.hpp"
#include "regions/commands/values.hpp"
#include "regions/commands/versions.hpp"

namespace turnstone::commands {
namespace {

struct HelloOptions {
  int protocol = 0;  // 0: as it is
  std::optional<std::string_view> user;
  std::string_view password;
  std::optional<std::string_view> name;
};

bool parse_protocol(Call& call, std::string_view text, HelloOptions& options) {
  const auto protocol = parse_integer(text);
  if (!protocol) {
    call.reply.error("ERR Protocol version is not an integer or out of range");
    return false;
  }
  if (*protocol != 2 && *protocol != 3) {
    call.reply.error("NOPROTO unsupported protocol version");
    return false;
  }
  options.protocol = static_cast<int>(*protocol);
  return true;
}

// Nothing after an error reply.
std::optional<HelloOptions> parse_hello(Call& call, Args args) {
  HelloOptions options;
  if (args.size() >= 2 && !parse_protocol(call, args[1], options)) return std::nullopt;
  for (std::size_t i = 2; i < args.size(); ++i) {
    const std::size_t more = args.size() - 1 - i;
    if (is_word(args[i], "auth") && more >= 2) {
      options.user = args[i + 1];
      options.password = args[i + 2];
      i += 2;
    } else if (is_word(args[i], "setname") && more >= 1) {
      if (!is_client_name(call, args[i + 1], "Client names")) return std::nullopt;
      options.name = args[++i];
    } else {
      call.reply.error(fmt::format("ERR Syntax error in HELLO option '{}'", args[i]));
      return std::nullopt;
    }
  }
  return options;
}

void reply_hello(Call& call) {
  resp::ReplyWriter& reply = call.reply;
  reply.map(8);
  reply.bulk("server");
  reply.bulk("redis");  // clients switch on it
  reply.bulk("version");
  reply.bulk(redis_version);
  reply.bulk("proto");
  reply.integer(call.session.protocol);
  reply.bulk("id");
  reply.integer(static_cast<std::int64_t>(call.session.id));
  reply.bulk("mode");
  reply.bulk("standalone");
  reply.bulk("role");
  reply.bulk("master");
  reply.bulk("modules");
  reply.array(0);
  reply.bulk("turnstone_version");
  reply.bulk(call.leader.server_info().version);
}

void set_protocol(Call& call, int protocol) {
  call.session.protocol = protocol;
  call.reply.set_protocol(protocol);
}

}  // namespace

bool is_client_name(Call& call, std::string_view text, std::string_view what) {
  if (text.size() > client_name_bytes_max) {
    call.reply.error(
        fmt::format("ERR {} cannot be longer than client_name_bytes_max ({})", what, client_name_bytes_max));
    return false;
  }
  const bool printable = std::all_of(text.begin(), text.end(), [](char c) { return c >= '!' && c <= '~'; });
  if (!printable) {
    call.reply.error(fmt::format("ERR {} cannot contain spaces, newlines or special characters.", what));
  }
  return printable;
}

namespace handle {

void ping(Call& call, Args args) {
  if (args.size() > 2) return call.reply.error("ERR wrong number of arguments for 'ping' command");
  if (args.size() == 2) return call.reply.bulk(args[1]);
  call.reply.simple("PONG");
}

void echo(Call& call, Args args) { call.reply.bulk(args[1]); }

void hello(Call& call, Args args) {
  const auto options = parse_hello(call, args);
  if (!options) return;
  if (options->user && !authenticate(call, *options->user, options->password)) return;
  if (must_authenticate(call)) {
    return call.reply.error(
        "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH "
        "<user> "
        "<pass> option can be used to authenticate the client and select the RESP protocol version at the "
        "same time");
  }
  if (options->name) call.session.name = *options->name;
  if (options->protocol != 0) set_protocol(call, options->protocol);
  reply_hello(call);
}

void auth(Call& call, Args args) {
  if (args.size() > 3) return call.reply.error(syntax_error);
  if (args.size() == 2 && !call.leader.password()) {
    return call.reply.error(
        "ERR AUTH <password> called without any password configured for the default user. Are you sure your "
        "configuration is correct?");
  }
  const std::string_view user = args.size() == 3 ? args[1] : "default";
  if (authenticate(call, user, args.back())) call.reply.ok();
}

void select(Call& call, Args args) {
  const auto index = integer_argument(call, args[1]);
  if (!index) return;
  if (*index != 0) return call.reply.error("ERR DB index is out of range");
  call.reply.ok();
}

void quit(Call& call, Args) {
  call.session.closing = true;
  call.reply.ok();
}

void reset(Call& call, Args) {
  end_transaction(call);
  set_protocol(call, 2);
  call.session.authenticated = !call.leader.password().has_value();
  call.session.name.clear();
  call.session.no_evict = false;
  call.reply.simple("RESET");
}

}  // namespace handle
}  // namespace turnstone::commands
