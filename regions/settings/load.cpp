#include "regions/settings/load.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <sstream>
#include <system_error>

#include "regions/security/key_file.hpp"
#include "regions/settings/command_line.hpp"
#include "regions/settings/exit_code.hpp"
#include "regions/settings/keys.hpp"
#include "regions/settings/toml.hpp"

namespace turnstone::regions {
namespace {

using Problems = std::vector<std::string>;

constexpr std::string_view variable_prefix = "TURNSTONE_";
constexpr std::string_view config_variable = "TURNSTONE_CONFIG";
constexpr std::size_t file_bytes_max = 1024 * 1024;
constexpr std::size_t password_bytes_max = 512;

Result<std::string> read_file(const std::string& path) {
  const auto refuse = [&](std::string_view reason) {
    return fail(Errc::config, fmt::format("{}: {}", path, reason));
  };
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::string text(file_bytes_max + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  // Opening a directory succeeds; only reading it tells.
  if (!file.is_open() || file.bad())
    return refuse(errno == 0 ? "cannot be read" : std::generic_category().message(errno));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > file_bytes_max) return refuse("is larger than 1 MiB");
  return text;
}

std::vector<std::string> words(const std::string& text) {
  std::istringstream stream(text);
  return {std::istream_iterator<std::string>(stream), {}};
}

std::vector<Given> given_by(const Environment& environment) {
  std::vector<Given> given;
  for (const Key& key : keys()) {
    const auto variable = environment.find(variable_of(key));
    if (variable == environment.end() || variable->second.empty()) continue;
    const auto values = is_list(key) ? words(variable->second) : std::vector{variable->second};
    for (const std::string& text : values) given.push_back({std::string(key.name), text, variable->first});
  }
  return given;
}

// A misspelt variable must not be lost in silence, yet others may use the prefix (an
// orchestrator's TURNSTONE_SERVICE_HOST): so it is said, and not refused.
std::vector<std::string> unknown_variables(const Environment& environment) {
  std::vector<std::string> notices;
  for (const auto& variable : environment) {
    const std::string& name = variable.first;
    const bool is_setting = name == config_variable || std::ranges::any_of(keys(), [&](const Key& key) {
                              return variable_of(key) == name;
                            });
    if (name.starts_with(variable_prefix) && !is_setting)
      notices.push_back(fmt::format("the environment variable {} is not a setting", name));
  }
  return notices;
}

void apply(const std::vector<Given>& source, Draft& draft, Problems& problems) {
  const auto gives = [&](std::string_view name) {
    return std::ranges::any_of(source, [&](const Given& given) { return given.name == name; });
  };
  if (gives("peer")) draft.settings.peers.clear();
  if (gives("peer_key")) draft.peer_keys.clear();
  if (gives("earlier_key")) draft.settings.earlier_keys.clear();
  if (gives("merge_plugins")) draft.settings.merge_plugins.clear();
  for (const Given& given : source) {
    const Key* key = find_key(given.name);
    if (key == nullptr) continue;  // --config is not a setting
    if (const auto set = key->set(draft, given.text); !set)
      problems.push_back(fmt::format("{}: {}", given.where, set.error().message));
  }
}

void apply_file(const std::string& path, Draft& draft, Problems& problems) {
  const auto text = read_file(path);
  if (!text) return problems.push_back(text.error().message);
  const TomlReading reading = read_toml(*text, path);
  problems.insert(problems.end(), reading.problems.begin(), reading.problems.end());
  apply(reading.given, draft, problems);
}

void place_pull(Draft& draft, Problems& problems) {
  if (draft.pull_given) return;
  if (const auto pull = next_port(draft.settings.gossip))
    draft.settings.pull = *pull;
  else
    problems.push_back("gossip: " + pull.error().message + " with --pull");
}

void give_keys_to_peers(Draft& draft, Problems& problems) {
  for (const RegionKey& key : draft.peer_keys) {
    const auto peer = std::ranges::find(draft.settings.peers, key.region, &PeerSettings::name);
    if (peer == draft.settings.peers.end())
      problems.push_back(fmt::format("there is a key for {}, which is no peer", key.region));
    else
      peer->keys.push_back(key.keys);
  }
}

// Read only to be judged: the secrets are wiped at once, and read again by who needs them.
void check_key_file(const Settings& settings, Problems& problems) {
  if (settings.key_file.empty()) return;
  const auto own = read_key_file(settings.key_file);
  if (!own) return problems.push_back("key_file: " + own.error().message);
  const auto check = [&](const std::string& who, const PublicKeys& keys) {
    if (keys.curve == own->public_keys().curve || keys.signing == own->public_keys().signing)
      problems.push_back(
          fmt::format("{} has the key of {}, this leader's own: every region needs keys of its own", who,
                      settings.key_file));
  };
  for (const PeerSettings& peer : settings.peers)
    for (const PublicKeys& keys : peer.keys) check("peer " + peer.name, keys);
  for (const RegionKey& earlier : settings.earlier_keys)
    if (earlier.region != settings.region) check("the earlier_key of " + earlier.region, earlier.keys);
}

}  // namespace

Result<std::string> read_password(const std::string& path) {
  auto text = read_file(path);
  if (!text) return text;
  while (!text->empty() && (text->back() == '\n' || text->back() == '\r')) text->pop_back();
  if (text->empty()) return fail(Errc::config, fmt::format("{}: holds no password", path));
  if (text->find('\n') != text->npos)
    return fail(Errc::config, fmt::format("{}: holds more than one line", path));
  if (text->size() > password_bytes_max)
    return fail(Errc::config,
                fmt::format("{}: the password is longer than {} bytes", path, password_bytes_max));
  return text;
}

namespace {

tl::unexpected<Refusal> refuse(const Problems& problems) {
  std::string text;
  for (const std::string& problem : problems) text += fmt::format("turnstone: {}\n", problem);
  return tl::make_unexpected(Refusal{exit_code::config, text});
}

std::string config_path(const CommandLine& line, const Environment& environment) {
  const auto given = std::ranges::find(line.given, "config", &Given::name);
  if (given != line.given.end()) return given->text;
  const auto variable = environment.find(std::string(config_variable));
  return variable == environment.end() ? "" : variable->second;
}

// Every source is read before anything is refused, so that one run shows every mistake.
tl::expected<Settings, Problems> merge(const CommandLine& line, const Environment& environment) {
  Draft draft;
  Problems problems;
  if (const std::string path = config_path(line, environment); !path.empty())
    apply_file(path, draft, problems);
  apply(given_by(environment), draft, problems);
  apply(line.given, draft, problems);
  place_pull(draft, problems);
  give_keys_to_peers(draft, problems);
  Settings& settings = draft.settings;
  if (!settings.requirepass_file.empty()) {
    if (auto password = read_password(settings.requirepass_file))
      settings.requirepass = *std::move(password);
    else
      problems.push_back("requirepass_file: " + password.error().message);
  }
  check_key_file(settings, problems);
  // What is wrong with single values would show up again here in other words.
  if (problems.empty()) problems = check_settings(settings);
  if (!problems.empty()) return tl::make_unexpected(std::move(problems));
  return std::move(settings);
}

}  // namespace

tl::expected<Request, Refusal> load_settings(const std::vector<std::string>& arguments,
                                             const Environment& environment,
                                             std::span<const Subcommand* const> subcommands) {
  using Wants = CommandLine::Wants;
  const auto line = read_command_line(arguments);
  if (!line) {
    const bool serves = std::ranges::find(arguments, "serve") != arguments.end();
    return tl::make_unexpected(
        Refusal{exit_code::usage, fmt::format("turnstone: {}\nTry: turnstone {}--help\n",
                                              line.error().message, serves ? "serve " : "")});
  }
  Request request;
  if (line->wants == Wants::help) request.text = help_text(subcommands);
  if (line->wants == Wants::serve_help) request.text = serve_help_text();
  if (line->wants == Wants::version) request.text = version_text();
  if (line->wants != Wants::serve) return request;

  auto settings = merge(*line, environment);
  if (!settings) return refuse(settings.error());
  request.settings = *std::move(settings);
  request.notices = unknown_variables(environment);
  for (std::string& used : exceptions_used(request.settings)) request.notices.push_back(std::move(used));
  if (line->check)
    request.text = toml_text(request.settings);
  else
    request.action = Request::Action::serve;
  return request;
}

Result<Settings> reload_settings(const std::vector<std::string>& arguments, const Environment& environment) {
  const auto line = read_command_line(arguments);
  if (!line) return tl::make_unexpected(line.error());
  auto settings = merge(*line, environment);
  if (!settings) return fail(Errc::config, fmt::format("{}", fmt::join(settings.error(), "; ")));
  return *std::move(settings);
}

Environment process_environment() {
  Environment environment;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::size_t equals = text.find('=');
    if (equals != text.npos) environment.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return environment;
}

}  // namespace turnstone::regions
