#!/usr/bin/python3
"""A leader that lost its disk, or was away too long, takes a copy of another one's state: the
log that it would need was cut. The others serve all the time."""
import glob
import os
import re
import shutil
import subprocess
import time

import case
import cluster
import processes
from load import Background
from processes import until
from resp import ReplyError

KEYS = case.number("TURNSTONE_MIRROR_KEYS", 30_000)
VALUE = "v" * 200
# Slow enough that something can happen in the middle.
RATE = "2MiB"
OPTIONS = ("--checkpoint-interval-ms", "200", "--log-retain-bytes", "0", "--mirror-bytes-per-second", RATE)


class MirrorTest(case.ClusterTest):
    regions = ("paris", "tokyo", "dallas", "oslo")
    options = OPTIONS

    def setUp(self):
        super().setUp()
        commands = []
        for number in range(KEYS):
            commands.append(("SET", "k:%d" % number, VALUE + str(number)))
        self.paris.pipeline(commands)
        self.tokyo.pipeline(("INCRBY", "c:%d" % (number % 50), "1") for number in range(2000))
        self.oslo.pipeline(("SADD", "s:%d" % (number % 50), str(number)) for number in range(2000))
        self.cluster.wait_converged()
        # Until everybody's log was cut: a pull from the beginning is no longer answered.
        for leader in self.cluster:
            self.write_until(leader, lambda leader=leader: self.log_begins(leader) > 0)
        self.background = []

    def write_until(self, leader, condition):
        number = 0

        def step():
            nonlocal number
            number += 1
            leader.call("SET", "tick:" + leader.region, str(number))
            return condition()
        until(step, 60, "the log of %s is cut" % leader.region, every=0.05)

    def log_begins(self, leader):
        return int(re.search(r"log_floor_lsn:(\d+)", leader.call("INFO")).group(1))

    def write_meanwhile(self, *leaders):
        for leader in leaders:
            numbers = iter(range(10**9))

            def work(client, leader=leader, numbers=numbers):
                number = next(numbers)
                client.call("SET", "k:%d" % (number * 7 % KEYS), "%s-%d" % (leader.region, number))
                client.call("INCRBY", "c:%d" % (number % 50), "1")
                client.call("SADD", "s:%d" % (number % 50), "%s-%d" % (leader.region, number))
                client.call("DEL", "k:%d" % (number * 11 % KEYS))
            self.background.append(Background(leader, work))

    def stop_writing(self):
        for each in self.background:
            each.stop()
            self.assertGreater(each.rounds, 0)
        self.background = []

    def lose_disk(self, leader):
        leader.kill9()
        shutil.rmtree(leader.data)

    def own(self, leader):
        return leader.region_views()[leader.region]

    def wait_for_bytes(self, leader, count):
        until(lambda: int(self.own(leader)["mirror_bytes"]) >= count, 60, "a part of the copy is there")
        return int(self.own(leader)["mirror_bytes"])

    def wait_installed(self, leader, seconds=120):
        self.takes_writes(leader, seconds)
        self.assertIn("starts anew on the copy", leader.log_text())

    def check_ends_equal(self, leader):
        self.stop_writing()
        self.cluster.wait_converged()
        self.assertEqual(self.cluster.everywhere("GET", "written:" + leader.region), "yes")
        # A restart finds what was installed, and no trace of how it came.
        leader.stop()
        self.assertEqual([name for name in os.listdir(leader.data) if name in ("mirror", "mirrored", "joining")], [])
        leader.start()
        self.cluster.wait_converged()
        for each in self.cluster:
            self.assertNotIn("quarantined", each.log_text())
            self.assertNotIn("below_floor", each.log_text())


