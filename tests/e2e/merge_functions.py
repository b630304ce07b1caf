#!/usr/bin/python3
"""`turnstone merge check`, and leaders with merge functions of their own."""
import json
import os
import subprocess
import tempfile
import unittest

import case
import cluster
import processes

EXAMPLES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "examples", "merges")
HIGHEST_BID = os.environ.get("TURNSTONE_HIGHEST_BID")
EMBEDDED = os.environ.get("TURNSTONE_EMBEDDED")


def run(*words, program=None):
    """Its exit code, what it printed and what it complained of."""
    done = subprocess.run([program or cluster.binary(), *words], capture_output=True, text=True,
                          timeout=60 * processes.PATIENCE, env=processes.clean_environment())
    return done.returncode, done.stdout, done.stderr


class Scratch(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="turnstone-merge-")
        self.addCleanup(directory.cleanup)
        self.directory = directory.name

    def file(self, name, text):
        path = os.path.join(self.directory, name)
        with open(path, "w") as file:
            file.write(text)
        return path


class Check(Scratch):
    def test_right_functions_pass(self):
        samples = self.file("carts.jsonl", '[{"milk": 1}, {"milk": 2, "eggs": 6}]\n\n[{"tea": 1}, {}]\n')
        for words in (["lww"], ["union"], ["json-merge:id"], ["max", "--values", "numbers"],
                      [os.path.join(EXAMPLES, "longest_text.lua"), "--seed", "7"],
                      [os.path.join(EXAMPLES, "cart.lua"), "--samples", samples]):
            code, out, complaints = run("merge", "check", *words)
            self.assertEqual((code, complaints), (0, ""), out)
            self.assertIn("0 findings", out)

    def test_a_wrong_function_is_shown_with_its_smallest_case(self):
        script = self.file("first.lua", "return function(s)\n  return s[1].value:sub(1, 1):byte() + 0\nend\n")
        code, out, complaints = run("merge", "check", script)
        self.assertEqual((code, complaints), (1, ""))
        self.assertIn('total: It must give a value for any siblings of its kind, within its limits.\n'
                      '  siblings, oldest first:\n    1  ""\n', out)
        self.assertIn("  it gives no value: first:2: attempt to perform arithmetic on a nil value\n", out)

    def test_json_is_for_programs(self):
        script = self.file("joined.lua", "return function(s) return s[1].value .. s[2].value end\n")
        code, out, _ = run("merge", "check", script, "--json")
        self.assertEqual(code, 1)
        lines = [json.loads(line) for line in out.splitlines()]
        self.assertEqual(lines[-1]["function"], "joined")
        self.assertEqual(lines[-1]["findings"], len([line for line in lines[:-1] if not line["warning"]]))
        order, = [line for line in lines if line.get("law") == "order"]
        self.assertEqual(len(order["siblings"]), 2)

    def test_what_cannot_be_checked_has_a_code_of_its_own(self):
        broken = self.file("broken.lua", "return function(s)\n  return\n")
        bad_samples = self.file("bad.jsonl", '["a"]\n{}\n')
        for code, complaint, words in (
                (64, "it takes one of: check, try, load, list, show, retire", []),
                (64, "it cannot chekc; it can: check, try, load, list, show, retire", ["chekc"]),
                (64, "check needs FILE.lua, a built-in, or --native LIBRARY NAME", ["check"]),
                (64, 'no merge function is called "unoin"', ["check", "unoin"]),
                (64, "--values is text, numbers, json or msgpack", ["check", "lww", "--values", "xml"]),
                (64, "--seed needs a number", ["check", "lww", "--seed", "x"]),
                (65, "broken:3: 'end' expected", ["check", broken]),
                (65, "bad.jsonl:2: a line is a JSON array of siblings; this is another value",
                 ["check", "lww", "--samples", bad_samples]),
                (65, "the merge functions of /nowhere.so cannot be used", ["check", "--native", "/nowhere.so", "f"]),
                (74, "nowhere.lua cannot be read", ["check", "nowhere.lua"])):
            got, out, complaints = run("merge", *words)
            self.assertEqual((got, out), (code, ""), complaints)
            self.assertIn(complaint, complaints)


