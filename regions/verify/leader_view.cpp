#include "regions/verify/leader_view.hpp"

#include <fmt/format.h>

#include <charconv>
#include <utility>

#include "regions/settings/endpoint.hpp"

namespace turnstone::verify {
namespace {

using client::Reply;

constexpr std::size_t moment_items = 4;

std::optional<std::uint64_t> number_in(std::string_view digits, int base) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number, base);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return number;
}

// "{origin:seq, origin:seq}"
std::optional<VersionVector> read_vector(std::string_view text) {
  if (text.size() < 2 || text.front() != '{' || text.back() != '}') return std::nullopt;
  text = text.substr(1, text.size() - 2);
  VersionVector vector;
  while (!text.empty()) {
    const std::string_view entry = text.substr(0, text.find(", "));
    text.remove_prefix(std::min(text.size(), entry.size() + 2));
    const std::size_t colon = entry.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    const auto origin = number_in(entry.substr(0, colon), 16);
    const auto seq = number_in(entry.substr(colon + 1), 10);
    if (!origin || !seq) return std::nullopt;
    vector.set(Origin{*origin}, *seq);
  }
  return vector;
}

std::optional<Moment> read_moment(const Reply& reply) {
  auto applied = read_vector(reply.items[2].text);
  auto settled = read_vector(reply.items[3].text);
  if (!applied || !settled) return std::nullopt;
  return Moment{reply.items[0].text, reply.items[1].text, *std::move(applied), *std::move(settled)};
}

std::optional<Hash128> read_digest(std::string_view hex) {
  if (hex.size() != 32) return std::nullopt;
  const auto high = number_in(hex.substr(0, 16), 16);
  const auto low = number_in(hex.substr(16), 16);
  if (!high || !low) return std::nullopt;
  return Hash128{*high, *low};
}

// False when the reply is not what it should be.
bool read_rows(const Reply& list, Rows& rows, crdt::CellName& last) {
  if (list.items.size() % 4 != 0) return false;
  for (std::size_t i = 0; i < list.items.size(); i += 4) {
    const auto kind = crdt::kind_named(list.items[i + 1].text);
    if (!kind) return false;
    last = {list.items[i].text, list.items[i + 2].text, *kind};
    rows[last] = list.items[i + 3].text;
  }
  return true;
}

}  // namespace

bool comparable(const Moment& a, const Moment& b) {
  return a.applied.covers(b.settled) && b.applied.covers(a.settled);
}

Result<Hash128> digest_of(const Rows& rows) {
  Hash128 sum;
  for (const auto& [name, bytes] : rows) {
    const auto cell = crdt::decode_image({name, bytes});
    if (!cell) return tl::make_unexpected(cell.error());
    sum += crdt::digest_of(name.key, name.kind, name.field, *cell);
  }
  return sum;
}

Result<LeaderView> LeaderView::connect(const std::string& at, const std::string& password) {
  const auto endpoint = regions::parse_connect(at);
  if (!endpoint) return tl::make_unexpected(endpoint.error());
  auto client = client::RespClient::connect(endpoint->host, endpoint->port, password);
  if (!client) return tl::make_unexpected(client.error());
  LeaderView view(at, std::move(*client));
  const auto regions = view.ask({"TS.REGIONS"}, 1);
  if (!regions) return tl::make_unexpected(regions.error());
  view.regions_ = regions->items.size();
  const auto first = view.digests(0, 1);
  if (!first) return tl::make_unexpected(first.error());
  view.region_ = first->moment.region;
  return view;
}

Result<Reply> LeaderView::ask(const std::vector<std::string>& words, std::size_t items) {
  auto reply = client_.call(words);
  if (!reply) return reply;
  if (reply->type == Reply::Type::error) {
    const bool busy = reply->text.starts_with("BUSY");
    return fail(busy ? Errc::in_use : Errc::config, fmt::format("{} answers: {}", at_, reply->text));
  }
  if (items > 0 && (reply->type != Reply::Type::list || reply->items.size() < items))
    return fail(Errc::malformed, fmt::format("{} answers {} in a way unknown here", at_, words[0]));
  return reply;
}

Result<Digests> LeaderView::digests(std::size_t first, std::size_t count) {
  const auto reply =
      ask({"TS.VERIFY", "DIGESTS", std::to_string(first), std::to_string(count)}, moment_items + 2);
  if (!reply) return tl::make_unexpected(reply.error());
  auto moment = read_moment(*reply);
  if (!moment) return fail(Errc::malformed, at_ + " sends a vector that cannot be read");
  Digests answer{*std::move(moment), static_cast<std::size_t>(reply->items[4].number), {}};
  for (const Reply& item : reply->items[5].items) {
    answer.digests.push_back(item.type == Reply::Type::nothing ? std::nullopt : read_digest(item.text));
  }
  return answer;
}

Result<Bucket> LeaderView::bucket(std::size_t bucket) {
  Bucket all;
  std::vector<std::string> words{"TS.VERIFY", "ROWS", std::to_string(bucket)};
  for (bool more = true; more;) {
    const auto reply = ask(words, moment_items + 3);
    if (!reply) return tl::make_unexpected(reply.error());
    auto moment = read_moment(*reply);
    crdt::CellName last;
    if (!moment || !read_rows(reply->items[6], all.rows, last))
      return fail(Errc::malformed, at_ + " sends rows that cannot be read");
    const std::int64_t touched = reply->items[4].number;
    if (words.size() > 3 && (touched != all.touched || moment->origin != all.moment.origin))
      return fail(Errc::in_use, fmt::format("bucket {} at {} changed while it was read", bucket, at_));
    all.moment = *std::move(moment);
    all.touched = touched;
    more = reply->items[5].number != 0;
    words.resize(3);
    words.insert(words.end(), {last.key, std::string(crdt::name(last.kind)), last.field});
  }
  return all;
}

Result<std::int64_t> LeaderView::repair(std::size_t bucket, const Bucket& read, const Hash128& digest,
                                        const Rows& rows) {
  std::vector<std::string> words{"TS.VERIFY",
                                 "REPAIR",
                                 std::to_string(bucket),
                                 read.moment.origin,
                                 std::to_string(read.touched),
                                 fmt::format("{:016x}{:016x}", digest.high, digest.low)};
  for (const auto& [name, bytes] : rows) {
    words.insert(words.end(), {name.key, std::string(crdt::name(name.kind)), name.field, bytes});
  }
  const auto reply = ask(words, 0);
  if (!reply) return tl::make_unexpected(reply.error());
  return reply->number;
}

Result<std::int64_t> LeaderView::checkpoints_stored() {
  const auto reply = ask({"INFO", "persistence"}, 0);
  if (!reply) return tl::make_unexpected(reply.error());
  constexpr std::string_view name = "checkpoints_stored:";
  const std::size_t at = reply->text.find(name);
  if (at == std::string::npos) return fail(Errc::malformed, at_ + " does not tell its checkpoints");
  const std::string_view rest = std::string_view(reply->text).substr(at + name.size());
  const auto number = number_in(rest.substr(0, rest.find('\r')), 10);
  if (!number) return fail(Errc::malformed, at_ + " does not tell its checkpoints");
  return static_cast<std::int64_t>(*number);
}

}  // namespace turnstone::verify