class Mirror(MirrorTest):
    def test_after_a_lost_disk_while_all_write_and_the_link_is_cut_in_the_middle(self):
        self.lose_disk(self.oslo)
        self.write_meanwhile(self.paris, self.tokyo, self.dallas)
        self.oslo.start("--join")
        with self.assertRaisesRegex(ReplyError, "LOADING"):
            self.oslo.call("SET", "k", "v")
        self.wait_for_bytes(self.oslo, 1_000_000)
        source = self.own(self.oslo)["mirror_source"]
        self.assertRegex(self.oslo.call("INFO"), "mirror:state=copying,source=" + source)
        for peer in self.cluster:
            if peer is not self.oslo:
                self.cluster.cut("oslo", peer.region)
        time.sleep(1)
        before = int(self.own(self.oslo)["mirror_bytes"])
        for peer in self.cluster:
            if peer is not self.oslo:
                self.cluster.heal("oslo", peer.region)
        self.assertGreaterEqual(self.wait_for_bytes(self.oslo, before + 1), before)
        self.assertEqual(self.own(self.oslo)["mirror_source"], source)
        self.wait_installed(self.oslo)
        self.check_ends_equal(self.oslo)

    def test_the_source_is_killed_in_the_middle(self):
        self.lose_disk(self.oslo)
        self.write_meanwhile(self.dallas)
        self.oslo.start("--join")
        self.wait_for_bytes(self.oslo, 1_000_000)
        source = self.cluster[self.own(self.oslo)["mirror_source"]]
        source.kill9()
        source.start()
        self.wait_installed(self.oslo)
        # What was left of the first copy is gone.
        self.assertLessEqual(len(glob.glob(os.path.join(source.data, "copies", "*.db"))), 1)
        self.check_ends_equal(self.oslo)

    def test_the_taking_leader_is_killed_in_the_middle_and_goes_on(self):
        self.lose_disk(self.oslo)
        self.write_meanwhile(self.paris)
        self.oslo.start("--join")
        copied = self.wait_for_bytes(self.oslo, 2_000_000)
        self.oslo.kill9()
        self.oslo.start()  # it knows by itself that it has yet to take the data
        with self.assertRaisesRegex(ReplyError, "LOADING"):
            self.oslo.call("SET", "k", "v")
        until(lambda: self.own(self.oslo)["mirror"] == "copying", 30, "it goes on")
        self.assertGreaterEqual(int(self.own(self.oslo)["mirror_bytes"]), copied - 300_000)
        self.wait_installed(self.oslo)
        self.check_ends_equal(self.oslo)


class RestoredOld(MirrorTest):
    def test_restored_from_a_backup_older_than_the_logs_it_writes_once_it_has_caught_up(self):
        backup = os.path.join(self.cluster.root, "backup")
        self.tool("backup", "--data", self.oslo.data, "--out", backup)
        # While it is there, so that the others' logs are cut behind the backup.
        before = self.log_begins(self.paris)
        self.write_until(self.paris, lambda: self.log_begins(self.paris) > before + 10)
        self.lose_disk(self.oslo)
        self.tool("restore", "--from", backup, "--data", self.oslo.data, "--region", "oslo", "--join")
        self.oslo.start()
        self.wait_installed(self.oslo)
        self.check_ends_equal(self.oslo)

    def tool(self, *arguments):
        subprocess.run([cluster.binary(), *arguments], check=True, timeout=120 * processes.PATIENCE,
                       stdout=subprocess.DEVNULL, env=processes.clean_environment())


class Quiet(case.ClusterTest):
    """What a lost directory had written may still arrive: until that cannot be, no log is cut."""
    options = ("--checkpoint-interval-ms", "100", "--log-retain-bytes", "0", "--close-after-ms", "500")

    def is_quiet(self, leader):
        return os.path.exists(os.path.join(leader.data, "quiet"))

    def floor(self, leader):
        return int(re.search(r"log_floor_lsn:(\d+)", leader.call("INFO")).group(1))

    def write_more(self, number):
        for leader in self.cluster:
            if leader.is_running():
                leader.call("SET", "k:" + leader.region, str(number))
                leader.call("INCRBY", "n", "1")

    def test_a_region_that_lost_its_disk_counts_again_once_its_earlier_runs_have_ended(self):
        numbers = iter(range(10**6))
        for leader in self.cluster:
            self.assertFalse(self.is_quiet(leader))

        def is_cut():
            self.write_more(next(numbers))
            return self.floor(self.paris) > 0
        until(is_cut, 60, "the log of paris is cut")
        self.tokyo.kill9()
        self.dallas.kill9()
        shutil.rmtree(self.dallas.data)
        self.dallas.start("--join")
        self.takes_writes(self.dallas)
        # One region is away: nobody knows what it has of dallas.
        self.assertTrue(self.is_quiet(self.dallas))
        self.write_more(next(numbers))
        self.dallas.kill9()
        self.dallas.start("--join")
        self.write_more(next(numbers))
        self.assertTrue(self.is_quiet(self.dallas))
        self.tokyo.start()
        until(lambda: not self.is_quiet(self.dallas), 60, "dallas is quiet no more")
        before = self.floor(self.paris)

        def is_cut_again():
            self.write_more(next(numbers))
            return self.floor(self.paris) > before
        until(is_cut_again, 60, "the log of paris is cut again")
        self.cluster.wait_converged()
        self.assertEqual(self.cluster.everywhere("GET", "written:dallas"), "yes")


if __name__ == "__main__":
    case.main()
