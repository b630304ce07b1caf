// A leader with a merge function of its own: `longest-name`, version 1, beside everything that
// turnstone itself can do. Its arguments are those of turnstone.
#include <algorithm>

#include "crdt/merge/native.hpp"
#include "regions/program.hpp"

using turnstone::crdt::Siblings;

int main(int argc, char** argv) {
  (void)turnstone::crdt::add_native("longest-name", "1", [](const Siblings& siblings) {
    return std::string(
        std::ranges::max(siblings.all, {}, [](const auto& each) { return each.value.size(); }).value);
  });
  return turnstone::regions::run_program(argc, argv);
}
