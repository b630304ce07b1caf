#!/usr/bin/python3
"""redis-benchmark runs against a leader without an error and finds its data written."""
import re
import unittest

import case
import load


@unittest.skipUnless(load.BENCHMARK, "redis-benchmark is not installed (package redis-tools)")
class RedisBenchmark(case.ClusterTest):
    regions = ("paris", "tokyo")
    shared = True
    tests = "ping_inline,ping_mbulk,set,get,incr,sadd,hset,spop,mset"

    def setUp(self):
        self.paris.call("FLUSHALL")

    def rates(self, *args):
        output = load.benchmark(self.paris.resp_port, "-q", *args)
        found = dict(re.findall(r"([A-Z_]+[^:\r\n]*): ([0-9.]+) requests per second", output))
        print(", ".join("%s %s/s" % (name, rate) for name, rate in found.items()))
        return found

    def test_fifty_clients(self):
        self.assertEqual(len(self.rates("-t", self.tests, "-n", 20000, "-c", 50, "-r", 10000)), 9)

    def test_fifty_clients_with_a_pipeline(self):
        self.assertEqual(len(self.rates("-t", self.tests, "-n", 50000, "-c", 50, "-P", 16, "-r", 10000)), 9)
        self.cluster.wait_converged()

    def test_resp3(self):
        self.assertEqual(len(self.rates("-3", "-t", "set,get,hset", "-n", 10000, "-c", 20)), 3)

    def test_what_it_counted_is_there(self):
        load.increments(self.paris.resp_port, 30000, keys=100)
        self.assertEqual(load.sum_of_counters(self.paris), 30000)
        self.cluster.wait_converged()
        self.assertEqual(load.sum_of_counters(self.tokyo), 30000)

    def test_any_command(self):
        self.rates("-n", 5000, "-c", 10, "-P", 8, "HINCRBY", "h", "f", "2")
        self.assertEqual(self.paris.call("HGET", "h", "f"), "10000")


if __name__ == "__main__":
    case.main()
