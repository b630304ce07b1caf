// Policies, merge functions and siblings, as clients see them.
#include "tests/catch.hpp"
#include "tests/regions/command_world.hpp"

using namespace turnstone;
using namespace turnstone::test;

namespace {

// Two regions that have not heard of what each wrote, until they exchange().
struct Pair {
  Region paris{"paris", 0xa1};
  Region tokyo{"tokyo", 0xb2};
  Client at_paris{paris};
  Client at_tokyo{tokyo};

  Pair() { tokyo.now_ms += 1000; }
  void exchange() { Region::exchange(paris, tokyo); }
  // Of both, which must be the same.
  std::string both(const std::string& line) {
    const std::string reply = at_paris.run(line);
    CHECK(at_tokyo.run(line) == reply);
    return reply;
  }
};

const std::string concatenation =
    "return function(siblings) local all = '' "
    "for i = 1, #siblings do all = all .. siblings[i].value end return all end";

}  // namespace

TEST_CASE("policy: the rule of the longest pattern that matches says what readers see") {
  Pair at;
  CHECK(at.at_paris.run("ts.policy set cart:* union") == "\"union\"");
  CHECK(at.at_paris.run("ts.policy set * max") == "\"max\"");
  CHECK(at.at_paris.run("ts.policy set cart:vip:* longest") == "\"longest\"");
  at.exchange();
  at.at_paris.run_words({"mset", "cart:1", R"(["milk"])", "cart:vip:1", "[milk,tea]", "other", "9"});
  at.at_tokyo.run_words({"mset", "cart:1", R"(["eggs"])", "cart:vip:1", "[]", "other", "10"});
  at.at_paris.run("hset h f 3");
  at.at_tokyo.run("hset h f 2");
  at.exchange();
  CHECK(at.both("get cart:1") == R"("["eggs","milk"]")");
  CHECK(at.both("get cart:vip:1") == R"("[milk,tea]")");
  CHECK(at.both("mget other cart:1") == R"(["10", "["eggs","milk"]"])");
  CHECK(at.both("hgetall h") == R"(["f", "3"])");
  CHECK(at.both("strlen other") == "2");
  CHECK(at.both("ts.policy which cart:vip:1") ==
        R"(["key", "cart:vip:1", "rule", "longest", "pattern", "cart:vip:*", "problem", ""])");

  // A change counts wherever it has arrived.
  CHECK(at.at_tokyo.run("ts.policy unset *") == "1");
  CHECK(at.at_tokyo.run("ts.policy set other min") == "\"min\"");
  CHECK(at.at_tokyo.run("get other") == "\"9\"");
  CHECK(at.at_paris.run("get other") == "\"10\"");
  at.exchange();
  CHECK(at.both("get other") == "\"9\"");
  CHECK(at.both("hget h f") == "\"2\"");
  CHECK(at.at_paris.run("ts.policy unset *") == "0");
}

TEST_CASE("policy: what writes read is what readers see") {
  Pair at;
  at.at_paris.run("ts.policy set n max");
  at.at_paris.run("ts.policy set log longest");
  at.exchange();
  at.at_paris.run("mset n 50 log aaaa");
  at.at_tokyo.run("mset n 7 log b");
  at.exchange();
  CHECK(at.at_paris.run("incrby n 5") == "55");
  CHECK(at.at_paris.run("append log !") == "5");
  CHECK(at.at_paris.run("rename n m") == "OK");
  CHECK(at.at_paris.run("get m") == "\"55\"");
  at.exchange();
  CHECK(at.both("get log") == "\"aaaa!\"");
  CHECK(at.both("get m") == "\"55\"");
}

TEST_CASE("policy: a wrong one is refused and changes nothing") {
  Region region;
  Client client(region);
  CHECK(client.run("ts.policy set k nonsense").starts_with("!ERR no merge function is called"));
  CHECK(client.run("ts.policy set k native:price@1") ==
        "!ERR this leader has no native function 'price@1': its plug-in is not loaded (merge_plugins)");
  CHECK(client.run("ts.policy set \"\" union") == "!ERR a pattern has 1 to 1024 bytes");
  CHECK(client.run("ts.policy list") == "[]");
  CHECK(client.run("ts.policy set a") == "!ERR wrong number of arguments for 'ts.policy|set' command");
  CHECK(client.run("dbsize") == "0");
}

