#include "tests/catch.hpp"
#include "tests/regions/command_world.hpp"

using namespace turnstone::test;

TEST_CASE("server: INFO says what clients and tools look for") {
  Region paris;
  Client client(paris);
  client.run("set k v");
  const std::string info = client.run("info");
  for (const char* line :
       {"redis_version:7.0.15\r\n", "turnstone_version:0.1.0\r\n", "redis_mode:standalone\r\n",
        "loading:0\r\n", "role:master\r\n", "connected_clients:1\r\n", "db0:keys=1,expires=0,avg_ttl=0\r\n",
        "region:paris\r\n", "tcp_port:7001\r\n", "uptime_in_seconds:10\r\n", "# Memory\r\n",
        "total_commands_processed:0\r\n"}) {
    CHECK(info.find(line) != std::string::npos);
  }
  CHECK(client.run("info keyspace") == "\"# Keyspace\r\ndb0:keys=1,expires=0,avg_ttl=0\r\n\"");
  CHECK(client.run("INFO Clients KEYSPACE") ==
        "\"# Clients\r\nconnected_clients:1\r\n\r\n# Keyspace\r\ndb0:keys=1,expires=0,avg_ttl=0\r\n\"");
  CHECK(client.run("info everything") == client.run("info"));
  CHECK(client.run("info nosuch") == "\"\"");
  client.run("del k");
  CHECK(client.run("info keyspace") == "\"# Keyspace\r\n\"");
  paris.leader.still_loading = "not caught up";
  CHECK(client.run("info persistence").find("loading:1\r\n") != std::string::npos);
  client.run("hello 3");
  CHECK(client.run("info keyspace").substr(0, 5) == "text ");
}

TEST_CASE("server: CONFIG GET matches patterns, and CONFIG SET is refused") {
  Region paris;
  Client client(paris);
  CHECK(client.run("config get save") == "[\"save\", \"\"]");
  CHECK(client.run("config get APPEND* p?rt") == "[\"appendonly\", \"yes\", \"port\", \"7001\"]");
  CHECK(client.run("config get nosuch") == "[]");
  CHECK(client.run("config set save 1").substr(0, 32) == "!ERR CONFIG SET is not supported");
  paris.leader.numbers.commands_processed = 5;
  CHECK(client.run("config resetstat") == "OK");
  CHECK(paris.leader.numbers.commands_processed == 0);
  CHECK(client.run("config help").find("RESETSTAT") != std::string::npos);
  client.run("hello 3");
  CHECK(client.run("config get save") == "{\"save\": \"\"}");
}

TEST_CASE("server: TIME and DBSIZE") {
  Region paris;
  Client client(paris);
  paris.now_ms = 1'700'000'000'123;
  CHECK(client.run("time") == "[\"1700000000\", \"123000\"]");
  CHECK(client.run("dbsize") == "0");
}

TEST_CASE("server: COMMAND describes the commands") {
  Region paris;
  Client client(paris);
  CHECK(client.run("command info get nosuch") ==
        "[[\"get\", 2, [readonly, fast], 1, 1, 1, [@read, @string, @fast], [], [], []], nil]");
  CHECK(client.run("command info mset") ==
        "[[\"mset\", -3, [write], 1, -1, 2, [@write, @string, @slow], [], [], []]]");
  CHECK(client.run("command info client|id") ==
        "[[\"client|id\", 2, [], 0, 0, 0, [@connection, @slow], [], [], []]]");
  CHECK(client.run("command docs get nosuch") ==
        "[\"get\", [\"summary\", \"Returns the string at a key.\", \"since\", \"1.0.0\", \"group\", "
        "\"string\"]]");
  const int count = std::stoi(client.run("command count"));
  CHECK(count > 70);
  client.run("hello 3");
  const auto elements = [&](const char* command) { return client.raw({"command", command}).substr(1, 2); };
  CHECK(elements("list") == std::to_string(count));
  CHECK(elements("docs") == std::to_string(count));
  CHECK(elements("info") == std::to_string(count));
  CHECK(client.raw({"command"}).substr(1, 2) == std::to_string(count));
  CHECK(client.run("command nosuch") == "!ERR unknown subcommand 'nosuch'. Try COMMAND HELP.");
  CHECK(client.run("command help").find("DOCS") != std::string::npos);
  CHECK(client.run("command docs get").substr(0, 17) == "{\"get\": {\"summary");
}
