#include "regions/audit/cli/subcommand.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <set>
#include <thread>

#include "regions/audit/cli/revert.hpp"
#include "regions/audit/cli/story.hpp"
#include "regions/audit/cli/text.hpp"
#include "regions/audit/scenario.hpp"
#include "regions/settings/exit_code.hpp"
#include "regions/settings/load.hpp"

namespace turnstone::audit {
namespace {

using regions::Arguments;
using regions::Flag;
namespace exit_code = regions::exit_code;

constexpr int none_found = 1;
constexpr std::size_t limit_default = 50;
constexpr std::chrono::milliseconds look_again{500};
// So many lines of a table are held back to make its columns.
constexpr std::size_t table_lines = 1000;

struct Wish {
  Sources sources;
  Question question;
  Terminal terminal;
  std::size_t limit = limit_default;
  bool json = false;
  bool csv = false;
  std::string where;  // of the sources, as flags
  std::vector<std::string> words;
};

int code_of(const Error& error) {
  switch (error.code) {
    case Errc::corrupt:
    case Errc::malformed:
    case Errc::unsupported_version:
      return exit_code::data;
    case Errc::io:
      return exit_code::unavailable;
    default:
      return exit_code::usage;
  }
}

int refuse(const Error& error) {
  regions::complain(audit_command, error.message);
  return code_of(error);
}

Result<std::uint64_t> time_in(const Arguments& arguments, const char* flag, std::uint64_t now_ms) {
  const auto time = parse_time(arguments.text(flag), now_ms);
  if (time) return *time;
  return fail(Errc::config,
              fmt::format("{} needs a time: 2h, 30m, 7d, 2026-11-22 or 2026-11-22T03:04:05Z", flag));
}

Result<void> open_sources(const Arguments& arguments, Wish& wish) {
  std::string password;
  if (arguments.has("--password-file")) {
    auto read = regions::read_password(arguments.text("--password-file"));
    if (!read) return tl::make_unexpected(read.error());
    password = *std::move(read);
  }
  const auto add = [&](Result<std::unique_ptr<Source>> source) -> Result<void> {
    if (!source) return tl::make_unexpected(source.error());
    wish.sources.push_back(*std::move(source));
    return {};
  };
  for (const std::string& at : arguments.all("--at")) {
    wish.where += (wish.where.empty() ? "--at " : " --at ") + at;
    if (auto added = add(connect(at, password)); !added) return added;
  }
  for (const std::string& data : arguments.all("--data")) {
    if (auto added = add(open_directory(data)); !added) return added;
  }
  if (wish.sources.empty()) return fail(Errc::config, "say where to look: --at HOST:PORT or --data DIR");
  if (wish.where.empty()) wish.where = "--at HOST:PORT";
  return {};
}

Result<void> read_question(const Arguments& arguments, Wish& wish) {
  Question& question = wish.question;
  question.key = arguments.text("--key");
  question.region = arguments.text("--region");
  question.rule = arguments.text("--rule");
  if (arguments.has("--type")) {
    question.type = parse_type(arguments.text("--type"));
    if (!question.type)
      return fail(Errc::config, fmt::format("there is no type \"{}\": concurrent_write, update_vs_delete, "
                                            "kind_conflict, overflow, gave_way, merge_failed",
                                            arguments.text("--type")));
  }
  if (arguments.has("--by-clock")) question.by_clock = true;
  if (arguments.has("--open") && arguments.has("--decided"))
    return fail(Errc::config, "--open and --decided exclude each other");
  if (arguments.has("--open") || arguments.has("--decided")) {
    if (arguments.has("--data"))
      return fail(Errc::config,
                  "whether a conflict is open only a leader knows: --open and --decided need --at");
    question.open = arguments.has("--open");
  }
  for (const auto& [flag, time] :
       {std::pair{"--since", &question.from_ms}, std::pair{"--until", &question.before_ms}}) {
    if (!arguments.has(flag)) continue;
    const auto read = time_in(arguments, flag, wish.terminal.now_ms);
    if (!read) return tl::make_unexpected(read.error());
    *time = *read;
  }
  question.oldest_first = arguments.has("--oldest");
  if (!arguments.has("--limit")) return {};
  const std::string text = arguments.text("--limit");
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), wish.limit);
  if (error != std::errc{} || end != text.data() + text.size() || wish.limit == 0)
    return fail(Errc::config, "--limit needs a number, 1 at least");
  return {};
}

