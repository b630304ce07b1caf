#!/usr/bin/python3
"""From an acknowledged write at one leader to its visibility at another. Redis primary and
replica, both as durable, are measured the same way, turn by turn.

    tests/bench/visibility.py
"""
import argparse
import os
import time

import measuring
from measuring import Resp, percentile

WRITE_BYTES = 81  # key and value


def write(number):
    key = "key:%012d" % number
    return key, "%d:" % number + "x" * (WRITE_BYTES - len(key) - len("%d:" % number))


class Pair:
    """Where to write and where to look."""

    def __init__(self, name, write_port, read_port):
        self.name = name
        self.writer = Resp(write_port, raw=True)
        self.reader = Resp(read_port, raw=True)
        self.delays = []

    def sample(self, number):
        key, value = write(number)
        self.writer.call("SET", key, value)
        acknowledged = time.perf_counter()
        while self.reader.call("GET", key) != value.encode():
            pass
        self.delays.append(time.perf_counter() - acknowledged)
        time.sleep(0.001)


def visibility(pairs, samples):
    block = 100
    for first in range(0, samples, block):
        for pair in pairs:
            for number in range(first, first + block):
                pair.sample(number)
    found = [[percentile(pair.delays, percent) for percent in (50, 90, 99)] for pair in pairs]
    rows = [(pair.name, len(pair.delays), *("%.0f" % (delay * 1e6) for delay in delays))
            for pair, delays in zip(pairs, found)]
    ratio = [ours / theirs for ours, theirs in zip(*found)]
    rows.append(("ratio", "", *("%.2f" % one for one in ratio)))
    print("acknowledged at one to visible at the other, microseconds (a GET that misses costs one round trip)\n")
    print(measuring.table(("", "writes", "p50", "p90", "p99"), rows) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", help="the server to measure (default: build/release/regions/turnstone)")
    parser.add_argument("--samples", type=int, default=2000)
    options = parser.parse_args()
    measuring.use(options.binary)
    root = measuring.processes.scratch_directory("bench")
    print("one append and fdatasync here: %.0f us; %d cores\n" % (measuring.sync_microseconds(root), os.cpu_count()))
    cluster = measuring.leaders("paris", "tokyo", root=root).start()
    primary = measuring.RedisServer(root, "primary")
    replica = measuring.RedisServer(root, "replica", primary.port)
    visibility([Pair("turnstone", cluster["paris"].resp_port, cluster["tokyo"].resp_port),
                Pair("redis", primary.port, replica.port)], options.samples)


if __name__ == "__main__":
    main()
