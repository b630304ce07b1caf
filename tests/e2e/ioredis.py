#!/usr/bin/python3
"""ioredis does its ordinary work: node/ioredis.mjs against real leaders, with the current
major version and the one before it. Packages go to TURNSTONE_NODE_DIR (a build folder)."""
import os
import shutil
import subprocess
import unittest

import case
import processes

NODE, NPM = shutil.which("node"), shutil.which("npm")
SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "node")


def installed():
    """The folder with the packages; raises SkipTest when they cannot be had."""
    folder = os.environ.get("TURNSTONE_NODE_DIR") or processes.scratch_directory("node")
    os.makedirs(folder, exist_ok=True)
    for name in os.listdir(SOURCE):
        shutil.copy(os.path.join(SOURCE, name), folder)
    if not os.path.isdir(os.path.join(folder, "node_modules", "ioredis-5")):
        done = subprocess.run([NPM, "install", "--prefix", folder, "--no-audit", "--no-fund", "--loglevel=error"],
                              cwd=folder, capture_output=True, text=True, timeout=180)
        if done.returncode != 0:
            raise unittest.SkipTest("npm install failed: %s" % " ".join(done.stderr.split())[:300])
    return folder


@unittest.skipUnless(NODE and NPM, "node and npm are not installed (packages nodejs, npm)")
class IoRedis(case.ClusterTest):
    regions = ("paris", "tokyo")

    def check(self, package):
        folder = installed()
        done = subprocess.run([NODE, "ioredis.mjs", package, str(self.paris.resp_port), str(self.tokyo.resp_port)],
                              cwd=folder, capture_output=True, text=True, timeout=120)
        print(done.stdout)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_the_current_major_version(self):
        self.check("ioredis")

    def test_the_major_version_before(self):
        self.check("ioredis-5")


if __name__ == "__main__":
    case.main()