TEST_CASE("policy: there are so many and no more, and functions too") {
  Region region;
  Client client(region);
  for (int i = 0; i < 1000; ++i) client.run_words({"ts.policy", "set", "k" + std::to_string(i), "max"});
  CHECK(client.run("ts.policy set one-more max") == "!ERR too many policies, policies_max is 1000");
  CHECK(client.run("ts.policy set k7 min") == "\"min\"");
  for (int i = 0; i < 1000; ++i) {
    const std::string number = std::to_string(i);
    client.run_words({"ts.merge", "load", "f" + number, "return function() return '" + number + "' end"});
  }
  CHECK(client.run_words({"ts.merge", "load", "g", "return function() return 'x' end"}) ==
        "!ERR too many merge functions, merges_max is 1000");
}

TEST_CASE("merge: a function in Lua is loaded as a version, named by policies, and retired") {
  Pair at;
  const std::string loaded = at.at_paris.run_words({"ts.merge", "load", "cat", concatenation});
  CHECK(loaded.starts_with("\"cat@1#"));
  CHECK(at.at_paris.run_words({"ts.merge", "load", "cat", concatenation}) == loaded);
  CHECK(at.at_paris.run_words({"ts.merge", "load", "cat", "return function() return 'two' end"})
            .starts_with("\"cat@2#"));
  CHECK(at.at_paris.run("ts.policy set k cat@1") == loaded);
  CHECK(
      at.at_paris.run("ts.merge retire cat@1").ends_with(" is the rule of k: give these another one first"));
  at.exchange();
  at.at_paris.run("set k p");
  at.at_tokyo.run("set k t");
  at.exchange();
  CHECK(at.both("get k") == "\"pt\"");
  CHECK(at.at_tokyo.run("ts.policy set k cat").starts_with("\"cat@2#"));
  CHECK(at.at_tokyo.run("get k") == "\"two\"");
  CHECK(at.at_tokyo.run("ts.merge retire cat@1") == loaded);
  at.exchange();
  CHECK(at.both("get k") == "\"two\"");
  CHECK(at.at_paris.run("ts.merge show cat@1") == "!ERR there is no merge function 'cat@1'");
}

TEST_CASE("merge: what does not compile is refused, with its line") {
  Region region;
  Client client(region);
  CHECK(client.run_words({"ts.merge", "load", "bad", "return function( end"}).starts_with("!ERR bad:1:"));
  CHECK(client.run_words({"ts.merge", "load", "Bad name", concatenation})
            .starts_with("!ERR a function's name"));
  CHECK(client.run_words({"ts.merge", "load", "max", concatenation}) ==
        "!ERR 'max' is built in: take another name");
  CHECK(client.run("ts.merge list") == "[]");
}

TEST_CASE("merge: the same version loaded in two regions at once has to be told apart") {
  Pair at;
  at.at_paris.run_words({"ts.merge", "load", "f", "return function() return 'p' end"});
  at.at_tokyo.run_words({"ts.merge", "load", "f", "return function() return 't' end"});
  at.exchange();
  CHECK(at.at_paris.run("ts.policy set k f")
            .starts_with("!ERR 'f' was loaded in two regions at once: say which one, f@1#"));
  CHECK(at.at_paris.run_words({"ts.merge", "load", "f", "return function() return 'b' end"})
            .starts_with("\"f@2#"));
  CHECK(at.at_paris.run("ts.policy set k f").starts_with("\"f@2#"));
}

TEST_CASE("merge: a function that fails leaves the default in view, and is not asked again") {
  Pair at;
  at.at_paris.run_words(
      {"ts.merge", "load", "broken", "return function(s) return s[1].value .. s[9].value end"});
  at.at_paris.run("ts.policy set k broken");
  at.exchange();
  std::vector<crdt::MergeFailure> failures;
  at.paris.leader.merges->on_failure([&](const crdt::MergeFailure& failure) { failures.push_back(failure); });
  at.at_paris.run("set k p");
  CHECK(at.at_paris.run("get k") == "\"p\"");
  at.at_tokyo.run("set k t");
  at.exchange();
  for (int i = 0; i < 3; ++i) CHECK(at.both("get k") == "\"t\"");
  REQUIRE(failures.size() == 1);
  CHECK(failures[0].name.key == "k");
  CHECK(failures[0].first.value == "p");
  CHECK(failures[0].second.value == "t");
  CHECK(at.paris.leader.merging().failures() == 1);
}