// Of a whole id, or of its first digits.
Result<std::optional<Found>> find_by(const Wish& wish, const std::string& digits) {
  if (const auto id = parse_id(digits)) return find(wish.sources, *id);
  constexpr std::size_t digits_min = 6;
  if (digits.size() < digits_min || digits.find_first_not_of("0123456789abcdef") != std::string::npos)
    return fail(Errc::config, fmt::format("\"{}\" is no id: 32 hex digits, or the first {} of them at least",
                                          digits, digits_min));
  std::optional<Found> found;
  bool several = false;
  Question all;
  all.count = Question::count_max;
  auto read = each(wish.sources, all, [&](const Found& one) {
    if (!hex_id(one.entry.conflict.id).starts_with(digits)) return true;
    several = found.has_value();
    if (!several) found = one;
    return !several;
  });
  if (!read) return tl::make_unexpected(read.error());
  if (several) return fail(Errc::config, fmt::format("several ids begin with {}: give more of it", digits));
  return found;
}

void print(const Wish& wish, const Found& found) {
  fmt::print("{}\n", wish.csv ? csv_text(found) : json_text(found));
}

int list(Wish& wish, std::size_t limit) {
  if (wish.csv) fmt::print("{}\n", csv_head());
  std::vector<Found> lines;
  std::size_t shown = 0;
  bool more = false;
  wish.question.count = std::min(limit, Question::count_max - 1) + 1;
  const auto flush = [&] {
    if (!lines.empty()) fmt::print("{}", list_table(lines, wish.terminal));
    lines.clear();
  };
  auto read = each(wish.sources, wish.question, [&](const Found& found) {
    more = shown == limit;
    if (more) return false;
    ++shown;
    if (wish.csv || wish.json) {
      print(wish, found);
    } else {
      lines.push_back(found);
      if (lines.size() == table_lines) flush();
    }
    return true;
  });
  flush();
  if (!read) return refuse(read.error());
  if (more && !wish.csv && !wish.json)
    fmt::print(stderr, "There are more: --limit {} shows them, --since and --key narrow them down.\n",
               10 * limit);
  if (shown == 0 && !wish.csv && !wish.json) fmt::print(stderr, "No conflict on record fits.\n");
  return shown == 0 ? none_found : exit_code::ok;
}

int show(Wish& wish) {
  if (wish.words.size() != 2) return regions::refuse_usage(audit_command, "show needs an id");
  const auto found = find_by(wish, wish.words[1]);
  if (!found) return refuse(found.error());
  if (!*found) {
    regions::complain(audit_command, "no such conflict is on record there");
    return none_found;
  }
  fmt::print("{}", wish.json ? json_text(**found) + "\n" : details(**found, wish.terminal));
  return exit_code::ok;
}

int explain(Wish& wish) {
  if (wish.words.size() < 2)
    return regions::refuse_usage(audit_command, "explain needs a key, and may have a field");
  // The key itself, whatever is in it.
  wish.question.key.clear();
  for (const char c : wish.words[1]) {
    if (std::string_view("*?[]\\").find(c) != std::string_view::npos) wish.question.key += '\\';
    wish.question.key += c;
  }
  wish.question.oldest_first = true;
  wish.question.count = Question::count_max;
  std::size_t told = 0;
  auto read = each(wish.sources, wish.question, [&](const Found& found) {
    if (wish.words.size() == 3 && found.entry.conflict.field != wish.words[2]) return true;
    fmt::print("{}{}", told == 0 || wish.json ? "" : "\n",
               wish.json ? json_text(found) + "\n" : story(found, wish.terminal, wish.where));
    return ++told < wish.limit;
  });
  if (!read) return refuse(read.error());
  if (told == 0)
    fmt::print(stderr, "No conflict of that key is on record: each write had seen those before it.\n");
  return told == 0 ? none_found : exit_code::ok;
}

