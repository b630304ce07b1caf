#pragma once
// The table of settings: one name each, in three spellings. "value_bytes_max" is the
// key in the file, TURNSTONE_VALUE_BYTES_MAX in the environment, --value-bytes-max as
// a flag. Parsing, help and `--check` are driven by this table.
#include <span>
#include <string>
#include <string_view>

#include "core/error.hpp"
#include "regions/settings/settings.hpp"

namespace turnstone::regions {

// Settings while the sources are applied one over another.
struct Draft {
  Settings settings;
  bool pull_given = false;  // otherwise the port after gossip
  // By region, in the order given; they join their peers when all sources are read.
  std::vector<RegionKey> peer_keys;
};

enum class KeyType {
  text,    // TOML string
  number,  // TOML integer
  size,    // TOML integer of bytes, or a string such as "64KiB", "1MiB", "2GiB"
  flag,    // TOML boolean
  peer,    // [[peer]] tables; NAME=HOST:PORT[,HOST:PULLPORT] elsewhere
  list,    // TOML array of strings; a word each elsewhere
};

enum class KeyGroup { region, doors, safety, limits, logging };

struct Key {
  std::string_view name;
  KeyType type;
  KeyGroup group;
  std::string_view placeholder;  // what --help shows for the value; empty for a flag
  std::string_view help;
  Result<void> (*set)(Draft& draft, std::string_view text);
  // As a TOML value; empty when there is nothing to show.
  std::string (*show)(const Settings& settings);
};

std::span<const Key> keys();
// May be given more than once; a source that gives some replaces those of the sources below.
bool is_list(const Key& key);
// Null for an unknown name.
const Key* find_key(std::string_view name);
// The key that a misspelt name probably meant; null if none is near.
const Key* nearest_key(std::string_view name);

std::string flag_of(const Key& key);      // "--value-bytes-max"
std::string variable_of(const Key& key);  // "TURNSTONE_VALUE_BYTES_MAX"

}  // namespace turnstone::regions
