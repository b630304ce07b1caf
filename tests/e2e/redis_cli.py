#!/usr/bin/python3
"""redis-cli does its ordinary work."""
import json
import shutil
import subprocess
import unittest

import case

CLI = shutil.which("redis-cli")


@unittest.skipUnless(CLI, "redis-cli is not installed (package redis-tools)")
class RedisCli(case.ClusterTest):
    regions = ("paris",)
    shared = True

    def setUp(self):
        self.paris.call("FLUSHALL")

    def cli(self, *args, stdin=""):
        done = subprocess.run([CLI, "-p", str(self.paris.resp_port), *args], input=stdin, text=True,
                              capture_output=True, timeout=60)
        return (done.stdout + done.stderr).rstrip("\n")

    def test_one_command_a_call(self):
        self.assertEqual(self.cli("PING"), "PONG")
        self.assertEqual(self.cli("SET", "greeting", "hello, world"), "OK")
        self.assertEqual(self.cli("GET", "greeting"), "hello, world")
        self.assertEqual(self.cli("--no-raw", "GET", "greeting"), '"hello, world"')
        self.assertEqual(self.cli("--no-raw", "GET", "absent"), "(nil)")
        self.assertEqual(self.cli("--no-raw", "INCR", "visits"), "(integer) 1")
        self.assertIn("WRONGTYPE", self.cli("SADD", "greeting", "x"))
        self.assertIn("unknown command", self.cli("FROBNICATE"))
        self.assertIn("wrong number of arguments", self.cli("GET"))

    def test_exit_codes(self):
        def code(*args):
            return subprocess.run([CLI, "-e", "-p", str(self.paris.resp_port), *args],
                                  capture_output=True, timeout=60).returncode
        self.assertEqual(code("PING"), 0)
        self.assertEqual(code("GET"), 1)

    def test_resp3(self):
        self.cli("-3", "HSET", "h", "a", "1", "b", "2")
        lines = self.cli("-3", "--no-raw", "HGETALL", "h").splitlines()  # in any order
        self.assertEqual([line[:3] for line in lines], ["1# ", "2# "])
        self.assertEqual(sorted(line[3:] for line in lines), ['"a" => "1"', '"b" => "2"'])
        self.cli("SADD", "s", "m")
        self.assertEqual(self.cli("-3", "--no-raw", "SMEMBERS", "s"), '1~ "m"')
        self.assertEqual(self.cli("-3", "--no-raw", "GET", "absent"), "(nil)")
        self.assertEqual(json.loads(self.cli("-3", "--json", "HGETALL", "h")), {"a": "1", "b": "2"})

    def test_csv_and_json(self):
        self.cli("SADD", "s", "m")
        self.assertEqual(self.cli("--csv", "SMEMBERS", "s"), '"m"')
        self.assertEqual(json.loads(self.cli("--json", "SMEMBERS", "s")), ["m"])

    def test_mass_insertion(self):
        lines = "".join("SET k:%d v%d\r\n" % (number, number) for number in range(20000))
        output = self.cli("--pipe", stdin=lines)
        self.assertIn("errors: 0, replies: 20000", output)
        self.assertEqual(self.paris.call("DBSIZE"), 20000)
        output = self.cli("--pipe", stdin="*3\r\n$3\r\nSET\r\n$1\r\na\r\n$5\r\nx\r\nyz\r\n" * 3)
        self.assertIn("errors: 0, replies: 3", output)
        self.assertEqual(self.paris.call("GET", "a"), "x\r\nyz")

    def test_scan(self):
        self.paris.pipeline(("SET", "user:%d" % number, "") for number in range(3000))
        self.paris.pipeline(("SADD", "group:%d" % number, "m") for number in range(300))
        self.assertEqual(len(set(self.cli("--scan").split())), 3300)
        found = self.cli("--scan", "--pattern", "user:1*").split()
        self.assertEqual(sorted(found), sorted(key for key in map("user:%d".__mod__, range(3000)) if key[5] == "1"))
        self.assertEqual(len(set(self.cli("--scan", "--pattern", "group:*").split())), 300)

    def test_a_transaction_from_standard_input(self):
        output = self.cli(stdin="MULTI\nSET a 1\nINCR a\nSADD s x y\nEXEC\n")
        self.assertEqual(output.split(), ["OK", "QUEUED", "QUEUED", "QUEUED", "OK", "2", "2"])
        output = self.cli(stdin="MULTI\nSET a 5\nDISCARD\nGET a\n")
        self.assertEqual(output.split(), ["OK", "QUEUED", "OK", "2"])
        self.assertIn("EXECABORT", self.cli(stdin="MULTI\nGET\nEXEC\n"))

    def test_a_value_from_standard_input(self):
        self.assertEqual(self.cli("-x", "SET", "file", stdin="a line\nand another\n"), "OK")
        self.assertEqual(self.paris.call("GET", "file"), "a line\nand another\n")

    def test_repetition(self):
        self.assertEqual(self.cli("-r", "5", "INCR", "n").split(), ["1", "2", "3", "4", "5"])

    def test_big_keys_and_info(self):
        self.paris.call("SADD", "s", "a", "b", "c")
        self.paris.call("SET", "k", "x" * 1000)
        self.paris.call("HSET", "h", "f", "v")
        output = self.cli("--bigkeys")
        self.assertIn("Biggest string found '\"k\"' has 1000 bytes", output)
        self.assertIn('Biggest    set found \'"s"\' has 3 members', output)
        self.assertIn('Biggest   hash found \'"h"\' has 1 fields', output)
        info = self.cli("INFO")
        self.assertIn("redis_version:7.", info)
        self.assertIn("loading:0", info)

    def test_own_commands(self):
        self.assertRegex(self.cli("TS.DIGEST"), "[0-9a-f]{16}")
        self.assertEqual(self.cli("TS.CONFLICTS"), "")
        self.cli("TS.REGIONS")
        self.assertRegex(self.cli("TS.LINK", "CUT", "atlantis"), "^ERR")


if __name__ == "__main__":
    case.main()
