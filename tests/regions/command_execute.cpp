#include "regions/commands/execute.hpp"

#include "regions/commands/command_table.hpp"
#include "tests/catch.hpp"
#include "tests/regions/command_world.hpp"

using namespace turnstone::test;
using namespace turnstone::commands;

TEST_CASE("execute: a command that is not known is named with its arguments") {
  Region paris;
  Client client(paris);
  CHECK(client.run("foo a b") == "!ERR unknown command 'foo', with args beginning with: 'a' 'b' ");
  CHECK(client.run("foo") == "!ERR unknown command 'foo', with args beginning with: ");
  CHECK(client.run("foo " + std::string(300, 'k') + " x") ==
        "!ERR unknown command 'foo', with args beginning with: '" + std::string(128, 'k') + "' ");
  CHECK(client.run("client|id") == "!ERR unknown command 'client|id', with args beginning with: ");
  CHECK(client.run_words({"foo", "a\r\n+OK"}) ==
        "!ERR unknown command 'foo', with args beginning with: 'a  +OK' ");
}

TEST_CASE("execute: the number of arguments is checked, of subcommands too") {
  Region paris;
  Client client(paris);
  CHECK(client.run("get") == "!ERR wrong number of arguments for 'get' command");
  CHECK(client.run("GET a b") == "!ERR wrong number of arguments for 'get' command");
  CHECK(client.run("client") == "!ERR wrong number of arguments for 'client' command");
  CHECK(client.run("client setname") == "!ERR wrong number of arguments for 'client|setname' command");
  CHECK(client.run("client nosuch") == "!ERR unknown subcommand 'nosuch'. Try CLIENT HELP.");
  CHECK(client.run("config nosuch") == "!ERR unknown subcommand 'nosuch'. Try CONFIG HELP.");
}

TEST_CASE("execute: every command refuses to run with too few arguments") {
  Region paris;
  Client client(paris);
  for (const Command& command : all_commands()) {
    std::vector<std::string> words = {std::string(command.name)};
    if (command.is_subcommand()) {
      const auto bar = words[0].find('|');
      words = {words[0].substr(0, bar), words[0].substr(bar + 1)};
    }
    const std::size_t least = static_cast<std::size_t>(std::abs(command.arity));
    words.resize(std::max(words.size(), least), "0");
    if (least > (command.is_subcommand() ? 2u : 1u)) {
      words.pop_back();
      const std::string expected =
          "!ERR wrong number of arguments for '" + std::string(command.name) + "' command";
      if (subcommands(command).empty()) CHECK(client.run_words(words) == expected);
    } else if (command.arity > 0) {
      words.emplace_back("0");
      // What EXEC refuses is discarded.
      const std::string prefix =
          command.name == "exec" ? "!EXECABORT Transaction discarded because of: " : "!ERR ";
      CHECK(client.run_words(words) ==
            prefix + "wrong number of arguments for '" + std::string(command.name) + "' command");
    }
  }
}

TEST_CASE("execute: only writes have something to wait for") {
  Region paris;
  Client client(paris);
  client.run("set k v");
  REQUIRE(client.outcome.ticket);
  const auto first = *client.outcome.ticket;
  client.run("get k");
  CHECK_FALSE(client.outcome.ticket);
  client.run("set k w");
  CHECK(client.outcome.ticket == first);  // in the batch that is open
  paris.publish();
  client.run("set k x");
  CHECK(client.outcome.ticket > first);
}

TEST_CASE("execute: while writes are refused, reads go on") {
  Region paris;
  Client client(paris);
  client.run("set k v");
  paris.leader.refusal = "the disk is nearly full";
  for (const char* write : {"set k w", "del k", "sadd s a", "flushall", "incr n"}) {
    CHECK(client.run(write) == "!MISCONF the disk is nearly full");
    CHECK_FALSE(client.outcome.ticket);
  }
  CHECK(client.run("get k") == "\"v\"");
  client.run("multi");
  CHECK(client.run("set k w") == "!MISCONF the disk is nearly full");
  CHECK(client.run("exec") == "!EXECABORT Transaction discarded because of previous errors.");
}

TEST_CASE("execute: a key may have key_bytes_max bytes and not one more") {
  Region paris;
  Client client(paris);
  const std::string longest(key_bytes_max, 'k');
  CHECK(client.run_words({"set", longest, "v"}) == "OK");
  CHECK(client.run_words({"mset", "a", "1", longest + "k", "v"}) ==
        "!ERR key is too long, key_bytes_max is 65536");
  CHECK(client.run_words({"rename", longest, longest + "k"}) ==
        "!ERR key is too long, key_bytes_max is 65536");
  CHECK(client.run("dbsize") == "1");
}

TEST_CASE("execute: a reply beyond its limit is an error for a read") {
  Region paris;
  Client client(paris);
  client.run_words({"set", "k", std::string(600, 'v')});
  client.reply_bytes_max = 1000;
  CHECK(client.run("get k").size() == 602);
  CHECK(client.run("mget k k") == "!ERR the reply is too large, reply_bytes_max is 1000");
  CHECK_FALSE(client.outcome.close);
}

TEST_CASE("execute: a reply beyond its limit ends the connection after a write, without an answer") {
  Region paris;
  Client client(paris);
  for (int i = 0; i < 10; ++i) client.run_words({"sadd", "s", std::string(200, 'm') + std::to_string(i)});
  client.reply_bytes_max = 1000;
  CHECK(client.raw({"spop", "s", "10"}).empty());
  CHECK(client.outcome.ticket);
  CHECK(client.outcome.close);
}

TEST_CASE("execute: HTTP ends the connection before a body can be taken for commands") {
  Region paris;
  Client client(paris);
  CHECK(client.raw({"POST", "/", "HTTP/1.1"}).empty());
  CHECK(client.outcome.close);
  Client another(paris, 8);
  CHECK(another.raw({"Host:", "localhost"}).empty());
  CHECK(another.outcome.close);
}

TEST_CASE("table: keys are found where Redis's convention says") {
  const auto keys = [](std::string_view name, std::size_t args) {
    const auto indexes = find_command(name)->key_indexes(args);
    std::vector<std::size_t> list;
    for (std::size_t i = indexes.first; i < indexes.end; i += indexes.step) list.push_back(i);
    return list;
  };
  using List = std::vector<std::size_t>;
  CHECK(keys("get", 2) == List{1});
  CHECK(keys("mset", 5) == List{1, 3});
  CHECK(keys("del", 4) == List{1, 2, 3});
  CHECK(keys("rename", 3) == List{1, 2});
  CHECK(keys("ping", 1).empty());
}

TEST_CASE("table: every command is named in lower case, once, and has a handler or subcommands") {
  std::set<std::string_view> names;
  for (const Command& command : all_commands()) {
    CHECK(names.insert(command.name).second);
    for (const char c : command.name) CHECK_FALSE((c >= 'A' && c <= 'Z'));
    CHECK((command.handler != nullptr) == (subcommands(command).empty() || command.arity == -1));
    CHECK_FALSE(command.summary.empty());
  }
}
