#include "regions/commands/authentication.hpp"

#include "regions/commands/leader_port.hpp"
#include "regions/commands/session.hpp"

namespace turnstone::commands {
namespace {

bool equal_in_constant_time(std::string_view expected, std::string_view presented) {
  // A volatile sum keeps the compiler from stopping at the first difference.
  volatile unsigned difference = expected.size() == presented.size() ? 0 : 1;
  for (std::size_t i = 0; i < presented.size(); ++i) {
    const char c = expected.empty() ? '\0' : expected[i % expected.size()];
    difference = difference | static_cast<unsigned>(static_cast<unsigned char>(c ^ presented[i]));
  }
  return difference == 0;
}

}  // namespace

bool must_authenticate(const Call& call) {
  return !call.session.authenticated && call.leader.password().has_value();
}

bool authenticate(Call& call, std::string_view user, std::string_view password) {
  const auto& expected = call.leader.password();
  const bool right = !expected || equal_in_constant_time(*expected, password);
  if (user == "default" && right) {
    call.session.authenticated = true;
    return true;
  }
  call.reply.error("WRONGPASS invalid username-password pair or user is disabled.");
  return false;
}

}  // namespace turnstone::commands
