#include "regions/backup/subcommands.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <vector>

#include "regions/backup/backup.hpp"
#include "regions/settings/exit_code.hpp"
#include "regions/settings/log_line.hpp"
#include "regions/settings/settings.hpp"

namespace turnstone::backup {
namespace {

using regions::Arguments;
using regions::Flag;
using regions::Subcommand;
using regions::log::Field;
namespace exit_code = regions::exit_code;

int exit_code_of(const Error& error) {
  switch (error.code) {
    case Errc::corrupt:
    case Errc::malformed:
    case Errc::unsupported_version:
    case Errc::wrong_cluster:
      return exit_code::data;
    case Errc::in_use:
      return exit_code::in_use;
    case Errc::config:
      return exit_code::usage;
    default:
      return exit_code::io;
  }
}

int refuse(const Subcommand& subcommand, const Error& error) {
  complain(subcommand, error.message);
  return exit_code_of(error);
}

// "a backup of region paris of cluster turnstone, taken 2025-11-21T10:11:12.345Z: ..."
void describe(const Manifest& manifest) {
  const Contents& contents = manifest.contents;
  fmt::print("  region {} of cluster {}, taken {} with turnstone {}\n", contents.region, contents.cluster,
             regions::log::time_text(static_cast<std::int64_t>(manifest.taken_ms)), manifest.release);
  fmt::print("  {} cells, as of batch {}; batches {} to {} of the log\n", contents.cells, contents.state_lsn,
             contents.first_lsn, contents.last_lsn);
  fmt::print("  every write up to {}\n", to_string(contents.vector));
}

// `more` stands before what is said of every backup.
void print_json(const Manifest& manifest, const std::string& file, std::vector<Field> fields) {
  const Contents& contents = manifest.contents;
  const std::string vector = to_string(contents.vector);
  std::error_code ignored;
  const std::vector<Field> about{{"file", file},
                                 {"bytes", std::filesystem::file_size(file, ignored)},
                                 {"cluster", contents.cluster},
                                 {"taken_from", contents.region},
                                 {"taken_ms", manifest.taken_ms},
                                 {"release", manifest.release},
                                 {"cells", contents.cells},
                                 {"state_lsn", contents.state_lsn},
                                 {"first_lsn", contents.first_lsn},
                                 {"last_lsn", contents.last_lsn},
                                 {"vector", vector}};
  fields.insert(fields.end(), about.begin(), about.end());
  fmt::print("{}\n", regions::log::json_object(fields));
}

int report(const Arguments& arguments, std::string_view done, const Manifest& manifest,
           const std::string& file) {
  if (arguments.has("--json")) {
    print_json(manifest, file, {{"done", done}});
  } else {
    fmt::print("{} {}\n", done == "taken" ? "took the backup" : "whole and unaltered:", file);
    describe(manifest);
  }
  return exit_code::ok;
}

int run_backup(const Arguments& arguments) {
  if (arguments.has("--check")) {
    if (arguments.has("--data") || arguments.has("--out"))
      return refuse_usage(backup_command, "--check stands alone, or with --json");
    const auto manifest = check(arguments.text("--check"));
    if (!manifest) return refuse(backup_command, manifest.error());
    return report(arguments, "checked", *manifest, arguments.text("--check"));
  }
  for (const std::string_view flag : {"--data", "--out"})
    if (arguments.text(flag).empty()) return refuse_usage(backup_command, fmt::format("{} is missing", flag));
  const auto manifest = take(arguments.text("--data"), arguments.text("--out"));
  if (!manifest) return refuse(backup_command, manifest.error());
  return report(arguments, "taken", *manifest, arguments.text("--out"));
}

int run_restore(const Arguments& arguments) {
  for (const std::string_view flag : {"--from", "--data", "--region"})
    if (arguments.text(flag).empty())
      return refuse_usage(restore_command, fmt::format("{} is missing", flag));
  const std::string file = arguments.text("--from");
  const std::string data = arguments.text("--data");
  const std::string region = arguments.text("--region");
  if (!regions::is_name(region))
    return refuse_usage(restore_command,
                        fmt::format("the region \"{}\" must be 1 to 32 characters of a-z, 0-9 "
                                    "and \"-\"",
                                    region));
  const auto restored =
      restore(file, data, region, arguments.has("--join") ? FirstWrite::once_caught_up : FirstWrite::at_once);
  if (!restored) return refuse(restore_command, restored.error());
  const std::string digest = fmt::format("{:016x}{:016x}", restored->digest.high, restored->digest.low);
  if (arguments.has("--json")) {
    print_json(restored->manifest, file,
               {{"done", "restored"}, {"data", data}, {"region", region}, {"digest", digest}});
    return exit_code::ok;
  }
  fmt::print("restored region {} into {} from {}\n", region, data, file);
  describe(restored->manifest);
  fmt::print("  digest {}\n", digest);
  fmt::print("Start it with: turnstone serve --region {} --data {} --cluster {} ...\n", region, data,
             restored->manifest.contents.cluster);
  fmt::print("It then takes from the other regions what was written since; what no region has is lost.\n");
  return exit_code::ok;
}

constexpr Flag backup_flags[] = {
    {"--data", "DIR", "the leader's data directory; the leader may be running"},
    {"--out", "FILE", "the backup to make; it may not be there yet"},
    {"--check", "FILE", "read all of a backup and tell whether it is whole and unaltered"},
    {"--json", "", "print one JSON object on one line"},
};

constexpr Flag restore_flags[] = {
    {"--from", "FILE", "the backup"},
    {"--data", "DIR", "the data directory to make; empty or new"},
    {"--region", "NAME", "the region that will be served from it: the one that was lost, or a new one"},
    {"--join", "",
     "the other regions run on: the leader takes writes once it has caught up with one of them"},
    {"--json", "", "print one JSON object on one line"},
};

}  // namespace

constexpr Subcommand backup_command{
    "backup",
    "copy a leader's data into one file, also while it runs",
    "--data DIR --out FILE [--json]\n--check FILE [--json]",
    "Copies the data of a leader as it is at one moment into one file. The leader goes on. The\n"
    "file holds what every region has anyway, and no key: keep it as you keep the data.",
    backup_flags,
    "Exit status:\n"
    "  0 done, and verified; 64 the command line cannot be understood, or FILE is there\n"
    "  already; 65 the data or the backup is damaged; 74 a read or write failed;\n"
    "  75 another backup is writing FILE",
    0,
    run_backup};

constexpr Subcommand restore_command{
    "restore",
    "make a data directory from a backup",
    "--from FILE --data DIR --region NAME [--join] [--json]",
    "Makes a data directory from a backup, after verifying all of it. A leader that is then\n"
    "started on it takes from the other regions what they have; they lose nothing by it. If they\n"
    "run on, use --join: what it writes before it has caught up they cannot take when the backup\n"
    "is older than their logs.",
    restore_flags,
    "Exit status:\n"
    "  0 done; 64 the command line cannot be understood, or DIR is not empty; 65 the backup is\n"
    "  damaged or of another release; 74 a read or write failed; 75 another process holds DIR",
    0,
    run_restore};

}  // namespace turnstone::backup