class Loaded(Scratch):
    def setUp(self):
        super().setUp()
        self.leaders = cluster.Cluster("paris", "tokyo")
        self.addCleanup(self.leaders.close)
        self.leaders.start()

    def merge(self, leader, *words):
        return run("merge", *words, "--at", "127.0.0.1:%d" % self.leaders[leader].resp_port)

    def test_a_script_is_loaded_everywhere_used_and_retired(self):
        path = os.path.join(EXAMPLES, "longest_text.lua")
        code, out, complaints = self.merge("paris", "load", path)
        self.assertEqual((code, complaints), (0, ""))
        self.assertRegex(out, r"^loaded longest_text@1#[0-9a-f]{16}\n$")
        self.assertEqual(self.merge("paris", "load", path)[1], out)  # the same source: the same version
        self.leaders.wait_converged()
        with open(path) as file:
            self.assertTrue(self.merge("tokyo", "show", "longest_text")[1].endswith(file.read()))
        self.assertIn("none", self.merge("tokyo", "list")[1])
        row, = [json.loads(line) for line in self.merge("tokyo", "list", "--json")[1].splitlines()]
        self.assertEqual((row["name"], row["region"], row["problem"]), ("longest_text", "paris", ""))
        self.leaders["tokyo"].call("TS.POLICY", "SET", "note*", "longest_text")
        self.leaders.wait_converged()
        self.leaders.cut("paris", "tokyo")
        self.leaders["paris"].call("SET", "note", "the longer one")
        self.leaders["tokyo"].call("SET", "note", "short")
        self.leaders.heal("paris", "tokyo")
        self.leaders.wait_converged()
        self.assertEqual([leader.call("GET", "note") for leader in self.leaders], ["the longer one"] * 2)
        code, _, complaints = self.merge("paris", "retire", "longest_text")
        self.assertEqual(code, 1)
        self.assertIn("is the rule of note*", complaints)
        self.leaders["paris"].call("TS.POLICY", "UNSET", "note*")
        code, out, _ = self.merge("paris", "retire", "longest_text@1")
        self.assertEqual(code, 0)
        self.assertIn("retired longest_text@1#", out)
        self.assertEqual(self.merge("paris", "list", "--json")[1], "")

    def test_a_function_is_tried_on_the_conflicts_on_record(self):
        self.leaders.cut("paris", "tokyo")
        for leader, items in (("paris", '["milk"]'), ("tokyo", '["eggs"]')):
            self.leaders[leader].call("SET", "cart:1", items)
            self.leaders[leader].call("SET", "title", "from " + leader)
        self.leaders.heal("paris", "tokyo")
        self.leaders.wait_converged()
        processes.until(lambda: len(self.leaders["paris"].conflicts()) == 2, 20, "both conflicts on record")
        code, out, complaints = self.merge("paris", "try", "lww")
        self.assertEqual((code, complaints), (0, ""))
        self.assertIn("lww: of 2 conflicts on record 0 would show another value", out)
        code, out, _ = self.merge("paris", "try", "union", "--key", "cart:*")
        self.assertEqual(code, 1)
        self.assertIn('cart:1\n', out)
        self.assertIn('  union        ["eggs","milk"]\n', out)
        self.assertIn("union: of 1 conflicts on record 1 would show another value, 0 of them none", out)
        self.leaders["tokyo"].call("TS.POLICY", "SET", "cart:*", "union")
        self.leaders.wait_converged()
        self.assertEqual(self.merge("paris", "try", "union", "--key", "cart:*")[0], 0)
        code, out, _ = self.merge("paris", "try", "json-merge", "--key", "title")
        self.assertEqual(code, 1)
        self.assertIn("it is no JSON", out)
        self.assertEqual(run("merge", "try", "lww")[0], 64)

    def test_what_cannot_be_loaded_is_refused_in_words(self):
        broken = self.file("broken.lua", "return 5\n")
        code, _, complaints = self.merge("paris", "load", broken)
        self.assertEqual(code, 1)
        self.assertIn("broken: the script returns no function", complaints)
        self.assertEqual(self.merge("paris", "load", "/nowhere.lua")[0], 74)
        self.assertEqual(self.merge("paris", "load")[0], 64)
        self.assertEqual(self.merge("paris", "show", "nothing")[0], 1)
        self.assertEqual(run("merge", "list")[0], 64)


