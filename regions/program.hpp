#pragma once
// The program turnstone, for its main() and for those that embed it.

namespace turnstone::regions {

// What `turnstone` does with these arguments, from start to stop. Returns the exit code.
int run_program(int argc, char** argv);

}  // namespace turnstone::regions