int stats(Wish& wish) {
  Tally tally;
  wish.question.count = Question::count_max;
  auto read = each(wish.sources, wish.question, [&](const Found& found) {
    tally.add(found.entry);
    return true;
  });
  if (!read) return refuse(read.error());
  fmt::print("{}", wish.json ? json_text(tally) + "\n" : tally_text(tally, wish.terminal));
  return exit_code::ok;
}

// New ones, as the sources find them, until it is interrupted, or --limit are shown.
int tail(Wish& wish, std::size_t limit) {
  std::set<Hash128> known;
  wish.question.found_from_ms = wish.question.from_ms.value_or(wish.terminal.now_ms);
  wish.question.from_ms.reset();
  wish.question.count = Question::count_max;
  if (wish.csv) fmt::print("{}\n", csv_head());
  for (std::size_t shown = 0; shown < limit;) {
    std::uint64_t newest = *wish.question.found_from_ms;
    auto read = each(wish.sources, wish.question, [&](const Found& found) {
      newest = std::max(newest, found.entry.found_ms);
      if (!known.insert(found.entry.conflict.id).second) return true;
      if (wish.csv || wish.json) {
        print(wish, found);
      } else {
        const std::string line = list_table({found}, wish.terminal);
        fmt::print("{}", shown == 0 ? line : line.substr(line.find('\n') + 1));
      }
      return ++shown < limit;
    });
    std::fflush(stdout);
    if (!read) return refuse(read.error());
    // Regions find the same at different times.
    constexpr std::uint64_t overlap_ms = 10'000;
    wish.question.found_from_ms =
        std::max(*wish.question.found_from_ms, newest - std::min(newest, overlap_ms));
    if (shown < limit) std::this_thread::sleep_for(look_again);
  }
  return exit_code::ok;
}

int export_scenario(Wish& wish, const std::string& id) {
  const auto found = find_by(wish, id);
  if (!found) return refuse(found.error());
  if (!*found) {
    regions::complain(audit_command, "no such conflict is on record there");
    return none_found;
  }
  const auto text = scenario_text((*found)->entry);
  if (!text) return refuse(text.error());
  fmt::print("{}", *text);
  return exit_code::ok;
}

std::string person_of(const Arguments& arguments) {
  if (arguments.has("--by")) return arguments.text("--by");
  const regions::Environment environment = regions::process_environment();
  for (const char* variable : {"USER", "LOGNAME"}) {
    if (const auto name = environment.find(variable); name != environment.end() && !name->second.empty())
      return name->second;
  }
  return "unknown";
}

