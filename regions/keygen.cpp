#include "regions/keygen.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <string>

#include "regions/security/key_file.hpp"
#include "regions/settings/exit_code.hpp"

namespace turnstone::regions {
namespace {

constexpr Flag flags[] = {
    {"--out", "FILE", "make keys and write them here; an existing file is never overwritten"},
    {"--show", "FILE", "print the public key of the keys that this file holds"},
};

int run_keygen(const Arguments& arguments) {
  if (arguments.has("--out") == arguments.has("--show")) {
    complain(keygen, "give either --out FILE or --show FILE");
    return exit_code::usage;
  }
  Result<PublicKeys> keys = PublicKeys{};
  if (arguments.has("--out")) {
    keys = make_key_file(arguments.text("--out"));
  } else {
    keys =
        read_key_file(arguments.text("--show")).map([](const SecretKeys& own) { return own.public_keys(); });
  }
  if (!keys) {
    complain(keygen, keys.error().message);
    return keys.error().code == Errc::config ? exit_code::config : exit_code::io;
  }
  fmt::print("{}\n", to_string(*keys));
  return exit_code::ok;
}

}  // namespace

const Subcommand keygen = {
    "keygen",
    "make the keys that leaders know each other by",
    "--out FILE\n--show FILE",
    "Makes the secret keys of one region's leader: one that encrypts and proves its links\n"
    "(CURVE) and one that signs its writes (Ed25519). Prints the public key, which the other\n"
    "leaders are told; the file goes into this leader's key_file and nowhere else.",
    flags,
    R"(Example:
    turnstone keygen --out /etc/turnstone/paris.key
  Then, in paris's settings: key_file = "/etc/turnstone/paris.key"
  In everybody else's, under paris's [[peer]]: keys = ["tspub1-..."]

Exit status:
  0 done; 64 the command line cannot be understood; 74 the file cannot be written;
  78 there is a file of that name already, or it holds no keys, or others may read it)",
    0,
    run_keygen};

}  // namespace turnstone::regions
