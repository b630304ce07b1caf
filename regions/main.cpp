#include <fmt/format.h>

#include <cstdio>
#include <string>
#include <vector>

#include "regions/engine/leader.hpp"
#include "regions/settings/load.hpp"
#include "regions/settings/log.hpp"

int main(int argc, char** argv) {
  using namespace turnstone::regions;
  const auto request =
      load_settings(std::vector<std::string>(argv + (argc > 0 ? 1 : 0), argv + argc), process_environment());
  if (!request) {
    fmt::print(stderr, "{}", request.error().text);
    return request.error().exit_code;
  }
  log::setup(request->settings.log_level, request->settings.log_format, request->settings.region);
  for (const std::string& notice : request->notices) log::warning(notice);
  if (request->action == Request::Action::serve) return run_leader(request->settings);
  fmt::print("{}", request->text);
  return 0;
}
