#!/usr/bin/python3
"""The walk-through of docs/walkthrough.md can be typed as it stands, and answers what it shows."""
import os
import re
import shlex
import subprocess
import unittest

import case
import cluster
from processes import until
from redis_cli import CLI

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
PORTS = {"7001": "paris", "7002": "tokyo", "7003": "dallas"}


def steps():
    """(command, the lines shown below it), in order."""
    with open(os.path.join(ROOT, "docs", "walkthrough.md")) as file:
        blocks = re.findall(r"^```\n(.*?)^```$", file.read(), re.MULTILINE | re.DOTALL)
    for block in blocks:
        yield from re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE)


def matches(shown, answer):
    """`...` stands for anything, and blanks for any number of them."""
    words = [re.escape(word) for word in re.split(r"\s+", shown.strip())]
    text = r"\s+".join(words).replace(re.escape("..."), "(?:.|\n)*")
    return re.fullmatch(text.replace(r"(?:.|\n)*\s+", "(?:.|\n)*"), answer.strip()) is not None


@unittest.skipUnless(CLI, "redis-cli is not installed (package redis-tools)")
class Walkthrough(case.ClusterTest):
    def run_command(self, command):
        words = shlex.split(command)
        if words[0] == "redis-cli":
            port = words.index("-p") + 1
            words[port] = str(self.cluster[PORTS[words[port]]].resp_port)
            words[:1] = [CLI, "--no-raw"]
        else:
            words[0] = cluster.binary()
            words = [re.sub(r"^127\.0\.0\.1:(700\d)$",
                            lambda at: "127.0.0.1:%d" % self.cluster[PORTS[at[1]]].resp_port, word) for word in words]
        done = subprocess.run(words, capture_output=True, text=True, timeout=60, cwd=ROOT)
        return done.stdout + done.stderr

    def test_every_command_answers_as_the_walk_through_shows(self):
        links_cut = False
        for command, shown in steps():
            links_cut = "TS.LINK CUT" in command or links_cut and "HEAL tokyo" not in command
            answers = []

            def is_as_shown():
                answers.append(self.run_command(command))
                return matches(shown, answers[-1])
            if links_cut or "SET" in command:
                self.assertTrue(is_as_shown(), "%s\nanswers\n%s\nand not\n%s" % (command, answers[-1], shown))
            else:
                # What was written elsewhere takes its time.
                until(is_as_shown, 20, lambda: "%s to answer\n%s\nand not\n%s" % (command, shown, answers[-1]))
            if " SET " in command and not links_cut:
                self.cluster.wait_converged()


if __name__ == "__main__":
    case.main()