// One conflict, or all open ones that fit: these are counted and shown first, and written with --yes.
int revert(Wish& wish, const Arguments& arguments) {
  const std::string to = arguments.text("--to");
  if (to != "first" && to != "second" && to != "lost" && !to.starts_with(':'))
    return regions::refuse_usage(
        audit_command, "revert needs --to first, second, lost, or a value with a colon before it (:11)");
  std::vector<Found> chosen;
  if (wish.words.size() == 2) {
    auto found = find_by(wish, wish.words[1]);
    if (!found) return refuse(found.error());
    if (*found) chosen.push_back(**std::move(found));
  } else {
    wish.question.count = Question::count_max;
    wish.question.open = true;
    auto read = each(wish.sources, wish.question, [&](const Found& found) {
      chosen.push_back(found);
      return !arguments.has("--limit") || chosen.size() < wish.limit;
    });
    if (!read) return refuse(read.error());
  }
  if (chosen.empty()) {
    regions::complain(audit_command, "no such conflict is on record there, or none is open");
    return none_found;
  }
  const bool writes = wish.words.size() == 2 ? !arguments.has("--dry-run") : arguments.has("--yes");
  std::size_t done = 0;
  for (const Found& found : chosen) {
    const std::string id = hex_id(found.entry.conflict.id);
    const auto words = revert_words(found, to, person_of(arguments));
    if (!words) {
      fmt::print(stderr, "{} stays: {}\n", id, words.error().message);
      continue;
    }
    if (writes) {
      // Any leader that has both sides will do.
      if (auto written = wish.sources.front()->resolve(*words); !written) return refuse(written.error());
    }
    fmt::print("{}{}  ({})\n", writes ? "" : "would write ", revert_text(*words), id);
    ++done;
  }
  fmt::print("{} of {} conflicts {}\n", done, chosen.size(), writes ? "reverted" : "would be reverted");
  if (!writes && wish.words.size() == 1) fmt::print("Nothing was written: --yes writes it.\n");
  return done == chosen.size() ? exit_code::ok : none_found;
}

int run_audit(const Arguments& arguments) {
  const auto usage = [](std::string_view sentence) { return regions::refuse_usage(audit_command, sentence); };
  Wish wish;
  wish.words = arguments.words();
  if (wish.words.empty()) return usage("say what to do: list, show, explain, stats, tail, revert or export");
  const std::string verb = wish.words[0];
  const std::size_t words_max = verb == "explain" ? 3 : verb == "show" || verb == "revert" ? 2 : 1;
  if (wish.words.size() > words_max)
    return usage(fmt::format("unknown argument \"{}\"", wish.words[words_max]));
  wish.terminal = terminal(arguments.has("--no-color"));
  wish.json = arguments.has("--json");
  wish.csv = arguments.has("--csv");
  if (wish.json && wish.csv) return usage("--json and --csv exclude each other");
  for (const std::string_view flag : {"--to", "--by", "--yes", "--dry-run"}) {
    if (arguments.has(flag) && verb != "revert") return usage(fmt::format("{} goes with revert", flag));
  }
  if (arguments.has("--scenario") && verb != "export") return usage("--scenario goes with export");
  if (auto read = read_question(arguments, wish); !read) return usage(read.error().message);
  if (auto opened = open_sources(arguments, wish); !opened) {
    return opened.error().code == Errc::config ? usage(opened.error().message) : refuse(opened.error());
  }
  if (verb == "list") return list(wish, wish.limit);
  if (verb == "show") return show(wish);
  if (verb == "explain") return explain(wish);
  if (verb == "stats") return stats(wish);
  const std::size_t all = arguments.has("--limit") ? wish.limit : SIZE_MAX;
  if (verb == "tail") return tail(wish, all);
  if (verb == "revert") return revert(wish, arguments);
  if (verb != "export") return usage(fmt::format("there is no \"audit {}\"", verb));
  if (arguments.has("--scenario")) return export_scenario(wish, arguments.text("--scenario"));
  wish.json = !wish.csv;
  return list(wish, all);
}

