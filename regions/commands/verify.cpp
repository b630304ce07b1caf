// TS.VERIFY: what `turnstone verify` asks a leader. Every answer says what the leader has
// applied and what it takes as settled, by which the asker knows whether two answers may be
// compared (sync/divergence_audit.hpp).
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>

#include "regions/commands/handlers.hpp"
#include "regions/commands/help.hpp"
#include "regions/commands/leader_port.hpp"
#include "regions/commands/values.hpp"
#include "sync/bucket_rows.hpp"

namespace turnstone::commands {
namespace {

constexpr std::size_t rows_per_page = 1000;
constexpr std::size_t page_bytes = 256 * 1024;
// Cells digested for one command, about a millisecond; the asker comes again.
constexpr std::size_t cells_per_command = 2000;
constexpr std::string_view busy = "BUSY the bucket is being written to";

std::string hex(const Hash128& hash) { return fmt::format("{:016x}{:016x}", hash.high, hash.low); }

std::optional<std::uint64_t> from_hex(std::string_view digits) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number, 16);
  if (digits.size() != 16 || error != std::errc{} || end != digits.data() + digits.size())
    return std::nullopt;
  return number;
}

void head(Call& call, std::size_t more_elements) {
  call.reply.array(4 + more_elements);
  call.reply.bulk(call.replica.config().region);
  call.reply.bulk(to_string(call.replica.config().origin));
  call.reply.bulk(to_string(call.replica.full_vector()));
  VersionVector settled = call.replica.settled().vector();
  settled.join(call.replica.closings().retired());
  call.reply.bulk(to_string(settled));
}

// Nothing after an error reply.
std::optional<std::size_t> bucket_argument(Call& call, std::string_view word) {
  const auto number = integer_argument(call, word);
  if (!number) return std::nullopt;
  if (*number < 0 || static_cast<std::uint64_t>(*number) >= call.replica.keyspace().buckets()) {
    call.reply.error("ERR there is no such bucket");
    return std::nullopt;
  }
  return static_cast<std::size_t>(*number);
}

}  // namespace

namespace handle {

void ts_verify_digests(Call& call, Args args) {
  const auto first = bucket_argument(call, args[2]);
  if (!first) return;
  const auto count = integer_argument(call, args[3]);
  if (!count) return;
  if (*count < 1) return call.reply.error("ERR value is out of range, must be positive");
  const std::size_t buckets = call.replica.keyspace().buckets();
  const std::size_t end = *first + std::min<std::size_t>(static_cast<std::size_t>(*count), buckets - *first);
  // Digests as long as the cells last; a large bucket takes several calls.
  std::vector<std::optional<Hash128>> digests;
  std::size_t cells = cells_per_command;
  for (std::size_t bucket = *first; bucket < end; ++bucket) {
    if (!sync::is_quiet(call.replica, bucket)) {
      digests.emplace_back();
      continue;
    }
    const Hash128* digest = call.replica.divergence().digests().renew(bucket, cells);
    if (digest == nullptr) break;
    digests.emplace_back(*digest);
  }
  head(call, 2);
  call.reply.integer(static_cast<std::int64_t>(buckets));
  call.reply.array(digests.size());
  for (const auto& digest : digests) {
    if (digest) {
      call.reply.bulk(hex(*digest));
    } else {
      call.reply.null();
    }
  }
}

void ts_verify_rows(Call& call, Args args) {
  if (args.size() != 3 && args.size() != 6) return call.reply.error(syntax_error);
  const auto bucket = bucket_argument(call, args[2]);
  if (!bucket) return;
  std::optional<crdt::CellName> after;
  if (args.size() == 6) {
    const auto kind = crdt::kind_named(args[4]);
    if (!kind) return call.reply.error(syntax_error);
    after = crdt::CellName{std::string(args[3]), std::string(args[5]), *kind};
  }
  if (!sync::is_quiet(call.replica, *bucket)) return call.reply.error(busy);
  const crdt::Keyspace& keyspace = call.replica.keyspace();
  const sync::RowPage page = sync::rows_of(keyspace, *bucket, after, rows_per_page, page_bytes);
  head(call, 3);
  call.reply.integer(static_cast<std::int64_t>(keyspace.touched(*bucket)));
  call.reply.integer(page.more ? 1 : 0);
  call.reply.array(page.rows.size() * 4);
  for (const crdt::CellImage& row : page.rows) {
    call.reply.bulk(row.name.key);
    call.reply.bulk(crdt::name(row.name.kind));
    call.reply.bulk(row.name.field);
    call.reply.bulk(row.bytes);
  }
}

void ts_verify_repair(Call& call, Args args) {
  const auto bucket = bucket_argument(call, args[2]);
  if (!bucket) return;
  const auto touched = integer_argument(call, args[4]);
  if (!touched) return;
  const auto origin = from_hex(args[3]);
  const auto high = from_hex(args[5].substr(0, 16));
  const auto low = from_hex(args[5].substr(std::min<std::size_t>(16, args[5].size())));
  const Args words = args.subspan(6);
  if (!origin || !high || !low || words.size() % 4 != 0) return call.reply.error(syntax_error);
  sync::Repair repair{*bucket, Origin{*origin}, static_cast<sync::Lsn>(*touched), {*high, *low}, {}};
  for (std::size_t i = 0; i < words.size(); i += 4) {
    const auto kind = crdt::kind_named(words[i + 1]);
    if (!kind) return call.reply.error(syntax_error);
    repair.rows.push_back(
        {{std::string(words[i]), std::string(words[i + 2]), *kind}, std::string(words[i + 3])});
  }
  const auto replaced = sync::repair(call.replica, repair);
  if (!replaced) {
    const bool again = replaced.error().code == Errc::in_use;
    return call.reply.error((again ? "BUSY " : "ERR ") + replaced.error().message);
  }
  call.reply.integer(static_cast<std::int64_t>(call.leader.repaired(*bucket, *replaced)));
}

void ts_verify_help(Call& call, Args) { reply_help(call, "TS.VERIFY", "ts.verify"); }

}  // namespace handle
}  // namespace turnstone::commands
