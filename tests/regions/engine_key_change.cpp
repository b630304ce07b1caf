#include "regions/engine/key_change.hpp"
#include "tests/catch.hpp"

using namespace turnstone;
using namespace turnstone::regions;

namespace {

// Keys that differ by their number alone.
PublicKeys keys(std::uint8_t number) {
  PublicKeys made;
  made.curve.fill(number);
  made.signing.fill(static_cast<std::uint8_t>(number + 100));
  return made;
}

Settings paris() {
  Settings settings;
  settings.region = "paris";
  settings.data_directory = "here";
  settings.key_file = "paris.key";
  settings.peers = {{"tokyo", {"127.0.0.1", 7111}, {"127.0.0.1", 7112}, {keys(2)}},
                    {"dallas", {"127.0.0.1", 7121}, {"127.0.0.1", 7122}, {keys(3)}}};
  return settings;
}

KeyChange changed(const Settings& read, const PublicKeys& own = keys(1)) {
  auto change = change_of_keys(paris(), keys(1), read, own);
  REQUIRE(change.has_value());
  return *change;
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("key change: the same settings change nothing") {
  const KeyChange change = changed(paris());
  CHECK(change.changes.empty());
  CHECK(change.warnings.empty());
  CHECK_FALSE(change.concerns_links);
  CHECK(change.settings == paris());
}

TEST_CASE("key change: the three steps of a change, as a peer and as the leader itself") {
  Settings read = paris();
  read.peers[0].keys.push_back(keys(4));
  KeyChange change = changed(read);
  CHECK(change.changes == Texts{"peer tokyo: +" + to_string(keys(4))});
  CHECK(change.warnings.empty());
  CHECK(change.concerns_links);
  CHECK(change.settings == read);

  read = paris();
  read.key_file = "next.key";
  read.earlier_keys = {{"paris", keys(1)}};
  change = changed(read, keys(5));
  CHECK(change.changes ==
        Texts{"this leader's own: " + to_string(keys(5)) + " in place of " + to_string(keys(1)),
              "earlier of paris: +" + to_string(keys(1))});
  CHECK(change.warnings.empty());
  CHECK(change.concerns_links);
  CHECK(change.settings.key_file == "next.key");

  read = paris();
  read.peers[0].keys = {keys(4)};
  read.earlier_keys = {{"tokyo", keys(2)}};
  change = changed(read);
  CHECK(change.changes == Texts{"peer tokyo: +" + to_string(keys(4)), "peer tokyo: -" + to_string(keys(2)),
                                "earlier of tokyo: +" + to_string(keys(2))});
  CHECK(change.warnings.empty());
  CHECK(change.concerns_links);
}

TEST_CASE("key change: keys of the past leave the links alone") {
  Settings read = paris();
  read.earlier_keys = {{"lima", keys(9)}};
  const KeyChange change = changed(read);
  CHECK(change.changes == Texts{"earlier of lima: +" + to_string(keys(9))});
  CHECK_FALSE(change.concerns_links);
  CHECK(change.settings.earlier_keys == read.earlier_keys);
}

TEST_CASE("key change: who drops a key without keeping it for old writes is warned") {
  Settings read = paris();
  read.peers[0].keys = {keys(4)};
  read.earlier_keys = {{"dallas", keys(2)}};  // of another region: no use
  Texts warnings = changed(read, keys(5)).warnings;
  REQUIRE(warnings.size() == 2);
  CHECK(
      warnings[0].starts_with("what paris has signed with " + to_string(keys(1)) + " is not taken any more"));
  CHECK(
      warnings[1].starts_with("what tokyo has signed with " + to_string(keys(2)) + " is not taken any more"));
}

TEST_CASE("key change: other settings are named and not taken") {
  Settings read = paris();
  read.sweep_ms = 1;
  read.peers[0].keys = {keys(2), keys(4)};
  const KeyChange change = changed(read);
  REQUIRE(change.warnings.size() == 1);
  CHECK(change.warnings[0].find("from the next start") != std::string::npos);
  CHECK(change.settings.sweep_ms == paris().sweep_ms);
  CHECK(change.settings.peers[0].keys.size() == 2);
}

TEST_CASE("key change: a reading without one of the peers is refused") {
  Settings read = paris();
  read.peers.erase(read.peers.begin());
  const auto change = change_of_keys(paris(), keys(1), read, keys(1));
  REQUIRE_FALSE(change.has_value());
  CHECK(change.error().message == "peer tokyo is missing in the settings; peers change by a restart");
}
