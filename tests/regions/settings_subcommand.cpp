#include "regions/settings/command_line.hpp"
#include "regions/settings/exit_code.hpp"
#include "regions/settings/log_line.hpp"
#include "regions/settings/subcommand.hpp"
#include "tests/catch.hpp"

namespace turnstone::regions {
namespace {

constexpr Flag flags[] = {{"--out", "FILE", "where to"},
                          {"--at", "HOST:PORT", "which leader; may be repeated", true},
                          {"--json", "", "for programs"}};
constexpr Subcommand copy{"copy",
                          "copies things",
                          "NAME --out FILE\nNAME --at HOST:PORT",
                          "Copies.",
                          flags,
                          "Exit status:\n  0 copied",
                          1,
                          [](const Arguments& arguments) { return arguments.has("--json") ? 7 : 0; }};

std::string refusal(const std::vector<std::string>& arguments) {
  const auto read = read_arguments(copy, arguments);
  REQUIRE_FALSE(read.has_value());
  return read.error().message;
}

TEST_CASE("subcommand: flags, repeated flags, switches and words are told apart") {
  const auto read = read_arguments(copy, {"--at", "a:1", "tea", "--out=-file", "--at=b:2", "--json"});
  REQUIRE(read.has_value());
  CHECK(read->text("--out") == "-file");
  CHECK(read->all("--at") == std::vector<std::string>{"a:1", "b:2"});
  CHECK(read->has("--json"));
  CHECK(read->words() == std::vector<std::string>{"tea"});

  const auto none = read_arguments(copy, {"--json=false"});
  REQUIRE(none.has_value());
  CHECK_FALSE(none->has("--json"));
  CHECK_FALSE(none->has("--out"));
  CHECK(none->text("--out").empty());
  CHECK(none->all("--at").empty());
}

TEST_CASE("subcommand: what cannot be understood is named") {
  CHECK(refusal({"--out", "a", "--out", "b"}) == "--out is given twice");
  CHECK(refusal({"--out"}) == "--out needs a value");
  CHECK(refusal({"--bogus"}) == "unknown option --bogus");
  CHECK(refusal({"tea", "milk"}) == "unknown argument \"milk\"");
  CHECK(run(copy, {"--bogus"}) == exit_code::usage);
}

TEST_CASE("subcommand: it runs with its arguments, or shows its help") {
  CHECK(run(copy, {"--json"}) == 7);
  CHECK(run(copy, {"--json", "--bogus", "--help"}) == 0);
  CHECK(help_text(copy) ==
        "Usage: turnstone copy NAME --out FILE\n"
        "       turnstone copy NAME --at HOST:PORT\n"
        "\n"
        "Copies.\n"
        "\n"
        "Options:\n"
        "  --out FILE                where to\n"
        "  --at HOST:PORT            which leader; may be repeated\n"
        "  --json                    for programs\n"
        "  --help                    show this text\n"
        "\n"
        "Exit status:\n"
        "  0 copied\n");
  const Subcommand* const all[] = {&copy};
  CHECK(help_text(all).find("\n  copy       copies things\n") != std::string::npos);
}

TEST_CASE("subcommand: --json prints an object of fields") {
  CHECK(log::json_object(std::initializer_list<log::Field>{{"a", "x\"y"}, {"n", 3}, {"ok", true}}) ==
        R"({"a":"x\"y","n":3,"ok":true})");
}

}  // namespace
}  // namespace turnstone::regions
