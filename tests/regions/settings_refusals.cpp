#include "regions/settings/exit_code.hpp"
#include "tests/regions/settings_loader.hpp"

namespace turnstone::regions {
namespace {

const std::string paris = "serve --region paris --data here ";
const std::string outside_clear =
    "is not a loopback address and there is no key file: anybody who reaches the link could read and write "
    "as a peer. Make keys with turnstone keygen and name them with --key-file, use 127.0.0.1, or accept "
    "that with --gossip-without-curve";
const std::string key = "tspub1-" + std::string(85, 'A') + 'w';
const std::string try_help = "Try: turnstone serve --help\n";

TEST_CASE("settings: without a command, or with an unknown one, the list of commands is pointed out") {
  for (const auto& [line, message] : {std::pair("", "a command is missing, such as serve"),
                                      std::pair("start", "unknown command \"start\"")}) {
    const Refusal refused = refusal(line);
    CHECK(refused.text == "turnstone: " + std::string(message) + "\nTry: turnstone --help\n");
    CHECK(refused.exit_code == exit_code::usage);
  }
}

TEST_CASE("settings: a command line that cannot be understood ends with 64") {
  const std::vector<std::pair<std::string, std::string>> table = {
      {"serve now", "unknown argument \"now\""},
      {"serve --frobnicate", "unknown option --frobnicate"},
      {"serve --gosip=127.0.0.1:7101", "unknown option --gosip=127.0.0.1:7101; did you mean --gossip?"},
      {"--resp 127.0.0.1:7001 serve", "--resp must come after \"serve\""},
      {"serve --resp", "--resp needs a value"},
      {"serve --config", "--config needs a value"},
      {"serve --resp 127.0.0.1:1 --resp 127.0.0.1:2", "--resp is given twice"},
      {"serve --config a --config b", "--config is given twice"},
  };
  for (const auto& [line, message] : table) {
    const Refusal refused = refusal(line);
    CHECK(refused.text == "turnstone: " + message + "\n" + try_help);
    CHECK(refused.exit_code == exit_code::usage);
  }
}

TEST_CASE("settings: a setting that is missing, unknown or out of range ends with 78 and says which") {
  const std::vector<std::pair<std::string, std::string>> table = {
      {"serve --data here", "region is not set: name this leader's region with --region"},
      {"serve --region paris", "data is not set: name the directory for this leader's files with --data"},
      {"serve --region Paris --data here",
       "region \"Paris\" must be 1 to 32 characters of a-z, 0-9 and \"-\""},
      {"serve --region a23456789012345678901234567890123 --data here",
       "region \"a23456789012345678901234567890123\" must be 1 to 32 characters of a-z, 0-9 and \"-\""},
      {paris + "--cluster my_cluster",
       "cluster \"my_cluster\" must be 1 to 32 characters of a-z, 0-9 and \"-\""},
      {paris + "--resp 7001", "--resp: \"7001\" is not HOST:PORT, such as 127.0.0.1:7001 or [::1]:7001"},
      {paris + "--resp ::1:7001",
       "--resp: \"::1:7001\" is not HOST:PORT, such as 127.0.0.1:7001 or [::1]:7001"},
      {paris + "--resp :7001", "--resp: \":7001\" is not HOST:PORT, such as 127.0.0.1:7001 or [::1]:7001"},
      {paris + "--resp 127.0.0.1:", "--resp: \"\" is not a port; a port is 1 to 65535"},
      {paris + "--resp 127.0.0.1:0", "--resp: \"0\" is not a port; a port is 1 to 65535"},
      {paris + "--resp 127.0.0.1:65536", "--resp: \"65536\" is not a port; a port is 1 to 65535"},
      {paris + "--resp 127.0.0.1:70x", "--resp: \"70x\" is not a port; a port is 1 to 65535"},
      {paris + "--resp *:7001",
       "--resp: \"*\" is not an IP address of this machine; 0.0.0.0 stands for all of them"},
      {paris + "--gossip 127.0.0.1:65535",
       "gossip: 127.0.0.1:65535 has no next port for pulls; name it with --pull"},
      {paris + "--resp 127.0.0.1:7102", "resp and pull cannot both listen on 127.0.0.1:7102"},
      {paris + "--resp 127.0.0.1:7101", "resp and gossip cannot both listen on 127.0.0.1:7101"},
      {paris + "--pull 127.0.0.1:7101", "gossip and pull cannot both listen on 127.0.0.1:7101"},
      {paris + "--join", "join is set and there is no peer to take the data from: name one with --peer"},
      {paris + "--peer tokyo", "--peer: \"tokyo\" is not NAME=HOST:PORT, such as tokyo=127.0.0.1:7111"},
      {paris + "--peer =127.0.0.1:7111",
       "--peer: \"=127.0.0.1:7111\" is not NAME=HOST:PORT, such as tokyo=127.0.0.1:7111"},
      {paris + "--peer tokyo=127.0.0.256:7111",
       "--peer: \"127.0.0.256\" is neither an IP address nor a host name"},
      {paris + "--peer tokyo=0.0.0.0:7111", "--peer: 0.0.0.0 is not an address to connect to"},
      {paris + "--peer tokyo=127.0.0.1:65535", "--peer: 127.0.0.1:65535 has no next port for pulls; name it"},
      {paris + "--peer Tokyo=127.0.0.1:7111",
       "peer \"Tokyo\" must be 1 to 32 characters of a-z, 0-9 and \"-\""},
      {paris + "--peer paris=127.0.0.1:7111", "peer paris is this leader's own region"},
      {paris + "--peer tokyo=127.0.0.1:7101,127.0.0.1:9000",
       "peer tokyo at 127.0.0.1:7101 is this leader's own address"},
      {paris + "--peer tokyo=127.0.0.1:7111 --peer tokyo=127.0.0.1:7121", "peer tokyo is named twice"},
      {paris + "--peer tokyo=127.0.0.1:7111 --peer dallas=127.0.0.1:7111",
       "peers tokyo and dallas have the same address 127.0.0.1:7111"},
      {paris + "--key-file /nowhere/key", "key_file: /nowhere/key: No such file or directory"},
      {paris + "--peer-key tokyo", "--peer-key: \"tokyo\" is not NAME=PUBLICKEY, such as tokyo=tspub1-..."},
      {paris + "--peer-key tokyo=tspub1-abc",
       "--peer-key: \"tspub1-abc\" is not a public key as turnstone keygen prints it, tspub1-..."},
      {paris + "--peer-key tokyo=tssec1-abc",
       "--peer-key: is a secret key: only public keys, which begin with tspub1-, belong here"},
      {paris + "--peer-key tokyo=" + key, "there is a key for tokyo, which is no peer"},
      {paris + "--peer tokyo=127.0.0.1:7111 --peer-key tokyo=" + key,
       "peer tokyo has a key and this leader has none: name its key_file"},
      {paris + "--earlier-key Lima=" + key,
       "the region of an earlier_key \"Lima\" must be 1 to 32 characters of a-z, 0-9 and \"-\""},
      {paris + "--clients-max 0", "--clients-max: \"0\" is not a number from 1 to 1000000"},
      {paris + "--clients-max=-1", "--clients-max: \"-1\" is not a number from 1 to 1000000"},
      {paris + "--clients-max 1e3", "--clients-max: \"1e3\" is not a number from 1 to 1000000"},
      {paris + "--value-bytes-max 513MiB",
       "--value-bytes-max: \"513MiB\" is not a size from 1KiB to 512MiB, such as 4096 or 64KiB"},
      {paris + "--value-bytes-max 99999999999GiB",
       "--value-bytes-max: \"99999999999GiB\" is not a size from 1KiB to 512MiB, such as 4096 or 64KiB"},
      {paris + "--value-bytes-max MiB",
       "--value-bytes-max: \"MiB\" is not a size from 1KiB to 512MiB, such as 4096 or 64KiB"},
      {paris + "--value-bytes-max 16MiB",
       "client_output_bytes_max (8388608 bytes) is smaller than value_bytes_max (16777216 bytes): a client "
       "that "
       "reads such a value would be disconnected"},
      {paris + "--disk-reserve-bytes some",
       "--disk-reserve-bytes: \"some\" is not a size from 0 to 1024GiB, such as 4096 or 64KiB"},
      {paris + "--log-level loud", "--log-level: \"loud\" is not one of trace, debug, info, warning, error"},
      {paris + "--log-format xml", "--log-format: \"xml\" is not one of auto, text, json"},
      {paris + "--allow-link-control=maybe", "--allow-link-control: \"maybe\" is neither true nor false"},
      {paris + "--config /nowhere/turnstone.toml", "/nowhere/turnstone.toml: No such file or directory"},
      {paris + "--config /", "/: Is a directory"},
      {paris + "--requirepass-file /nowhere/password",
       "requirepass_file: /nowhere/password: No such file or directory"},
      {paris + "--resp 10.0.0.1:7001 --resp-without-tls",
       "resp 10.0.0.1:7001 is not a loopback address and there is no password: set --requirepass-file"},
      {paris + "--gossip 0.0.0.0:7101 --pull 127.0.0.1:7102", "gossip 0.0.0.0:7101 " + outside_clear},
      {paris + "--pull [::]:7102", "pull [::]:7102 " + outside_clear},
      {paris + "--peer tokyo=tokyo.example:7111", "peer tokyo at tokyo.example:7111 " + outside_clear},
  };
  for (const auto& [line, message] : table)
    for (const char* check : {"", " --check"}) {
      const Refusal refused = refusal(line + check);
      CHECK(refused.text == "turnstone: " + message + "\n");
      CHECK(refused.exit_code == exit_code::config);
    }
}

TEST_CASE("settings: a door on every address clashes with any other on its port") {
  const ScratchFile password("secret\n");
  CHECK(refusal(paris + "--resp 127.0.0.1:7101 --gossip 0.0.0.0:7101 --gossip-without-curve").text ==
        "turnstone: resp and gossip cannot both listen on 0.0.0.0:7101\n");
  CHECK(
      refusal(paris + "--resp 0.0.0.0:7101 --resp-without-tls --requirepass-file " + password.path()).text ==
      "turnstone: resp and gossip cannot both listen on 127.0.0.1:7101\n");
}

TEST_CASE("settings: a Redis door outside loopback needs its exception and a password") {
  const ScratchFile password("secret\n");
  const std::string outside = paris + "--resp 0.0.0.0:7001 ";
  const std::string with_password = outside + "--requirepass-file " + password.path();
  CHECK(refusal(with_password).text ==
        "turnstone: resp 0.0.0.0:7001 is not a loopback address, and this release has no TLS: passwords and "
        "data "
        "would travel in clear. Listen on 127.0.0.1, or accept that with --resp-without-tls\n");
  CHECK(refusal(outside).text.find("there is no password") != std::string::npos);
  CHECK(load_good(with_password + " --resp-without-tls").resp.host == "0.0.0.0");
}

TEST_CASE("settings: each exception that is used is noticed, and one that is not needed is not") {
  const ScratchFile password("secret\n");
  const auto open = load(paris +
                         "--resp 0.0.0.0:7001 --resp-without-tls --gossip 10.0.0.1:7101 "
                         "--gossip-without-curve --peer tokyo=tokyo.example:7111 --requirepass-file " +
                         password.path());
  REQUIRE(open.has_value());
  CHECK(open->notices ==
        std::vector<std::string>{
            "resp_without_tls: Redis clients at 0.0.0.0:7001 are not encrypted",
            "gossip_without_curve: gossip 10.0.0.1:7101 is neither encrypted nor authenticated",
            "gossip_without_curve: pull 10.0.0.1:7102 is neither encrypted nor authenticated",
            "gossip_without_curve: peer tokyo at tokyo.example:7111 is neither encrypted nor "
            "authenticated"});
  const auto closed = load(paris + "--resp-without-tls --gossip-without-curve");
  REQUIRE(closed.has_value());
  CHECK(closed->notices.empty());
}

TEST_CASE("settings: every address of the loopback networks counts as loopback, nothing else does") {
  for (const char* host : {"127.0.0.1", "127.255.0.7", "::1", "localhost"}) CHECK(is_loopback({host, 1}));
  for (const char* host :
       {"0.0.0.0", "128.0.0.1", "::", "fe80::1", "::ffff:10.0.0.1", "paris", "127.example"})
    CHECK_FALSE(is_loopback({host, 1}));
}

TEST_CASE("settings: a password file without a password, or with more than one line, is refused") {
  const std::vector<std::pair<std::string, std::string>> table = {
      {"", "holds no password"},
      {"\n\n", "holds no password"},
      {"one\ntwo\n", "holds more than one line"},
      {std::string(513, 'x'), "the password is longer than 512 bytes"}};
  for (const auto& [text, message] : table) {
    const ScratchFile file(text);
    CHECK(refusal(paris + "--requirepass-file " + file.path()).text ==
          "turnstone: requirepass_file: " + file.path() + ": " + message + "\n");
  }
}

TEST_CASE("settings: every mistake of the file is named with its line and column, in order") {
  const ScratchFile file(
      "region = 7\n"
      "gosip = \"127.0.0.1:7101\"\n"
      "  resp = \"nowhere\"\n"
      "clients_max = \"many\"\n"
      "allow_link_control = 1\n"
      "value_bytes_max = 1.5\n"
      "[limits]\n"
      "clients_max = 5\n"
      "[[peer]]\n"
      "gossip = \"127.0.0.1:7111\"\n"
      "[[peer]]\n"
      "name = \"tokyo\"\n"
      "gossip = 7111\n"
      "port = 5\n"
      "[[peer]]\n"
      "name = \"dallas\"\n"
      "gossip = \"127.0.0.1:0\"\n");
  std::string expected;
  for (const char* line : {
           "1:1: region must be a string",
           "2:1: unknown key \"gosip\"; did you mean gossip?",
           "4:1: clients_max must be an integer",
           "5:1: allow_link_control must be true or false",
           "6:1: value_bytes_max must be an integer or a string such as \"1MiB\"",
           "7:2: unknown key \"limits\"",
           "9:1: [[peer]] needs name",
           "13:1: gossip must be a string",
           "14:1: unknown key \"port\" in [[peer]]",
           "15:1: peer: \"0\" is not a port; a port is 1 to 65535",
           "3:3: resp: \"nowhere\" is not HOST:PORT, such as 127.0.0.1:7001 or [::1]:7001",
       })
    expected += "turnstone: " + file.path() + ":" + line + "\n";
  CHECK(refusal("serve --config " + file.path()).text == expected);
}

TEST_CASE("settings: a file that is not TOML is refused at the place where it stops being TOML") {
  for (const auto& [text, place] :
       std::vector<std::pair<std::string, std::string>>{{"region = paris\n", ":1:"},
                                                        {"region = \"paris\"\n[[peer]\n", ":2:"},
                                                        {"a = 1\na = 2\n", ":2:"}}) {
    const ScratchFile file(text);
    const Refusal refused = refusal("serve --config " + file.path());
    CHECK(refused.exit_code == exit_code::config);
    CHECK(refused.text.starts_with("turnstone: " + file.path() + place));
  }
}

TEST_CASE("settings: peer in the file must be a table of its own") {
  for (const char* text :
       {"peer = \"tokyo=127.0.0.1:7111\"\n", "peer = [\"tokyo=127.0.0.1:7111\"]\n", "[peer]\n"}) {
    const ScratchFile file(text);
    const std::string refused = refusal(paris + "--config " + file.path()).text;
    INFO(refused);
    CHECK(refused.find("peer must be a table: write [[peer]]") != std::string::npos);
  }
}

TEST_CASE("settings: a mistake in the environment is named by its variable") {
  CHECK(refusal(paris, {{"TURNSTONE_CLIENTS_MAX", "many"}}).text ==
        "turnstone: TURNSTONE_CLIENTS_MAX: \"many\" is not a number from 1 to 1000000\n");
  CHECK(refusal(paris, {{"TURNSTONE_PEER", "tokyo=127.0.0.1:7111 dallas"}}).text ==
        "turnstone: TURNSTONE_PEER: \"dallas\" is not NAME=HOST:PORT, such as tokyo=127.0.0.1:7111\n");
}

TEST_CASE("settings: a configuration file that is too large is not read") {
  const ScratchFile file(std::string(1024 * 1024 + 1, '#'));
  CHECK(refusal(paris + "--config " + file.path()).text ==
        "turnstone: " + file.path() + ": is larger than 1 MiB\n");
}

}  // namespace
}  // namespace turnstone::regions
