#include "regions/settings/command_line.hpp"
#include "regions/settings/keys.hpp"
#include "tests/regions/settings_loader.hpp"

namespace turnstone::regions {
namespace {

std::string printed(const std::string& command_line) {
  const auto request = load(command_line);
  INFO(command_line);
  REQUIRE(request.has_value());
  CHECK(request->action == Request::Action::print);
  return request->text;
}

TEST_CASE("help: it is printed whatever else stands on the line") {
  CHECK(printed("--help") == help_text({}));
  CHECK(printed("-h") == help_text({}));
  CHECK(printed("serve --help") == serve_help_text());
  CHECK(printed("serve -h --resp 1") == serve_help_text());
  CHECK(printed("--help serve") == serve_help_text());
  CHECK(printed("--version") == "turnstone " + std::string(version()) + "\n");
}

TEST_CASE("help: every setting is explained once and no line is wider than a terminal of 100") {
  const std::string text = serve_help_text();
  for (const Key& key : keys()) {
    const std::size_t at = text.find("\n  " + flag_of(key) + " ");
    INFO(key.name);
    CHECK(at != std::string::npos);
    CHECK(text.find("\n  " + flag_of(key) + " ", at + 1) == std::string::npos);
  }
  for (const std::string& whole : {text, help_text({})}) {
    std::istringstream lines(whole);
    for (std::string line; std::getline(lines, line);) {
      INFO(line);
      CHECK(line.size() <= 96);
      CHECK((line.empty() || line.back() != ' '));
    }
  }
}

TEST_CASE("help: the defaults it shows are the defaults") {
  const std::string text = serve_help_text();
  for (const char* shown :
       {"[127.0.0.1:7001]", "[127.0.0.1:7101]", "[1MiB]", "[10000]", "[8MiB]", "[turnstone]"})
    CHECK(text.find(shown) != std::string::npos);
}

TEST_CASE("help: its examples are command lines that a leader would start with") {
  std::istringstream lines(serve_help_text());
  std::string joined;
  int examples = 0;
  for (std::string line; std::getline(lines, line);) {
    joined += line;
    if (joined.ends_with("\\")) {
      joined.pop_back();
      continue;
    }
    const std::size_t at = joined.find("    turnstone serve --region");
    if (at != std::string::npos) {
      load_good(joined.substr(joined.find("serve", at)));
      ++examples;
    }
    joined.clear();
  }
  CHECK(examples == 2);
}

}  // namespace
}  // namespace turnstone::regions
