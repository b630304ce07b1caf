#!/usr/bin/python3
"""The log stays as long as its setting says once every region has what is in it, and no longer
than that while one is away."""
import os
import sqlite3

import case
import load
from processes import until

RETAIN = 2**20
ROUNDS = 6


class LogSize(case.ClusterTest):
    options = ("--checkpoint-interval-ms", "100", "--log-retain-bytes", str(RETAIN))

    @staticmethod
    def write_much(leader):
        """8 MB of values."""
        load.benchmark(leader.resp_port, "-q", "-t", "set", "-r", 1000, "-d", 1000, "-n", 8000, "-c", 20, "-P", 4)

    def log_of(self, leader):
        """(oldest lsn, newest lsn, bytes of batches)"""
        log = sqlite3.connect("file:%s?mode=ro" % os.path.join(leader.data, "log.db"), uri=True)
        try:
            return log.execute("SELECT min(lsn), max(lsn), sum(length(bytes)) FROM batch").fetchone()
        finally:
            log.close()

    def is_cut(self, leader):
        return self.log_of(leader)[2] < RETAIN + 2**18

    def file_bytes(self, leader):
        return os.path.getsize(os.path.join(leader.data, "log.db"))

    def test_the_log_is_cut_and_its_file_stops_growing(self):
        sizes = []
        for _ in range(ROUNDS):
            self.write_much(self.paris)
            self.cluster.wait_converged()
            for leader in self.cluster:
                until(lambda: self.is_cut(leader), 30,
                      lambda: "%s cuts its log: %s" % (leader.region, self.log_of(leader)))
            sizes.append(max(self.file_bytes(leader) for leader in self.cluster))
        print("log.db after each round: %s bytes" % sizes)
        # 8 MB of values a round: a log that kept them would grow by six times its first size.
        self.assertLess(sizes[-1], 3 * sizes[0])

    def test_a_leader_with_a_cut_log_starts_again_and_a_short_absence_needs_no_copy(self):
        load.increments(self.paris.resp_port, 32000)
        self.write_much(self.tokyo)
        self.cluster.wait_converged()
        for leader in self.cluster:
            until(lambda: self.log_of(leader)[0] > 1, 30, "%s cuts its log" % leader.region)
        self.dallas.kill9()
        load.increments(self.tokyo.resp_port, 16000)
        self.paris.kill9()
        self.paris.start()
        self.dallas.start()
        load.increments(self.dallas.resp_port, 16000)
        self.cluster.wait_converged()
        self.assertEqual(load.sum_of_counters(self.paris), 64000)

    def test_the_log_is_kept_for_a_region_that_is_away(self):
        self.dallas.stop()
        load.increments(self.paris.resp_port, 16000)
        self.write_much(self.paris)
        self.assertGreater(self.log_of(self.paris)[2], 4 * RETAIN)
        self.dallas.start()
        self.cluster.wait_converged()
        until(lambda: self.is_cut(self.paris), 30, "paris cuts its log")
        self.assertEqual(load.sum_of_counters(self.dallas), 16000)


if __name__ == "__main__":
    case.main()
