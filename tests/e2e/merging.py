#!/usr/bin/python3
"""Policies and merge functions across three regions: set in one, in force in all, the same answer
everywhere, through crashes, copies and functions that fail."""
import json
import shutil
import subprocess

import case
import cluster
from processes import until
from resp import ReplyError

OPTIONS = ("--checkpoint-interval-ms", "100", "--log-retain-bytes", "0")
BASKET = """
-- A basket is the newest one, with what only older ones have behind it.
local function merge(siblings, base)
  local all, seen = {}, {}
  for i = #siblings, 1, -1 do
    for _, item in ipairs(siblings[i].value) do
      if not seen[item] then
        seen[item] = true
        all[#all + 1] = item
      end
    end
  end
  return all
end
return { values = "json", merge = merge }
"""
FAILS = "return function(siblings) return siblings[9].value end"


def as_dict(reply):
    return dict(zip(reply[::2], reply[1::2])) if isinstance(reply, list) else reply


class Merging(case.ClusterTest):
    options = OPTIONS

    def apart(self, writes):
        """Each leader writes while it is cut off from the others; then all converge."""
        leaders = list(self.cluster)
        for one in leaders:
            for other in leaders:
                if one is not other:
                    one.call("TS.LINK", "CUT", other.region)
        for leader in leaders:
            for command in writes.get(leader.region, ()):
                leader.call(*command)
        for one in leaders:
            for other in leaders:
                if one is not other:
                    one.call("TS.LINK", "HEAL", other.region)
        self.cluster.wait_converged()

    def policy(self, leader, *words):
        done = subprocess.run([cluster.binary(), "policy", *words, "--at", "127.0.0.1:%d" % leader.resp_port],
                              capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout, done.stderr

    def test_a_policy_is_in_force_everywhere_without_a_restart_and_after_one(self):
        self.assertEqual(self.policy(self.paris, "set", "cart:*", "--merge", "union")[0], 0)
        self.assertEqual(self.policy(self.tokyo, "set", "high:*", "--merge", "max")[0], 0)
        self.cluster.wait_converged()
        self.apart({"paris": [("SET", "cart:1", '["milk"]'), ("SET", "high:1", "7")],
                    "tokyo": [("SET", "cart:1", '["eggs"]'), ("SET", "high:1", "40")],
                    "dallas": [("SET", "cart:1", '["tea"]'), ("SET", "high:1", "9")]})
        self.assertEqual(self.cluster.everywhere("GET", "cart:1"), '["eggs","milk","tea"]')
        self.assertEqual(self.cluster.everywhere("GET", "high:1"), "40")
        for leader in self.cluster:
            leader.kill9()
            leader.start()
        self.cluster.wait_converged()
        self.assertEqual(self.cluster.everywhere("GET", "cart:1"), '["eggs","milk","tea"]')
        code, out, _ = self.policy(self.dallas, "list", "--json")
        self.assertEqual([(line["pattern"], line["rule"], line["region"]) for line in map(json.loads, out.splitlines())],
                         [("cart:*", "union", "paris"), ("high:*", "max", "tokyo")])
        self.assertEqual(self.policy(self.dallas, "unset", "high:*")[0], 0)
        self.cluster.wait_converged()
        self.assertIn(self.cluster.everywhere("GET", "high:1"), ("7", "40", "9"))
        # A write has seen all of them: one value stays.
        self.paris.call("SET", "cart:1", "[]")
        self.cluster.wait_converged()
        self.assertEqual(self.cluster.everywhere("GET", "cart:1"), "[]")

    def test_clients_meet_neither_policies_nor_functions(self):
        self.paris.call("TS.POLICY", "SET", "*", "union")
        self.paris.call("TS.MERGE", "LOAD", "basket", BASKET)
        self.cluster.wait_converged()
        self.assertEqual(self.cluster.everywhere("DBSIZE"), 0)
        self.assertEqual(self.cluster.everywhere("KEYS", "*"), [])
        self.tokyo.call("SET", "policies", "mine")
        self.tokyo.call("FLUSHALL")
        self.cluster.wait_converged()
        self.assertEqual(len(self.dallas.call("TS.POLICY", "LIST")), 1)

    def test_a_function_in_lua_is_the_same_everywhere_and_a_joining_leader_has_it(self):
        rule = self.paris.call("TS.MERGE", "LOAD", "basket", BASKET)
        self.paris.call("TS.POLICY", "SET", "basket:*", "basket")
        self.cluster.wait_converged()
        self.apart({"paris": [("SET", "basket:1", '["a","b"]')], "tokyo": [("SET", "basket:1", '["b","c"]')]})
        shown = self.cluster.everywhere("GET", "basket:1")
        self.assertEqual(sorted(json.loads(shown)), ["a", "b", "c"])
        self.dallas.kill9()
        shutil.rmtree(self.dallas.data)
        self.dallas.start("--join")
        self.takes_writes(self.dallas)
        self.cluster.wait_converged()
        self.assertEqual(self.cluster.everywhere("GET", "basket:1"), shown)
        self.assertEqual(as_dict(self.dallas.call("TS.POLICY", "WHICH", "basket:1"))["rule"], rule)

    def test_a_three_way_merge_tells_a_removal_from_an_absence(self):
        self.paris.call("TS.POLICY", "SET", "profile:*", "json-merge")
        self.paris.call("SET", "profile:1", '{"name":"Ann","phone":"1","tag":"x"}')
        self.paris.call("HSET", "profile:2", "card", '{"a":1,"b":2}')
        self.cluster.wait_converged()
        self.apart({"paris": [("SET", "profile:1", '{"name":"Anna","phone":"1","tag":"x"}'),
                              ("HSET", "profile:2", "card", '{"a":1}')],
                    "tokyo": [("SET", "profile:1", '{"name":"Ann","mail":"a@b","tag":"x"}'),
                              ("HSET", "profile:2", "card", '{"a":1,"b":2,"c":3}')]})
        self.assertEqual(self.cluster.everywhere("GET", "profile:1"), '{"mail":"a@b","name":"Anna","tag":"x"}')
        self.assertEqual(self.cluster.everywhere("HGET", "profile:2", "card"), '{"a":1,"c":3}')
        for leader in self.cluster:
            leader.kill9()
            leader.start()
        self.cluster.wait_converged()
        self.assertEqual(self.cluster.everywhere("HGET", "profile:2", "card"), '{"a":1,"c":3}')

    def test_a_function_that_fails_is_on_record_everywhere_and_stops_nothing(self):
        self.paris.call("TS.MERGE", "LOAD", "fails", FAILS)
        self.paris.call("TS.POLICY", "SET", "k", "fails")
        self.cluster.wait_converged()
        self.apart({"paris": [("SET", "k", "p")], "tokyo": [("SET", "k", "t")]})

        def failed(leader):
            return [record["id"] for record in leader.conflicts("k") if record["type"] == "merge_failed"]
        until(lambda: all(failed(leader) for leader in self.cluster), 30, "the failure is on record")
        self.assertEqual(len({tuple(failed(leader)) for leader in self.cluster}), 1)
        self.assertIn(self.cluster.everywhere("GET", "k"), ("p", "t"))
        for leader in self.cluster:
            self.assertIn('"alarm":"merge_failed"', leader.log_text())
        self.paris.call("SET", "k", "better")
        self.cluster.wait_converged()
        self.assertEqual(self.cluster.everywhere("GET", "k"), "better")

    def test_a_choice_between_siblings_replicates(self):
        self.apart({"paris": [("SET", "k", "p")], "tokyo": [("SET", "k", "t")], "dallas": [("SET", "k", "d")]})
        siblings = {as_dict(one)["value"]: as_dict(one)["id"] for one in as_dict(self.paris.call("TS.SIBLINGS", "k"))["siblings"]}
        self.assertEqual(sorted(siblings), ["d", "p", "t"])
        self.paris.call("TS.RESOLVE", "k", "VALUE", "p+t", "BY", "ann", "SIBLINGS", siblings["p"], siblings["t"])
        self.cluster.wait_converged()
        left = sorted(as_dict(one)["value"] for one in as_dict(self.tokyo.call("TS.SIBLINGS", "k"))["siblings"])
        self.assertEqual(left, ["d", "p+t"])
        with self.assertRaises(ReplyError):
            self.tokyo.call("TS.RESOLVE", "k", "DELETE", "SIBLINGS", siblings["p"])


if __name__ == "__main__":
    case.main()
