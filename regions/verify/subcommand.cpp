#include "regions/verify/subcommand.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>

#include "regions/settings/load.hpp"
#include "regions/settings/log_line.hpp"
#include "regions/verify/comparison.hpp"
#include "regions/verify/mend.hpp"
#include "regions/verify/report.hpp"

namespace turnstone::verify {
namespace {

using regions::Arguments;
using regions::Flag;

// Beside those of exit_code.hpp: what scripts ask for.
constexpr int equal = 0;
constexpr int differing = 1;
constexpr int unknown = 2;

constexpr std::chrono::seconds wait_default{10};
constexpr std::chrono::seconds store_within{60};
constexpr std::string_view kept_default = "turnstone-verify-replaced.jsonl";

struct Wish {
  std::vector<LeaderView> leaders;
  std::optional<std::size_t> from;  // the leader whose rows are right
  bool repair = false;
  bool json = false;
  Patience patience{wait_default};
  Keeper keeper{std::string(kept_default)};
};

struct Tally {
  Compared compared;
  std::size_t rows = 0;
  std::vector<std::size_t> unsettled;  // differing buckets that are not mended
  std::vector<Mended> mended;
};

Result<Wish> read_wish(const Arguments& arguments) {
  Wish wish;
  std::string password;
  if (arguments.has("--password-file")) {
    auto read = regions::read_password(arguments.text("--password-file"));
    if (!read) return tl::make_unexpected(read.error());
    password = *std::move(read);
  }
  for (const std::string& at : arguments.all("--at")) {
    auto leader = LeaderView::connect(at, password);
    if (!leader) return tl::make_unexpected(leader.error());
    for (const LeaderView& other : wish.leaders) {
      if (other.region() == leader->region())
        return fail(Errc::config,
                    fmt::format("{} and {} are both region {}", other.at(), at, other.region()));
    }
    if (arguments.text("--from") == leader->region()) wish.from = wish.leaders.size();
    wish.leaders.push_back(*std::move(leader));
  }
  if (arguments.has("--from") && !wish.from)
    return fail(Errc::config, fmt::format("no --at is of region {}", arguments.text("--from")));
  wish.repair = arguments.has("--repair");
  wish.json = arguments.has("--json");
  if (arguments.has("--wait")) {
    const std::string text = arguments.text("--wait");
    unsigned seconds = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (error != std::errc{} || end != text.data() + text.size() || seconds > 86'400)
      return fail(Errc::config, "--wait needs a number of seconds, a day at most");
    wish.patience = Patience(std::chrono::seconds(seconds));
  }
  if (arguments.has("--keep")) wish.keeper = Keeper(arguments.text("--keep"));
  return wish;
}

Result<void> show(Wish& wish, std::size_t number, const std::vector<Bucket>& buckets, Tally& tally,
                  std::vector<RowReport>& table) {
  for (const crdt::CellName& name : differing_rows(buckets)) {
    ++tally.rows;
    RowReport row{number, name, {}};
    for (std::size_t i = 0; i < buckets.size(); ++i) {
      const auto there = buckets[i].rows.find(name);
      row.holders.emplace_back(wish.leaders[i].region(),
                               there == buckets[i].rows.end() ? std::string() : there->second);
    }
    if (wish.json) print_json(row);
    if (!wish.json) table.push_back(std::move(row));
  }
  return {};
}

Result<void> mend_bucket(Wish& wish, std::size_t number, const std::vector<Bucket>& buckets, Tally& tally) {
  auto source = wish.from;
  if (!source) {
    const auto most = majority(buckets, wish.leaders.front().regions());
    if (!most) return tl::make_unexpected(most.error());
    source = *most;
  }
  if (!source) {
    return fail(Errc::config,
                fmt::format("bucket {}: no more than half of the {} regions hold the same rows; "
                            "say whose are right with --from REGION",
                            number, wish.leaders.front().regions()));
  }
  auto mended = mend(wish.leaders, number, *source, wish.keeper, wish.patience.anew());
  if (!mended) return tl::make_unexpected(mended.error());
  tally.mended.insert(tally.mended.end(), mended->begin(), mended->end());
  return {};
}

void print_summary(const Wish& wish, const Tally& tally) {
  const std::size_t compared = tally.compared.buckets - tally.compared.not_compared.size();
  if (wish.json) {
    const std::vector<regions::log::Field> fields{
        {"buckets_compared", compared},
        {"buckets_not_compared", tally.compared.not_compared.size()},
        {"buckets_differing", tally.compared.differing.size()},
        {"rows_differing", tally.rows},
        {"rows_replaced", wish.keeper.kept()},
        {"buckets_still_differing", tally.unsettled.size()}};
    fmt::print("{}\n", regions::log::json_object(fields));
    return;
  }
  std::string regions;
  for (const LeaderView& leader : wish.leaders) regions += (regions.empty() ? "" : ", ") + leader.region();
  fmt::print("{}: {} buckets compared, {} differ, in {} rows\n", regions, compared,
             tally.compared.differing.size(), tally.rows);
  if (!tally.compared.not_compared.empty())
    fmt::print(
        "{} buckets could not be compared: they are written to all the time, or not all of their "
        "writes have arrived everywhere\n",
        tally.compared.not_compared.size());
  if (wish.keeper.kept() > 0)
    fmt::print("{} rows were replaced, and are kept in {}\n", wish.keeper.kept(), wish.keeper.path());
}

Result<Tally> verify(Wish& wish) {
  auto compared = compare(wish.leaders, wish.patience);
  if (!compared) return tl::make_unexpected(compared.error());
  Tally tally{*std::move(compared), 0, {}, {}};
  std::vector<RowReport> table;
  std::vector<std::string> complaints;
  for (const std::size_t number : tally.compared.differing) {
    const auto buckets = read_bucket(wish.leaders, number, wish.patience.anew());
    if (!buckets) return tl::make_unexpected(buckets.error());
    if (!*buckets) {
      tally.unsettled.push_back(number);
      complaints.push_back(fmt::format("bucket {} differs, and is written to all the time", number));
      continue;
    }
    if (auto shown = show(wish, number, **buckets, tally, table); !shown)
      return tl::make_unexpected(shown.error());
    Result<void> done = fail(Errc::config, "");
    if (wish.repair) {
      done = mend_bucket(wish, number, **buckets, tally);
      if (!done) complaints.push_back(done.error().message);
    }
    if (!done) tally.unsettled.push_back(number);
  }
  if (!table.empty()) print_table(table);
  for (const std::string& text : complaints) complain(verify_command, text);
  if (auto stored = wait_until_stored(wish.leaders, tally.mended, Patience(store_within)); !stored)
    return tl::make_unexpected(stored.error());
  return tally;
}

int run_verify(const Arguments& arguments) {
  if (arguments.all("--at").size() < 2)
    return refuse_usage(verify_command, "two leaders or more are needed: --at HOST:PORT");
  for (const std::string_view flag : {"--from", "--keep"}) {
    if (arguments.has(flag) && !arguments.has("--repair"))
      return refuse_usage(verify_command, fmt::format("{} goes with --repair", flag));
  }
  auto wish = read_wish(arguments);
  if (!wish) {
    if (wish.error().code == Errc::config) return refuse_usage(verify_command, wish.error().message);
    complain(verify_command, wish.error().message);
    return unknown;
  }
  const auto tally = verify(*wish);
  if (!tally) {
    complain(verify_command, tally.error().message);
    return unknown;
  }
  print_summary(*wish, *tally);
  if (!tally->unsettled.empty()) return differing;
  return tally->compared.not_compared.empty() ? equal : unknown;
}

constexpr Flag flags[] = {
    {"--at", "HOST:PORT", "the address for Redis clients of a leader; once for each", true},
    {"--wait", "SECONDS", "how long to wait for data that is being written to [10]"},
    {"--repair", "", "replace rows that differ from what more than half of the regions hold"},
    {"--from", "REGION", "with --repair: the rows of this region are right"},
    {"--keep", "FILE", "with --repair: append the replaced rows [turnstone-verify-replaced.jsonl]"},
    {"--password-file", "FILE", "holds the password of the leaders"},
    {"--json", "", "print JSON: a line for each differing row, and one for the result"},
};

}  // namespace

constexpr regions::Subcommand verify_command{
    "verify",
    "compare the data of leaders while they serve, and repair it",
    "--at HOST:PORT --at HOST:PORT ... [--wait SECONDS] [--json]\n"
    "--at HOST:PORT ... --repair [--from REGION] [--keep FILE]",
    "Compares all data of the leaders by digests, also under load, and shows the rows that\n"
    "differ though the leaders have applied the same writes. Leaders do the same among\n"
    "themselves all the time and raise the alarm \"divergence\".",
    flags,
    "Exit status:\n"
    "  0 all is equal, or was made equal; 1 there are differences; 2 not everything could be\n"
    "  compared, or a leader could not be asked; 64 the command line cannot be understood",
    0,
    run_verify};

}  // namespace turnstone::verify
