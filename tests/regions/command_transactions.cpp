#include <functional>

#include "tests/catch.hpp"
#include "tests/regions/command_world.hpp"

using namespace turnstone::test;

TEST_CASE("transactions: EXEC runs the queue as one operation") {
  Region paris;
  Client client(paris);
  CHECK(client.run("multi") == "OK");
  CHECK(client.run("set k v") == "QUEUED");
  CHECK(client.run("incr n") == "QUEUED");
  CHECK(client.run("get k") == "QUEUED");
  CHECK(client.run("incr k") == "QUEUED");
  Client other(paris, 8);
  CHECK(other.run("get k") == "nil");
  const auto before = paris.replica.vector().get(paris.replica.config().origin);
  CHECK(client.run("exec") == "[OK, 1, \"v\", !ERR value is not an integer or out of range]");
  CHECK(client.outcome.ticket);
  CHECK(paris.replica.vector().get(paris.replica.config().origin) == before + 1);
  CHECK(client.run("get k") == "\"v\"");
}

TEST_CASE("transactions: an EXEC that writes nothing has nothing to wait for") {
  Region paris;
  Client client(paris);
  client.run("multi");
  CHECK(client.run("exec") == "[]");
  client.run("multi");
  client.run("get k");
  CHECK(client.run("exec") == "[nil]");
  CHECK_FALSE(client.outcome.ticket);
}

TEST_CASE("transactions: MULTI, EXEC and DISCARD out of turn are refused") {
  Region paris;
  Client client(paris);
  CHECK(client.run("exec") == "!ERR EXEC without MULTI");
  CHECK(client.run("discard") == "!ERR DISCARD without MULTI");
  client.run("multi");
  CHECK(client.run("multi") == "!ERR MULTI calls can not be nested");
  CHECK(client.run("watch k") == "!ERR WATCH inside MULTI is not allowed");
  client.run("set k v");
  CHECK(client.run("discard") == "OK");
  CHECK(client.run("exists k") == "0");
  CHECK(client.run("exec") == "!ERR EXEC without MULTI");
}

TEST_CASE("transactions: a command that cannot be queued discards the transaction") {
  Region paris;
  Client client(paris);
  for (const char* wrong : {"nosuch", "get", "client nosuch", "client setname"}) {
    client.run("multi");
    client.run("set k v");
    CHECK(client.run(wrong).front() == '!');
    CHECK(client.run("set k w") == "QUEUED");
    CHECK(client.run("exec") == "!EXECABORT Transaction discarded because of previous errors.");
    CHECK(client.run("exists k") == "0");
    CHECK(client.run("exec") == "!ERR EXEC without MULTI");
  }
}

TEST_CASE("transactions: EXEC fails when a watched key changed, whoever changed it") {
  Region paris("paris", 0xa1);
  Region tokyo("tokyo", 0xb2);
  Client client(paris);
  Client other(paris, 8);
  Client in_tokyo(tokyo);
  const auto exec_after = [&](const std::function<void()>& change) {
    client.run("watch k l");
    change();
    client.run("multi");
    client.run("set mine 1");
    return client.run("exec");
  };
  CHECK(exec_after([] {}) == "[OK]");
  CHECK(exec_after([&] { other.run("set k v"); }) == "nil array");
  CHECK(exec_after([&] { other.run("sadd l v"); }) == "nil array");
  CHECK(exec_after([&] { client.run("set k v"); }) == "nil array");
  CHECK(exec_after([&] { other.run("flushall"); }) == "nil array");
  CHECK(exec_after([&] { other.run("set unwatched v"); }) == "[OK]");
  CHECK(exec_after([&] {
          in_tokyo.run("set k from-tokyo");
          Region::exchange(paris, tokyo);
        }) == "nil array");
  CHECK(exec_after([&] {
          other.run("set k v");
          client.run("unwatch");
        }) == "[OK]");
  // DISCARD and EXEC end the watch.
  client.run("watch k");
  client.run("multi");
  client.run("discard");
  other.run("set k w");
  client.run("multi");
  CHECK(client.run("exec") == "[]");
  client.run("hello 3");
  CHECK(exec_after([&] { other.run("set k x"); }) == "nil");
}

TEST_CASE("transactions: a connection watches up to watched_bytes_max") {
  Region paris;
  Client client(paris);
  const std::string key(60'000, 'k');
  std::string reply;
  int watched = 0;
  while ((reply = client.run_words({"watch", key + std::to_string(watched)})) == "OK" && watched < 10'000)
    ++watched;
  CHECK(reply == "!ERR too many watched keys, watched_bytes_max is 16777216");
  CHECK(watched > 200);
  CHECK(client.run("unwatch") == "OK");
  CHECK(client.run_words({"watch", key}) == "OK");
}

TEST_CASE("transactions: a queue that grows beyond its limit fails the transaction and is freed") {
  Region paris;
  Client client(paris);
  client.run("multi");
  const std::vector<std::string> megabyte = {"set", "k", std::string(1024 * 1024, 'v')};
  std::string reply;
  int queued = 0;
  while ((reply = client.run_words(megabyte)) == "QUEUED" && queued < 100) ++queued;
  CHECK(queued == 63);
  CHECK(reply ==
        "!ERR transaction is too large, queue_bytes_max is 67108864 and queue_commands_max is 1000000");
  CHECK(client.session.transaction.queue.bytes() == 0);
  CHECK(client.run("exec") == "!EXECABORT Transaction discarded because of previous errors.");
}

TEST_CASE("transactions: HELLO inside a transaction changes what follows it") {
  Region paris;
  Client client(paris);
  client.run("multi");
  client.run("get nosuch");
  client.run("hello 3");
  client.run("get nosuch");
  const std::string reply = client.raw({"exec"});
  CHECK(reply.substr(0, 9) == "*3\r\n$-1\r\n");
  CHECK(reply.substr(reply.size() - 3) == "_\r\n");
  CHECK(client.session.protocol == 3);
}

TEST_CASE("transactions: EXEC is refused while writes are, if it would write") {
  Region paris;
  Client client(paris);
  client.run("multi");
  client.run("set k v");
  paris.leader.refusal = "the disk is nearly full";
  CHECK(client.run("exec") == "!EXECABORT Transaction discarded because of: MISCONF the disk is nearly full");
  CHECK(client.run("exec") == "!ERR EXEC without MULTI");
  client.run("multi");
  client.run("get k");
  CHECK(client.run("exec") == "[nil]");
}