TEST_CASE("merge: a leader without the function shows the default and says so") {
  Pair at;
  at.at_paris.run_words({"ts.merge", "load", "cat", concatenation});
  at.at_paris.run("ts.policy set k cat");
  at.exchange();
  at.at_tokyo.run("ts.policy unset k");
  at.at_tokyo.run("ts.merge retire cat");
  at.at_paris.run("ts.policy set k cat");
  at.exchange();
  at.at_paris.run("set k p");
  at.at_tokyo.run("set k t");
  at.exchange();
  CHECK(at.both("get k") == "\"t\"");
  CHECK(at.both("ts.policy which k").find("there is no merge function 'cat@1#") != std::string::npos);
}

TEST_CASE("siblings: a three-way merge tells a removal from an absence") {
  Pair at;
  at.at_paris.run("ts.policy set p json-merge");
  at.at_paris.run_words({"set", "p", R"({"name":"Ann","phone":"1","tag":"x"})"});
  at.exchange();
  at.at_paris.run_words({"set", "p", R"({"name":"Anna","phone":"1","tag":"x"})"});
  at.at_tokyo.run_words({"set", "p", R"({"name":"Ann","mail":"a@b","tag":"x"})"});
  at.exchange();
  INFO(at.at_paris.run("ts.siblings p"));
  CHECK(at.both("get p") == R"("{"mail":"a@b","name":"Anna","tag":"x"}")");
}

TEST_CASE("siblings: all are shown, and a choice takes the place of those that it names") {
  Pair at;
  at.at_paris.run("set k p");
  at.at_tokyo.run("set k t");
  at.exchange();
  const std::string all = at.at_paris.run("ts.siblings k");
  CHECK(
      all ==
      R"(["rule", "lww", "pattern", "", "problem", "", "shown", "t", "siblings", [)"
      R"(["id", "00000000000000a1:1:0", "region", "paris", "at_ms", 1700000000000, "clock", )"
      R"(111411200000000000, "value", "p", "context", "{}"], ["id", "00000000000000b2:1:0", "region", "tokyo", )"
      R"("at_ms", 1700000001000, "clock", 111411200065536000, "value", "t", "context", "{}"]]])");
  CHECK(at.at_tokyo.run("ts.siblings none") == "nil");
  CHECK(at.at_paris.run(
            "ts.resolve k take 00000000000000a1:1:0 siblings 00000000000000b2:1:0 00000000000000a1:1:0") ==
        "OK");
  CHECK(at.at_paris.run("get k") == "\"p\"");
  at.exchange();
  CHECK(at.both("get k") == "\"p\"");
  CHECK(at.at_tokyo.run("ts.resolve k value x siblings 00000000000000b2:1:0") ==
        "!ERR there is no sibling 00000000000000b2:1:0: see TS.SIBLINGS again");
  CHECK(at.at_tokyo.run("get k") == "\"p\"");
}

TEST_CASE("siblings: a choice that names one of two leaves the other") {
  Pair at;
  at.at_paris.run("hset h f p");
  at.at_tokyo.run("hset h f t");
  at.exchange();
  CHECK(at.at_paris.run("ts.resolve h field f value chosen siblings 00000000000000a1:1:0") == "OK");
  CHECK(at.at_paris.run("hget h f") == "\"chosen\"");
  CHECK(at.at_paris.run("ts.siblings h field f").find("\"value\", \"t\"") != std::string::npos);
  CHECK(at.at_paris.run("ts.resolve h field f delete all by ann conflict 0123456789abcdef0123456789abcdef") ==
        "OK");
  at.exchange();
  CHECK(at.both("hexists h f") == "0");
}

TEST_CASE("siblings: what cannot be understood is refused") {
  Region region;
  Client client(region);
  client.run("set k v");
  CHECK(client.run("ts.siblings k field") == "!ERR syntax error");
  CHECK(client.run("ts.resolve k value x") == "!ERR wrong number of arguments for 'ts.resolve' command");
  CHECK(
      client.run("ts.resolve k value x by ann").starts_with("!ERR say which siblings it takes the place of"));
  CHECK(client.run("ts.resolve k delete take x all") == "!ERR say one of VALUE value, TAKE id and DELETE");
  CHECK(client.run("ts.resolve k delete all conflict 12").starts_with("!ERR the id of a conflict has"));
  CHECK(client.run("get k") == "\"v\"");
}