class Native(Scratch):
    def test_a_function_of_a_library_is_checked(self):
        samples = self.file("bids.jsonl", '["5 ann", "7 bob", "7 cid"]\n')
        code, out, _ = run("merge", "check", "--native", HIGHEST_BID, "highest_bid", "--samples", samples)
        self.assertEqual(code, 1)  # generated text does not begin with an amount
        self.assertIn("a value does not begin with an amount and a space", out)
        code, _, complaints = run("merge", "check", "--native", HIGHEST_BID, "lowest_bid")
        self.assertEqual(code, 65)
        self.assertIn("has no merge function lowest_bid; it has highest_bid", complaints)

    def test_a_leader_loads_libraries_and_names_what_they_have(self):
        leaders = cluster.Cluster("paris", options=("--merge-plugins", HIGHEST_BID))
        self.addCleanup(leaders.close)
        leaders.start()
        self.assertIn('"message":"merge function loaded"', leaders["paris"].log_text())
        self.assertIn('"name":"highest_bid","version":"1"', leaders["paris"].log_text())
        self.assertEqual(leaders["paris"].call("TS.POLICY", "SET", "bid", "native:highest_bid@1"), "native:highest_bid@1")

    def test_a_leader_without_the_library_shows_the_default_and_says_so(self):
        leaders = cluster.Cluster("paris", "tokyo")
        self.addCleanup(leaders.close)
        leaders["paris"].options = leaders["paris"].options + ["--merge-plugins", HIGHEST_BID]
        leaders.start()
        leaders["paris"].call("TS.POLICY", "SET", "bid", "native:highest_bid@1")
        leaders.wait_converged()
        leaders.cut("paris", "tokyo")
        leaders["paris"].call("SET", "bid", "9 ann")
        leaders["tokyo"].call("SET", "bid", "5 bob")
        leaders["tokyo"].call("SET", "bid", "6 bob")
        leaders.heal("paris", "tokyo")
        leaders.wait_converged()
        self.assertEqual(leaders["paris"].call("GET", "bid"), "9 ann")
        latest = leaders["tokyo"].call("GET", "bid")
        self.assertIn(latest, ("9 ann", "6 bob"))
        which = cluster.as_dict(leaders["tokyo"].call("TS.POLICY", "WHICH", "bid"))
        self.assertIn("no native function 'highest_bid@1'", which["problem"])

    def test_a_leader_does_not_start_without_a_library_that_it_is_to_load(self):
        code, _, complaints = run("serve", "--region", "paris", "--data", os.path.join(self.directory, "data"),
                                  "--merge-plugins", "/nowhere.so")
        self.assertEqual(code, 78)
        self.assertIn("the merge functions of /nowhere.so cannot be used", complaints)

    def test_a_program_that_embeds_turnstone_is_turnstone(self):
        code, out, _ = run("--version", program=EMBEDDED)
        self.assertEqual((code, out), (0, run("--version")[1]))
        code, out, _ = run("merge", "check", "lww", program=EMBEDDED)
        self.assertEqual(code, 0, out)

    def test_a_program_that_embeds_turnstone_shows_what_its_own_function_makes(self):
        leaders = cluster.Cluster("paris", "tokyo")
        self.addCleanup(leaders.close)
        for leader in leaders:
            leader.command = lambda *more, usual=leader.command: [EMBEDDED] + usual(*more)[1:]
        leaders.start()
        leaders["paris"].call("TS.POLICY", "SET", "name", "native:longest-name@1")
        leaders.wait_converged()
        leaders.cut("paris", "tokyo")
        leaders["paris"].call("SET", "name", "Anne-Marie")
        leaders["tokyo"].call("SET", "name", "Anne")
        leaders.heal("paris", "tokyo")
        leaders.wait_converged()
        self.assertEqual([leader.call("GET", "name") for leader in leaders], ["Anne-Marie"] * 2)


if __name__ == "__main__":
    case.main()
