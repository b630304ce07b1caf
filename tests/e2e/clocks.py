#!/usr/bin/python3
"""Causality beats clocks: leaders whose clocks are wrong, by libfaketime."""
import glob
import os
import time
import unittest

import case

LIBRARIES = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
TEN_MINUTES = 600
DRIFT_ALLOWED_MS = 5000


@unittest.skipUnless(LIBRARIES, "libfaketime is not installed (package faketime)")
class Clocks(case.ClusterTest):
    start_all = False

    def setUp(self):
        super().setUp()
        self.clock_files = {}

    def start(self, **offsets):
        """Leaders by name; their clocks are off by that many seconds."""
        for leader in self.cluster:
            offset = offsets.get(leader.region, 0)
            if offset:
                self.clock_files[leader.region] = os.path.join(self.cluster.root, leader.region + ".clock")
                self.set_clock(leader.region, offset)
                leader.env = {"LD_PRELOAD": LIBRARIES[0], "FAKETIME_NO_CACHE": "1",
                              "FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1",
                              "FAKETIME_TIMESTAMP_FILE": self.clock_files[leader.region]}
        self.cluster.start()
        for leader in self.cluster:
            self.assert_clock(leader, offsets.get(leader.region, 0))

    def set_clock(self, region, offset):
        path = self.clock_files[region]
        with open(path + ".new", "w") as file:
            file.write("%+d\n" % offset)
        os.rename(path + ".new", path)

    def assert_clock(self, leader, offset):
        """The fake clock is really in force; else these tests would test nothing."""
        difference = int(leader.call("TIME")[0]) - int(os.popen("date +%s").read())
        self.assertLess(abs(difference - offset), 30, "%s's clock" % leader.region)

    def test_a_later_write_wins_though_its_clock_is_10_min_slow(self):
        self.start(tokyo=-TEN_MINUTES)
        self.paris.call("SET", "k", "a")
        self.cluster.wait_converged()
        self.tokyo.call("SET", "k", "b")
        self.cluster.wait_converged()
        self.assertEqual(self.cluster.everywhere("GET", "k"), "b")
        for leader in self.cluster:
            self.assertEqual(leader.conflicts("k"), [])

    def test_between_concurrent_writes_the_clocks_decide_and_it_is_on_record(self):
        self.start(tokyo=-TEN_MINUTES)
        with self.cluster.partition():
            self.paris.call("SET", "k", "a")
            self.tokyo.call("SET", "k", "b")
        self.assertEqual(self.cluster.everywhere("GET", "k"), "a")
        for leader in self.cluster:
            self.assertEqual([record["type"] for record in leader.conflicts("k")], ["concurrent_write"])

    def test_a_delete_with_a_slow_clock_deletes_what_it_saw(self):
        self.start(tokyo=-TEN_MINUTES)
        self.paris.pipeline([("SET", "k", "a"), ("SADD", "s", "m"), ("INCRBY", "c", "5")])
        self.cluster.wait_converged()
        self.tokyo.pipeline([("DEL", "k"), ("SREM", "s", "m"), ("DEL", "c")])
        self.cluster.wait_converged()
        self.assertEqual(self.cluster.everywhere("EXISTS", "k", "s", "c"), 0)

    def test_a_clock_a_year_ahead_does_not_stop_the_others(self):
        self.start(tokyo=365 * 24 * 3600)
        self.tokyo.call("SET", "k", "from the future")
        self.tokyo.call("INCRBY", "c", "5")
        self.cluster.wait_converged()
        self.paris.call("SET", "k", "today")
        self.dallas.call("INCRBY", "c", "1")
        self.cluster.wait_converged()
        self.assertEqual(self.cluster.everywhere("GET", "k"), "today")
        self.assertEqual(self.cluster.everywhere("GET", "c"), "6")
        # And the future did not reach the clocks of those who heard of it, beyond the drift
        # allowed: after that, the later of two concurrent writes wins again.
        self.wait_ms(self.paris, DRIFT_ALLOWED_MS + 500)
        with self.cluster.partition():
            self.dallas.call("SET", "j", "earlier")
            self.wait_ms(self.paris, 20)
            self.paris.call("SET", "j", "later")
        self.assertEqual(self.cluster.everywhere("GET", "j"), "later")

    def test_a_clock_that_jumps_back_does_not_undo_later_writes(self):
        self.start(tokyo=3600)
        self.tokyo.call("SET", "k", "1")
        self.cluster.wait_converged()
        self.set_clock("tokyo", -3600)
        self.assert_clock(self.tokyo, -3600)
        self.tokyo.call("SET", "k", "2")
        self.cluster.wait_converged()
        self.assertEqual(self.cluster.everywhere("GET", "k"), "2")
        self.tokyo.kill9()
        self.tokyo.start()
        self.tokyo.call("SET", "k", "3")
        self.cluster.wait_converged()
        self.assertEqual(self.cluster.everywhere("GET", "k"), "3")
        self.assertEqual(self.paris.conflicts("k"), [])

    @staticmethod
    def wait_ms(leader, ms):
        """Until the leader's clock has moved on by that much."""
        def now():
            seconds, microseconds = leader.call("TIME")
            return int(seconds) * 1000 + int(microseconds) / 1000
        start = now()
        while now() < start + ms:
            time.sleep(0.001)


if __name__ == "__main__":
    case.main()
