#include "regions/program.hpp"

int main(int argc, char** argv) { return turnstone::regions::run_program(argc, argv); }
