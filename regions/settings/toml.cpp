#define TOML_HEADER_ONLY 0
#include "regions/settings/toml.hpp"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <optional>

#include "regions/settings/keys.hpp"
#include "regions/settings/values.hpp"

namespace turnstone::regions {
namespace {

std::string place(const std::string& file_name, const toml::source_region& source) {
  return fmt::format("{}:{}:{}", file_name, source.begin.line, source.begin.column);
}

// The value as the other sources would write it; none if it has another type.
std::optional<std::string> value_text(const toml::node& node, KeyType type) {
  const auto* string = node.as_string();
  const auto* integer = node.as_integer();
  const auto* boolean = node.as_boolean();
  if (string != nullptr && (type == KeyType::text || type == KeyType::size)) return string->get();
  if (integer != nullptr && (type == KeyType::number || type == KeyType::size))
    return fmt::format("{}", integer->get());
  if (boolean != nullptr && type == KeyType::flag) return boolean->get() ? "true" : "false";
  return std::nullopt;
}

std::string_view expected(KeyType type) {
  switch (type) {
    case KeyType::text:
      return "a string";
    case KeyType::number:
      return "an integer";
    case KeyType::size:
      return "an integer or a string such as \"1MiB\"";
    case KeyType::flag:
      return "true or false";
    case KeyType::peer:
      return "a table: write [[peer]] with name, gossip and, if it is not the next port, pull";
    case KeyType::list:
      return "an array of strings";
  }
  return "";
}

class Reader {
 public:
  explicit Reader(const std::string& file_name) : file_name_(file_name) {}

  TomlReading read(const toml::table& root) {
    for (const auto& [key, node] : root) {
      const Key* known = find_key(key.str());
      if (known == nullptr)
        unknown_key(key);
      else if (known->type == KeyType::peer)
        read_peers(key, node);
      else if (known->type == KeyType::list)
        read_list(key, node, known->name, "");
      else
        read_value(key, node, *known);
    }
    // toml++ keeps tables sorted by name; people read problems in the file's order.
    std::ranges::stable_sort(lines_, {}, &Line::line);
    for (Line& line : lines_) reading_.problems.push_back(std::move(line.text));
    return std::move(reading_);
  }

 private:
  struct Line {
    std::uint32_t line;
    std::string text;
  };

  void problem(const toml::source_region& source, const std::string& text) {
    lines_.push_back({source.begin.line, fmt::format("{}: {}", place(file_name_, source), text)});
  }

  void unknown_key(const toml::key& key) {
    const Key* meant = nearest_key(key.str());
    problem(key.source(),
            fmt::format("unknown key \"{}\"{}", key.str(),
                        meant == nullptr ? "" : fmt::format("; did you mean {}?", meant->name)));
  }

  void read_value(const toml::key& key, const toml::node& node, const Key& known) {
    auto text = value_text(node, known.type);
    if (text)
      reading_.given.push_back({std::string(known.name), *std::move(text),
                                fmt::format("{}: {}", place(file_name_, key.source()), known.name)});
    else
      problem(key.source(), fmt::format("{} must be {}", known.name, expected(known.type)));
  }

  // Each string of an array, behind `prefix`.
  void read_list(const toml::key& key, const toml::node& node, std::string_view name,
                 const std::string& prefix) {
    const auto* list = node.as_array();
    if (list == nullptr)
      return problem(key.source(), fmt::format("{} must be an array of strings", key.str()));
    for (const toml::node& item : *list) {
      const auto text = value_text(item, KeyType::text);
      if (text)
        reading_.given.push_back({std::string(name), prefix + *text,
                                  fmt::format("{}: {}", place(file_name_, item.source()), key.str())});
      else
        problem(item.source(), fmt::format("{} must be an array of strings", key.str()));
    }
  }

  void read_peers(const toml::key& key, const toml::node& node) {
    const auto* peers = node.as_array();
    if (peers == nullptr)
      return problem(key.source(), fmt::format("peer must be {}", expected(KeyType::peer)));
    for (const toml::node& peer : *peers) {
      if (const auto* table = peer.as_table())
        read_peer(*table);
      else
        problem(peer.source(), fmt::format("peer must be {}", expected(KeyType::peer)));
    }
  }

  void read_peer(const toml::table& peer) {
    std::optional<std::string> name, gossip, pull;
    for (const auto& [key, node] : peer) {
      if (key == "keys") continue;
      auto* target = key == "name" ? &name : key == "gossip" ? &gossip : key == "pull" ? &pull : nullptr;
      if (target == nullptr)
        problem(key.source(), fmt::format("unknown key \"{}\" in [[peer]]", key.str()));
      else if (!(*target = value_text(node, KeyType::text)))
        problem(key.source(), fmt::format("{} must be a string", key.str()));
    }
    for (const auto& [word, value] : {std::pair{"name", &name}, std::pair{"gossip", &gossip}})
      if (!peer.contains(word)) problem(peer.source(), fmt::format("[[peer]] needs {}", word));
    if (!name || !gossip) return;
    reading_.given.push_back({"peer", fmt::format("{}={}{}", *name, *gossip, pull ? "," + *pull : ""),
                              place(file_name_, peer.source()) + ": peer"});
    for (const auto& [key, node] : peer)
      if (key == "keys") read_list(key, node, "peer_key", *name + "=");
  }

  const std::string& file_name_;
  TomlReading reading_;
  std::vector<Line> lines_;
};

}  // namespace

TomlReading read_toml(std::string_view text, const std::string& file_name) {
  try {
    const toml::table root = toml::parse(text, file_name);
    return Reader(file_name).read(root);
  } catch (const toml::parse_error& error) {
    return {{}, {fmt::format("{}: {}", place(file_name, error.source()), error.description())}};
  }
}

std::string toml_text(const Settings& settings) {
  std::string out;
  for (const Key& key : keys()) {
    const std::string value = key.show(settings);
    if (!value.empty()) out += fmt::format("{} = {}\n", key.name, value);
    if (key.name == "requirepass_file" && !settings.requirepass.empty())
      out += "# The password in that file is not shown.\n";
  }
  for (const PeerSettings& peer : settings.peers) {
    out += fmt::format("\n[[peer]]\nname = {}\ngossip = {}\npull = {}\n", quote(peer.name),
                       quote(to_string(peer.gossip)), quote(to_string(peer.pull)));
    std::string list;
    for (const PublicKeys& keys : peer.keys)
      list += fmt::format("{}\n  {}", list.empty() ? "" : ",", quote(to_string(keys)));
    if (!list.empty()) out += fmt::format("keys = [{}\n]\n", list);
  }
  return out;
}

}  // namespace turnstone::regions
