#pragma once
// The function that a command line names: a script, a built-in, or one of a shared library.
#include <string>

#include <tl/expected.hpp>

#include "crdt/merge/check.hpp"
#include "regions/settings/exit_code.hpp"
#include "regions/settings/subcommand.hpp"

namespace turnstone::merging {

// What ends the command before anything is tried.
struct Refusal {
  int code = regions::exit_code::usage;
  std::string text;
};
// Says it; returns the exit code.
int refuse(const Refusal& refusal);

struct Subject {
  std::string name;
  crdt::MakeMergeFunction make;  // has made one before
};
// By the word behind the verb, and --native.
tl::expected<Subject, Refusal> subject_of(const regions::Arguments& arguments);

}  // namespace turnstone::merging
