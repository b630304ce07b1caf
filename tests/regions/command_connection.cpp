#include "tests/catch.hpp"
#include "tests/regions/command_world.hpp"

using namespace turnstone::test;

TEST_CASE("connection: PING, ECHO, SELECT and QUIT") {
  Region paris;
  Client client(paris);
  CHECK(client.run("ping") == "PONG");
  CHECK(client.run("ping hello") == "\"hello\"");
  CHECK(client.run("ping a b") == "!ERR wrong number of arguments for 'ping' command");
  CHECK(client.run("echo hello") == "\"hello\"");
  CHECK(client.run("select 0") == "OK");
  CHECK(client.run("select 1") == "!ERR DB index is out of range");
  CHECK(client.run("select x") == "!ERR value is not an integer or out of range");
  CHECK_FALSE(client.outcome.close);
  CHECK(client.run("quit") == "OK");
  CHECK(client.outcome.close);
}

TEST_CASE("connection: HELLO introduces and changes the protocol") {
  Region paris;
  Client client(paris);
  const std::string two =
      "[\"server\", \"redis\", \"version\", \"7.0.15\", \"proto\", 2, \"id\", 7, \"mode\", \"standalone\", "
      "\"role\", "
      "\"master\", \"modules\", [], \"turnstone_version\", \"0.1.0\"]";
  const std::string three =
      "{\"server\": \"redis\", \"version\": \"7.0.15\", \"proto\": 3, \"id\": 7, \"mode\": \"standalone\", "
      "\"role\": "
      "\"master\", \"modules\": [], \"turnstone_version\": \"0.1.0\"}";
  CHECK(client.run("hello") == two);
  CHECK(client.run("hello 3") == three);
  CHECK(client.session.protocol == 3);
  CHECK(client.run("hello") == three);
  CHECK(client.run("hello 2 setname me") == two);
  CHECK(client.session.name == "me");
  CHECK(client.run("hello 4") == "!NOPROTO unsupported protocol version");
  CHECK(client.run("hello x") == "!ERR Protocol version is not an integer or out of range");
  CHECK(client.run("hello 3 foo") == "!ERR Syntax error in HELLO option 'foo'");
  CHECK(client.run("hello 3 setname 'a b'") ==
        "!ERR Client names cannot contain spaces, newlines or special characters.");
  CHECK(client.session.protocol == 2);
}

TEST_CASE("connection: nothing but a greeting is allowed before the password") {
  Region paris;
  paris.leader.secret = "secret";
  Client client(paris);
  for (const char* command :
       {"ping", "get k", "set k v", "multi", "client id", "command", "info", "ts.regions"}) {
    CHECK(client.run(command) == "!NOAUTH Authentication required.");
  }
  CHECK(client.run("hello 3").substr(0, 18) == "!NOAUTH HELLO must");
  CHECK(client.session.protocol == 2);
  const std::string wrong = "!WRONGPASS invalid username-password pair or user is disabled.";
  CHECK(client.run("auth wrong") == wrong);
  CHECK(client.run("auth secre") == wrong);
  CHECK(client.run("auth secrets") == wrong);
  CHECK(client.run("auth ''") == wrong);
  CHECK(client.run("auth somebody secret") == wrong);
  CHECK(client.run("hello 3 auth default wrong") == wrong);
  CHECK(client.run("auth a b c") == "!ERR syntax error");
  CHECK(client.run("ping") == "!NOAUTH Authentication required.");
  CHECK(client.run("auth secret") == "OK");
  CHECK(client.run("ping") == "PONG");
  CHECK(client.run("reset") == "RESET");
  CHECK(client.run("ping") == "!NOAUTH Authentication required.");
  CHECK(client.run("hello 3 auth default secret setname me").front() == '{');
  CHECK(client.run("ping") == "PONG");
  CHECK(client.run("quit") == "OK");
}

