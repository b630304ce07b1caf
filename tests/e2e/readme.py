#!/usr/bin/python3
"""The README's tour can be typed as it stands: every `$ redis-cli` line is run against three
leaders that hold what the quickstart leaves behind, and answers what the README shows."""
import os
import re
import shlex
import subprocess
import unittest
from collections import Counter

import case
from processes import until
from redis_cli import CLI

README = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "README.md")
REGION_OF_PORT = {"7001": "paris", "7002": "tokyo", "7003": "dallas"}


def tour():
    """(command, the lines shown below it), in order."""
    with open(README) as file:
        blocks = re.findall(r"^```(\w*)\n(.*?)^```$", file.read(), re.MULTILINE | re.DOTALL)
    for _, block in blocks:
        for command, shown in re.findall(r"^\$ (redis-cli .*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE):
            yield command, shown.rstrip("\n")


def matches(shown, answer):
    """Is it as shown, but for what differs in every run? `...` stands for anything."""
    if '=> "concurrent_write"' in shown:
        # Which side of a conflict comes first depends on random numbers: entries in any order.
        return not Counter(entries(shown)) - Counter(entries(answer))
    text = re.escape(same_in_every_run(shown)).replace(re.escape("..."), "(?:.|\n)*")
    return re.fullmatch(text, same_in_every_run(answer))


def entries(text):
    return re.findall(r'"\w+" => .*', re.sub('"(first|second)"', "SIDE", same_in_every_run(text)))


def same_in_every_run(text):
    text = re.sub(r"\b([0-9a-f]{32}|[0-9a-f]{16})\b", "HEX", text)
    return re.sub(r"(?<=HEX:)\d+|\b1\d{12}\b", "NUMBER", text)


@unittest.skipUnless(CLI, "redis-cli is not installed (package redis-tools)")
class Tour(case.ClusterTest):
    def setUp(self):
        super().setUp()
        self.paris.pipeline([("SET", "title", "Tokyo edition"), ("INCRBY", "visits", "20")])
        self.tokyo.call("SADD", "cart", "apple", "bread", "cherry")
        self.dallas.call("INCR", "visits")
        self.cluster.wait_converged()

    def answer(self, command):
        words = shlex.split(command)
        port = words[words.index("-p") + 1]
        words[words.index("-p") + 1] = str(self.cluster[REGION_OF_PORT[port]].resp_port)
        done = subprocess.run([CLI, "--no-raw", *words[1:]], capture_output=True, text=True, timeout=30)
        return (done.stdout + done.stderr).rstrip("\n")

    def test_every_line(self):
        steps = list(tour())
        self.assertGreater(len(steps), 15)
        for command, shown in steps:
            last = []
            reads = re.search(r" (MGET|GET|SMEMBERS|TS\.(?!LINK)[A-Z]+)( |$)", command)

            def as_shown():
                last[:] = [self.answer(command)]
                return matches(shown, last[0]) or not reads
            # A read may come before what the other regions wrote; a write is made once.
            until(as_shown, 20, lambda: "%s\n%s\nand not\n%s" % (command, shown, last[0]))
            self.assertTrue(matches(shown, last[0]), "%s\n%s" % (command, last[0]))


if __name__ == "__main__":
    case.main()
