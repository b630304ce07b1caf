#include "regions/security/key_file.hpp"
#include "regions/settings/keys.hpp"
#include "regions/settings/toml.hpp"
#include "tests/regions/settings_loader.hpp"

namespace turnstone::regions {
namespace {

const std::string paris = "serve --region paris --data here ";

// A value for each key that differs from its default, twice: as a flag or variable writes it.
struct Sample {
  std::string name, file, environment, flag;
};
const std::vector<Sample> samples = {
    {"region", "\"oslo\"", "lima", "cairo"},
    {"data", "\"a\"", "b", "c"},
    {"cluster", "\"red\"", "green", "blue"},
    {"resp", "\"127.0.0.1:6001\"", "127.0.0.1:6002", "127.0.0.1:6003"},
    {"gossip", "\"127.0.0.1:6101\"", "127.0.0.1:6102", "127.0.0.1:6103"},
    {"pull", "\"127.0.0.1:6201\"", "127.0.0.1:6202", "127.0.0.1:6203"},
    {"join", "true", "false", "true"},
    {"set_damaged_aside", "true", "false", "true"},
    {"resp_without_tls", "true", "false", "true"},
    {"gossip_without_curve", "true", "false", "true"},
    {"allow_link_control", "true", "false", "true"},
    {"value_bytes_max", "4096", "64KiB", "2MiB"},
    {"clients_max", "11", "12", "13"},
    {"client_output_bytes_max", "\"16MiB\"", "17MiB", "18MiB"},
    {"clients_bytes_max", "\"16MiB\"", "17MiB", "18MiB"},
    {"unstable_increments_max", "2001", "2002", "2003"},
    {"pending_bytes_max", "\"16MiB\"", "17MiB", "18MiB"},
    {"uncommitted_bytes_max", "\"16MiB\"", "17MiB", "18MiB"},
    {"dirty_cells_max", "2001", "2002", "2003"},
    {"mirror_bytes_per_second", "\"2MiB\"", "3MiB", "4MiB"},
    {"log_retain_bytes", "\"4MiB\"", "5MiB", "6MiB"},
    {"disk_reserve_bytes", "\"1MiB\"", "auto", "3MiB"},
    {"checkpoint_interval_ms", "101", "102", "103"},
    {"sweep_ms", "2001", "2002", "2003"},
    {"close_after_ms", "103", "104", "105"},
    {"audit_retain_days", "31", "32", "33"},
    {"audit_retain_bytes", "\"4MiB\"", "5MiB", "6MiB"},
    {"audit_values", "\"truncated\"", "redacted", "full"},
    {"audit_value_bytes", "\"4KiB\"", "5KiB", "6KiB"},
    {"log_level", "\"debug\"", "error", "trace"},
    {"log_format", "\"text\"", "json", "text"},
};

std::string shown(const Settings& settings, const std::string& name) {
  std::string value = find_key(name)->show(settings);
  std::erase(value, '"');
  return value;
}

std::string plain(std::string value) {
  std::erase(value, '"');
  return value == "4096" ? "4KiB" : value;
}

TEST_CASE("settings: a flag wins over the environment, which wins over the file") {
  for (const Sample& sample : samples) {
    INFO(sample.name);
    const Key* key = find_key(sample.name);
    REQUIRE(key != nullptr);
    const ScratchFile file(sample.name + " = " + sample.file + "\n");
    // What the sample itself does not set, so that the rest is complete.
    std::string rest = "serve --config " + file.path();
    if (sample.name != "region") rest += " --region paris";
    if (sample.name != "data") rest += " --data here";
    if (sample.name == "join") rest += " --peer tokyo=127.0.0.1:7111";
    const Environment environment{{variable_of(*key), sample.environment}};
    const std::string flag = " " + flag_of(*key) + "=" + sample.flag;

    CHECK(shown(load_good(rest), sample.name) == plain(sample.file));
    CHECK(shown(load_good(rest, environment), sample.name) == sample.environment);
    CHECK(shown(load_good(rest + flag), sample.name) == sample.flag);
    CHECK(shown(load_good(rest + flag, environment), sample.name) == sample.flag);
  }
}

TEST_CASE("settings: every key but the peers and the secrets and keys is in the table of sources") {
  std::size_t others = 0;
  for (const Key& key : keys()) {
    const bool sampled =
        std::ranges::any_of(samples, [&](const Sample& sample) { return sample.name == key.name; });
    if (!sampled) {
      INFO(key.name);
      CHECK((key.name == "requirepass_file" || key.name == "key_file" || key.name == "bring_back" ||
             is_list(key)));
      ++others;
    }
  }
  CHECK(others == 7);
}

TEST_CASE("settings: libraries with merge functions are a list, and a flag replaces what the file names") {
  const ScratchFile file("merge_plugins = [\"./a.so\", \"/lib/b.so\"]\n");
  const std::string rest = "serve --region paris --data here --config " + file.path();
  CHECK(load_good(rest).merge_plugins == std::vector<std::string>{"./a.so", "/lib/b.so"});
  CHECK(load_good(rest + " --merge-plugins c.so --merge-plugins d.so").merge_plugins ==
        std::vector<std::string>{"c.so", "d.so"});
  CHECK(load_good(rest, {{"TURNSTONE_MERGE_PLUGINS", "e.so f.so"}}).merge_plugins ==
        std::vector<std::string>{"e.so", "f.so"});
  const ScratchFile printed(toml_text(load_good(rest)));
  CHECK(load_good("serve --config " + printed.path()).merge_plugins == load_good(rest).merge_plugins);
}

TEST_CASE("settings: without more than region and data the defaults hold") {
  Settings expected;
  expected.region = "paris";
  expected.data_directory = "here";
  CHECK(load_good(paris) == expected);
  CHECK(expected.value_bytes_max == 1024 * 1024);
  CHECK(expected.clients_max == 10'000);
  CHECK(expected.client_output_bytes_max == 8 * 1024 * 1024);
}

TEST_CASE("settings: a pull address that is not given is the port after gossip") {
  CHECK(load_good(paris + "--gossip 127.0.0.1:7200").pull == Endpoint{"127.0.0.1", 7201});
  CHECK(load_good(paris + "--gossip [::1]:7200").pull == Endpoint{"::1", 7201});
  CHECK(load_good(paris + "--gossip 127.0.0.1:7200 --pull 127.0.0.1:9000").pull ==
        Endpoint{"127.0.0.1", 9000});
  CHECK(load_good(paris, {{"TURNSTONE_GOSSIP", "127.0.0.1:7200"}}).pull == Endpoint{"127.0.0.1", 7201});
}

TEST_CASE("settings: a peer's pull address is the next port unless it is named") {
  const auto peers =
      load_good(paris + "--peer tokyo=127.0.0.1:7111 --peer dallas=127.0.0.1:7121,127.0.0.1:9121").peers;
  const std::vector<PeerSettings> expected = {{"tokyo", {"127.0.0.1", 7111}, {"127.0.0.1", 7112}},
                                              {"dallas", {"127.0.0.1", 7121}, {"127.0.0.1", 9121}}};
  CHECK(peers == expected);
}

TEST_CASE("settings: a source that names peers replaces those of the sources below") {
  const ScratchFile file("[[peer]]\nname = \"tokyo\"\ngossip = \"127.0.0.1:7111\"\n");
  const std::string from_file = paris + "--config " + file.path();
  const Environment two{{"TURNSTONE_PEER", "lima=127.0.0.1:7131  oslo=127.0.0.1:7141,127.0.0.1:7149"}};
  const auto names = [](const Settings& settings) {
    std::string out;
    for (const PeerSettings& peer : settings.peers) out += peer.name + " ";
    return out;
  };
  CHECK(names(load_good(from_file)) == "tokyo ");
  CHECK(names(load_good(from_file, two)) == "lima oslo ");
  CHECK(names(load_good(from_file + " --peer dallas=127.0.0.1:7121", two)) == "dallas ");
}

TEST_CASE("settings: the file can be named in the environment, and the flag wins") {
  const ScratchFile one("cluster = \"one\"\n");
  const ScratchFile two("cluster = \"two\"\n");
  const Environment environment{{"TURNSTONE_CONFIG", one.path()}};
  CHECK(load_good(paris, environment).cluster == "one");
  CHECK(load_good(paris + "--config " + two.path(), environment).cluster == "two");
}

TEST_CASE("settings: an empty variable counts as not set") {
  CHECK(load_good(paris, {{"TURNSTONE_CLUSTER", ""}, {"TURNSTONE_CONFIG", ""}}).cluster == "turnstone");
}

TEST_CASE("settings: a variable that is no setting is noticed and not refused") {
  const auto request = load(paris, {{"TURNSTONE_GOSIP", "127.0.0.1:1"}, {"HOME", "/"}});
  REQUIRE(request.has_value());
  CHECK(request->notices ==
        std::vector<std::string>{"the environment variable TURNSTONE_GOSIP is not a setting"});
}

TEST_CASE("settings: localhost listens on the IPv4 loopback") {
  CHECK(load_good(paris + "--resp localhost:7005").resp == Endpoint{"127.0.0.1", 7005});
}

TEST_CASE("settings: the password is the one line of its file") {
  for (const char* text : {"open sesame", "open sesame\n", "open sesame\r\n"}) {
    const ScratchFile file(text);
    CHECK(load_good(paris + "--requirepass-file " + file.path()).requirepass == "open sesame");
  }
}

TEST_CASE("settings: the disk reserve is the smaller of 256 MiB and 5 % unless it is set") {
  constexpr std::uint64_t GiB = 1024ull * 1024 * 1024;
  CHECK(disk_reserve(load_good(paris), 1 * GiB) == GiB / 20);
  CHECK(disk_reserve(load_good(paris), 1000 * GiB) == GiB / 4);
  CHECK(disk_reserve(load_good(paris + "--disk-reserve-bytes 7GiB"), 1 * GiB) == 7 * GiB);
  CHECK(disk_reserve(load_good(paris + "--disk-reserve-bytes 0"), 1 * GiB) == 0);
}

TEST_CASE("settings: --check prints settings that read back the same, without the password") {
  const ScratchFile password("do not print me");
  const std::vector<std::string> lines = {
      paris,
      paris + "--peer tokyo=127.0.0.1:7111 --peer dallas=127.0.0.1:7121,127.0.0.1:9000 --allow-link-control",
      paris +
          "--resp [::1]:7001 --value-bytes-max 1025 --disk-reserve-bytes 1GiB --log-format json --cluster "
          "blue",
      paris + "--requirepass-file " + password.path() + " --resp 0.0.0.0:7001 --resp-without-tls",
      "serve --region paris --data=we\"ird\\path"};
  for (const std::string& line : lines) {
    const auto checked = load(line + " --check");
    REQUIRE(checked.has_value());
    CHECK(checked->action == Request::Action::print);
    INFO(checked->text);
    CHECK(checked->text.find("do not print me") == std::string::npos);
    const ScratchFile file(checked->text);
    CHECK(load_good("serve --config " + file.path()) == load_good(line));
    CHECK(load("serve --check --config " + file.path())->text == checked->text);
  }
}

TEST_CASE("settings: the example file is valid and shows every key with its default") {
  const std::string path = std::string(TURNSTONE_SOURCE_DIR) + "/examples/turnstone.toml";
  Settings expected;
  expected.region = "paris";
  expected.data_directory = "paris-data";
  expected.peers = {{"tokyo", {"127.0.0.1", 7111}, {"127.0.0.1", 7112}},
                    {"dallas", {"127.0.0.1", 7121}, {"127.0.0.1", 7122}}};
  CHECK(load_good("serve --config " + path) == expected);

  std::ifstream file(path);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  for (const Key& key : keys()) {
    if (key.type == KeyType::peer) continue;
    const std::string value = key.show(expected);
    INFO(key.name << " = " << value);
    CHECK(text.find(std::string(key.name) + " = " + value) != std::string::npos);
  }
}

TEST_CASE("settings: keys of peers stand in their tables, in lists of their own, or on the command line") {
  const std::string one = "tspub1-" + std::string(85, 'A') + 'w';
  const std::string two = "tspub1-" + std::string(85, 'B') + 'w';
  const std::string past = "tspub1-" + std::string(85, 'D') + 'w';
  std::string name = (std::filesystem::temp_directory_path() / "turnstone-keys-XXXXXX").string();
  REQUIRE(mkdtemp(name.data()) != nullptr);
  const std::string own = name + "/paris.key";
  REQUIRE(make_key_file(own).has_value());
  const ScratchFile file("region = \"paris\"\ndata = \"here\"\nkey_file = \"" + own +
                         "\"\nearlier_key = [\"paris=" + past + "\", \"tokyo=" + two +
                         "\"]\n[[peer]]\nname = \"tokyo\"\ngossip = \"127.0.0.1:7111\"\nkeys = [\"" + one +
                         "\", \"" + two + "\"]\n");
  const Settings settings = load_good("serve --config " + file.path());
  REQUIRE(settings.peers.size() == 1);
  CHECK(settings.peers[0].keys == std::vector{*parse_public_keys(one), *parse_public_keys(two)});
  CHECK(settings.earlier_keys ==
        std::vector<RegionKey>{{"paris", *parse_public_keys(past)}, {"tokyo", *parse_public_keys(two)}});
  // What --check prints reads back to the same.
  const ScratchFile printed(toml_text(settings));
  CHECK(load_good("serve --config " + printed.path()) == settings);

  // Flags win, and take peers and keys separately.
  CHECK(load_good("serve --config " + file.path() + " --peer-key tokyo=" + two).peers[0].keys ==
        std::vector{*parse_public_keys(two)});
  const std::string three_keys = " --peer-key tokyo=" + one + " --peer-key tokyo=" + two +
                                 " --peer-key tokyo=tspub1-" + std::string(85, 'C') + 'w';
  CHECK(refusal("serve --config " + file.path() + three_keys).text ==
        "turnstone: peer tokyo has 3 keys; more than 2 are never valid at once\n");
  CHECK(refusal("serve --config " + file.path() + " --peer tokyo=127.0.0.1:7111 --peer dallas=127.0.0.1:7121")
            .text ==
        "turnstone: peer dallas has no key: name the one that turnstone keygen printed for it\n");
  CHECK(refusal("serve --config " + file.path() +
                " --peer tokyo=127.0.0.1:7111 --peer dallas=127.0.0.1:7121 --peer-key tokyo=" + one +
                " --peer-key dallas=" + one)
            .text.find("peers tokyo and dallas have the same key") != std::string::npos);
  CHECK(refusal("serve --config " + file.path() +
                " --peer-key tokyo=" + to_string(read_key_file(own)->public_keys()))
            .text.find("every region needs keys of its own") != std::string::npos);
  // A key of the past is nobody else's, either.
  CHECK(refusal("serve --config " + file.path() + " --earlier-key lima=" + one).text ==
        "turnstone: lima has an earlier_key that is a key of tokyo: then each could write as the other\n");
  CHECK(refusal("serve --config " + file.path() + " --earlier-key lima=" + past +
                " --earlier-key paris=" + past)
            .text ==
        "turnstone: paris has an earlier_key that is a key of lima: then each could write as the other\n");
  CHECK(refusal("serve --config " + file.path() +
                " --earlier-key lima=" + to_string(read_key_file(own)->public_keys()))
            .text.find("the earlier_key of lima has the key of") != std::string::npos);
  std::filesystem::remove_all(name);
}

TEST_CASE("settings: the same command line is read again, and every problem is told on one line") {
  const ScratchFile file("region = \"paris\"\ndata = \"here\"\n");
  const std::vector<std::string> arguments{"serve", "--config", file.path()};
  REQUIRE(reload_settings(arguments, {}).has_value());
  CHECK(*reload_settings(arguments, {}) == load_good("serve --config " + file.path()));
  std::ofstream(file.path()) << "region = \"lima\"\ndata = \"here\"\n";
  CHECK(reload_settings(arguments, {})->region == "lima");
  CHECK(reload_settings(arguments, {{"TURNSTONE_REGION", "tokyo"}})->region == "tokyo");
  std::ofstream(file.path()) << "cluster = \"X\"\n";
  const auto refused = reload_settings(arguments, {});
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == Errc::config);
  CHECK(refused.error().message.find("region is not set") == 0);
  CHECK(refused.error().message.find("; data is not set") != std::string::npos);
  CHECK(refused.error().message.find('\n') == std::string::npos);
}

}  // namespace
}  // namespace turnstone::regions