TEST_CASE("connection: AUTH without a password configured") {
  Region paris;
  Client client(paris);
  CHECK(client.run("auth x").substr(0, 60) == "!ERR AUTH <password> called without any password configured ");
  CHECK(client.run("auth default anything") == "OK");
  CHECK(client.run("auth somebody anything") ==
        "!WRONGPASS invalid username-password pair or user is disabled.");
}

TEST_CASE("connection: RESET makes the connection as good as new") {
  Region paris;
  Client client(paris);
  Client other(paris, 8);
  client.run("hello 3");
  client.run("client setname me");
  client.run("watch k");
  client.run("multi");
  client.run("set k v");
  CHECK(client.run("reset") == "RESET");
  CHECK(client.session.protocol == 2);
  CHECK(client.session.authenticated);  // nobody has to be
  CHECK(client.run("client getname") == "nil");
  CHECK(client.run("exec") == "!ERR EXEC without MULTI");
  CHECK(client.run("exists k") == "0");
  other.run("set k v");
  CHECK_FALSE(client.session.transaction.watched_key_changed);
}

TEST_CASE("connection: CLIENT names and describes connections") {
  Region paris;
  Client client(paris);
  Client other(paris, 8);
  CHECK(client.run("client id") == "7");
  CHECK(client.run("client getname") == "nil");
  CHECK(client.run("client setname me") == "OK");
  CHECK(client.run("client getname") == "\"me\"");
  CHECK(client.run("client setname 'a b'") ==
        "!ERR Client names cannot contain spaces, newlines or special characters.");
  CHECK(client.run("client setname " + std::string(1025, 'n')) ==
        "!ERR Client names cannot be longer than client_name_bytes_max (1024)");
  CHECK(client.run("client setinfo LIB-NAME lib") == "OK");
  CHECK(client.run("client setinfo lib-ver 1.2") == "OK");
  CHECK(client.run("client setinfo lib-ver '1 2'") ==
        "!ERR lib-ver cannot contain spaces, newlines or special characters.");
  CHECK(client.run("client setinfo foo x") == "!ERR Unrecognized option 'foo'");
  CHECK(client.run("client no-evict on") == "OK");
  CHECK(client.run("client no-evict x") == "!ERR syntax error");
  CHECK(client.run("client maint_notifications on") ==
        "!ERR unknown subcommand 'maint_notifications'. Try CLIENT HELP.");
  const std::string mine =
      "id=7 addr=127.0.0.1:50000 laddr=127.0.0.1:7001 name=me age=0 idle=0 flags=e db=0 sub=0 psub=0 ssub=0 "
      "multi=-1 "
      "qbuf=0 qbuf-free=0 argv-mem=0 multi-mem=0 obl=0 oll=0 omem=0 tot-mem=0 cmd=client|info user=default "
      "redir=-1 resp=2 lib-name=lib lib-ver=1.2\n";
  CHECK(client.run("client info") == "\"" + mine + "\"");
  client.run("client setname ''");
  CHECK(client.run("client getname") == "nil");
}

TEST_CASE("connection: CLIENT LIST shows all connections or those asked for") {
  Region paris;
  Client client(paris);
  Client other(paris, 8);
  const auto shown = [&](const std::string& command) {
    const std::string reply = client.run(command);
    return std::make_pair(reply.find("id=7 ") != std::string::npos, reply.find("id=8 ") != std::string::npos);
  };
  CHECK(shown("client list") == std::make_pair(true, true));
  CHECK(shown("client list type normal") == std::make_pair(true, true));
  CHECK(shown("client list type pubsub") == std::make_pair(false, false));
  CHECK(shown("client list id 8 99") == std::make_pair(false, true));
  CHECK(client.run("client list type x") == "!ERR Unknown client type 'x'");
  CHECK(client.run("client list id x") == "!ERR Invalid client ID");
  CHECK(client.run("client list foo") == "!ERR syntax error");
  CHECK(client.run("client help").find("SETNAME") != std::string::npos);
}
