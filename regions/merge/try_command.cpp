#include "regions/merge/try_command.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <utility>

#include "core/glob.hpp"
#include "crdt/merge/builtin.hpp"
#include "crdt/merge/document.hpp"
#include "crdt/merge/lua_function.hpp"
#include "crdt/merge/rule.hpp"
#include "regions/client/question.hpp"
#include "regions/merge/subcommand.hpp"
#include "regions/merge/subject.hpp"

namespace turnstone::merging {
namespace {

using client::Reply;
using client::Row;
using regions::Arguments;
using Shown = Result<std::string>;
namespace exit_code = regions::exit_code;

constexpr int some_change = 1;
constexpr std::string_view count_default = "1000";

// Two values that were written without knowing of each other, the older one first.
struct Recorded {
  std::string key;
  std::array<Row, 2> sides;
};

// Those of values: deletes, increments and set members are not merged.
std::vector<Recorded> conflicts_of(const Reply& list, const std::string& pattern) {
  std::vector<Recorded> found;
  for (const Reply& item : list.items) {
    const Row row = client::read_row(item);
    if (row.at("type") != "concurrent_write" || !glob_match(pattern, row.at("key"))) continue;
    Recorded recorded{row.at("key"), {}};
    for (std::size_t i = 0; i + 1 < item.items.size(); i += 2) {
      if (item.items[i].text != "values" || item.items[i + 1].items.size() != 2) continue;
      recorded.sides = {client::read_row(item.items[i + 1].items[0]),
                        client::read_row(item.items[i + 1].items[1])};
    }
    const auto is_value = [](const Row& side) {
      return !side.empty() && side.at("operation") == "write" && side.at("kind") != "set";
    };
    if (!std::ranges::all_of(recorded.sides, is_value)) continue;
    if (recorded.sides[0].at("value") == recorded.sides[1].at("value")) continue;
    if (row.at("winner") == "first") std::swap(recorded.sides[0], recorded.sides[1]);
    found.push_back(std::move(recorded));
  }
  return found;
}

Shown merge(const crdt::MergeFunction& function, const Recorded& recorded) {
  crdt::Siblings siblings;
  for (const Row& side : recorded.sides) {
    std::uint64_t ms = 0;
    std::uint64_t origin = 0;
    const std::string& at = side.at("hlc_ms");
    const std::string& hex = side.at("origin");
    std::from_chars(at.data(), at.data() + at.size(), ms);
    std::from_chars(hex.data(), hex.data() + hex.size(), origin, 16);
    siblings.all.push_back({side.at("value"), hlc_from_ms(ms), {{Origin{origin}, 1}, 0}});
  }
  return function.merge(siblings);
}

// The functions that are in force, as the leader has them. Complains when it cannot be asked.
class InForce {
 public:
  explicit InForce(const Arguments& arguments) : arguments_(arguments) {}

  // What readers see; the latest value where a function is not to be had here.
  Result<Shown> shown(const Recorded& recorded) {
    const client::Answer which = client::ask(merge_command, arguments_, {"TS.POLICY", "WHICH", recorded.key});
    if (which.status != exit_code::ok) return fail(Errc::io, "");
    const std::string rule = client::read_row(which.reply).at("rule");
    if (!functions_.contains(rule)) functions_[rule] = make(rule);
    const auto& function = functions_[rule];
    Shown value = recorded.sides[1].at("value");
    if (function == nullptr) return value;
    if (Shown merged = merge(*function, recorded)) value = std::move(merged);
    return value;
  }

 private:
  std::unique_ptr<crdt::MergeFunction> make(const std::string& rule) {
    Result<std::unique_ptr<crdt::MergeFunction>> made = crdt::make_builtin(rule);
    if (const auto version = crdt::lua_version(rule)) {
      const client::Answer script = client::ask(merge_command, arguments_, {"TS.MERGE", "SHOW", rule});
      if (script.status == exit_code::ok)
        made = crdt::compile_lua(version->name, client::read_row(script.reply).at("source"));
    }
    return made ? *std::move(made) : nullptr;
  }

  const Arguments& arguments_;
  std::map<std::string, std::unique_ptr<crdt::MergeFunction>> functions_;
};

std::string line_of(const std::string& value) {
  constexpr std::size_t bytes_max = 120;
  if (value.size() > bytes_max) return line_of(value.substr(0, bytes_max)) + "...";
  if (crdt::decode_json(value)) return value;
  if (auto quoted = crdt::encode_json({value})) return *quoted;
  return fmt::format("{} bytes that are no text", value.size());
}

std::string line_of(const Shown& shown) {
  return shown ? line_of(*shown) : "fails: " + shown.error().message;
}

}  // namespace

int run_try(const Arguments& arguments) {
  const auto subject = subject_of(arguments);
  if (!subject) return refuse(subject.error());
  if (!arguments.has("--at"))
    return refuse_usage(merge_command, "--at HOST:PORT is missing: the leader to ask");
  const std::string count = arguments.has("--count") ? arguments.text("--count") : std::string(count_default);
  const client::Answer answer = client::ask(merge_command, arguments, {"TS.CONFLICTS", "COUNT", count});
  if (answer.status != exit_code::ok) return answer.status;
  const auto function = *subject->make();
  InForce in_force(arguments);
  std::size_t changes = 0;
  std::size_t failures = 0;
  const auto all = conflicts_of(answer.reply, arguments.has("--key") ? arguments.text("--key") : "*");
  for (const Recorded& recorded : all) {
    const auto now = in_force.shown(recorded);
    if (!now) return exit_code::io;
    const Shown then = merge(*function, recorded);
    failures += then ? 0 : 1;
    if (then && **now == *then) continue;
    ++changes;
    fmt::print("{}\n", recorded.key);
    for (const Row& side : recorded.sides)
      fmt::print("  {:<12} {}\n", side.at("region"), line_of(side.at("value")));
    fmt::print("  now          {}\n  {:<12} {}\n\n", line_of(*now), subject->name, line_of(then));
  }
  fmt::print("{}: of {} conflicts on record {} would show another value, {} of them none\n", subject->name,
             all.size(), changes, failures);
  return changes > 0 ? some_change : exit_code::ok;
}

}  // namespace turnstone::merging
