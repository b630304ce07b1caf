#pragma once
// What turnstone can do beside serving: a Subcommand each, all of them in the table of
// regions/main.cpp. Its flags are only declared; reading, help and complaints are common.
#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"

namespace turnstone::regions {

struct Flag {
  std::string_view name;         // "--out"
  std::string_view placeholder;  // what the help shows for its value; empty for a switch
  std::string_view help;
  bool repeatable = false;  // may be given more than once
};

// What stood on the command line behind the subcommand's name.
class Arguments {
 public:
  Arguments(std::map<std::string, std::vector<std::string>, std::less<>> values,
            std::vector<std::string> words)
      : values_(std::move(values)), words_(std::move(words)) {}

  bool has(std::string_view flag) const { return values_.contains(flag); }
  // The value of a flag; empty when it was not given.
  std::string text(std::string_view flag) const;
  // The values of a repeatable flag, in order.
  std::vector<std::string> all(std::string_view flag) const;
  // What was not a flag, in order.
  const std::vector<std::string>& words() const { return words_; }

 private:
  std::map<std::string, std::vector<std::string>, std::less<>> values_;
  std::vector<std::string> words_;
};

struct Subcommand {
  std::string_view name;     // "backup"
  std::string_view summary;  // its line in turnstone --help
  std::string_view usage;    // what follows the name, a line for each form
  std::string_view text;     // what it does
  std::span<const Flag> flags;
  std::string_view epilogue;  // examples and exit statuses, whole lines; may be empty
  std::size_t words_max = 0;  // arguments that are no flags
  // Returns the exit code. What is wrong with the values is for it to say, with
  // complain(); exit_code::usage when the command line is at fault.
  int (*run)(const Arguments& arguments);
};

// Runs it with the arguments that follow its name; prints its help when asked to, and a
// sentence when they cannot be understood. Returns the exit code.
int run(const Subcommand& subcommand, const std::vector<std::string>& arguments);

// Errors: config, with what cannot be understood. `--help` is no flag here.
Result<Arguments> read_arguments(const Subcommand& subcommand, const std::vector<std::string>& arguments);
std::string help_text(const Subcommand& subcommand);

// "turnstone backup: SENTENCE" on stderr.
void complain(const Subcommand& subcommand, std::string_view sentence);
// The same, and where its help is; returns exit_code::usage.
int refuse_usage(const Subcommand& subcommand, std::string_view sentence);

}  // namespace turnstone::regions