constexpr Flag flags[] = {
    {"--at", "HOST:PORT", "a leader, by its address for Redis clients; each conflict is shown once", true},
    {"--data", "DIR", "a data directory, of a leader that runs or not; it is only read", true},
    {"--password-file", "FILE", "holds the password of the leaders"},
    {"--key", "PATTERN", "keys like this: user:*, price, cart:??"},
    {"--region", "NAME", "one of the two was written there"},
    {"--type", "NAME", "concurrent_write, update_vs_delete, kind_conflict, overflow, gave_way, merge_failed"},
    {"--rule", "PATTERN", "decided by this rule: lww, union"},
    {"--by-clock", "", "nothing but the clocks decided"},
    {"--open", "", "no write has seen both values yet"},
    {"--decided", "", "the others"},
    {"--since", "TIME", "written then or later: 2h, 30m, 7d, 2026-11-22, 2026-11-22T03:04:05Z"},
    {"--until", "TIME", "written before"},
    {"--oldest", "", "the oldest first"},
    {"--limit", "N", "so many at most [list, explain: 50; tail, export: all]"},
    {"--to", "WHAT", "with revert: first, second, lost (the one that is not shown), or :VALUE"},
    {"--by", "NAME", "with revert: who wants it, for every region's record [USER]"},
    {"--yes", "", "with revert of many: write it, and do not only count"},
    {"--dry-run", "", "with revert of one: write nothing"},
    {"--scenario", "ID", "with export: one conflict, for the simulator to replay"},
    {"--json", "", "a JSON object on each line"},
    {"--csv", "", "comma-separated values, with a head"},
    {"--no-color", "", "no colours; NO_COLOR in the environment does the same"},
};

}  // namespace

constexpr regions::Subcommand audit_command{
    "audit",
    "the record of conflicts: list, show, explain, count, follow, revert, export",
    "list --at HOST:PORT ... | --data DIR [--key PATTERN] [--since TIME] [...]\n"
    "show ID --at HOST:PORT ...\n"
    "explain KEY [FIELD] --at HOST:PORT ...\n"
    "stats --at HOST:PORT ...\n"
    "tail --at HOST:PORT ...\n"
    "revert ID --to first|second|lost|:VALUE --at HOST:PORT [--by NAME] [--dry-run]\n"
    "revert --key PATTERN --to first|second|lost --at HOST:PORT [--yes]\n"
    "export --at HOST:PORT ... [--csv | --scenario ID]",
    "Shows the writes that were made without knowing of each other: who wrote what, what each\n"
    "had seen, which rule chose, and what was lost. With several leaders each conflict is shown\n"
    "once: it has the same id everywhere.",
    flags,
    "Examples:\n"
    "  What went wrong today?\n"
    "    turnstone audit list --at 127.0.0.1:7001 --since 24h\n"
    "  Where did a value go that somebody wrote?\n"
    "    turnstone audit explain price --at 127.0.0.1:7001 --at 127.0.0.1:7002\n"
    "  What did the clocks alone decide, under carts, between paris and the others?\n"
    "    turnstone audit list --at 127.0.0.1:7001 --by-clock --key 'cart:*' --region paris\n"
    "  Which keys are fought over, and where?\n"
    "    turnstone audit stats --at 127.0.0.1:7001 --since 7d\n"
    "  Put back what was lost, and change one's mind:\n"
    "    turnstone audit revert 383c698cf306 --to lost --at 127.0.0.1:7001\n"
    "    turnstone audit revert 383c698cf306 --to first --at 127.0.0.1:7001\n"
    "  The same for many: what would be written, then write it:\n"
    "    turnstone audit revert --key 'price:*' --since 2h --to lost --at 127.0.0.1:7001\n"
    "    turnstone audit revert --key 'price:*' --since 2h --to lost --at 127.0.0.1:7001 --yes\n"
    "  A leader does not start any more:\n"
    "    turnstone audit list --data /var/lib/turnstone\n"
    "  For a spreadsheet, and for jq:\n"
    "    turnstone audit export --csv --at 127.0.0.1:7001 > conflicts.csv\n"
    "    turnstone audit list --json --at 127.0.0.1:7001 | jq -r .key | sort | uniq -c\n"
    "\n"
    "Exit status:\n"
    "  0 some were found; 1 none was; 64 the command line cannot be understood, or a leader\n"
    "  refuses; 65 a record is damaged; 69 a leader or directory cannot be reached",
    3,
    run_audit};

}  // namespace turnstone::audit
