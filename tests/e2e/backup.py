#!/usr/bin/python3
"""turnstone backup and turnstone restore: taken while the leader writes, restored as the region
that was lost, as a new one, and everywhere to different ages."""
import json
import os
import random
import shutil
import subprocess
import tarfile
import time

import case
import cluster
import load
import processes
from ledger import Writer
from processes import until

OK, USAGE, DATA, IO, IN_USE = 0, 64, 65, 74, 75
SEED = case.number("TURNSTONE_SEED", random.randrange(10**6))


class BackupTest(case.ClusterTest):
    options = ("--checkpoint-interval-ms", "200")

    def path(self, name):
        return os.path.join(self.cluster.root, name)

    def tool(self, *arguments, expected=OK):
        """Runs `turnstone ARGUMENTS --json`; its object, or what it complains of."""
        done = subprocess.run([cluster.binary(), *arguments, "--json"], capture_output=True, text=True,
                              timeout=120 * processes.PATIENCE, env=processes.clean_environment())
        self.assertEqual(done.returncode, expected, done.stdout + done.stderr)
        if expected != OK:
            self.assertIn("turnstone %s: " % arguments[0], done.stderr)
            return done.stderr
        return json.loads(done.stdout)

    def backup(self, leader, name):
        found = self.tool("backup", "--data", leader.data, "--out", self.path(name))
        self.assertEqual(os.stat(self.path(name)).st_mode & 0o777, 0o600)
        return found

    def lose_and_restore(self, leader, name):
        """The leader is down; its directory is gone and made anew."""
        shutil.rmtree(leader.data)
        return self.tool("restore", "--from", self.path(name), "--data", leader.data, "--region", leader.region)

    def writer(self, leader):
        return Writer(leader.region, [leader], SEED)

    def check_ledgers(self, writers):
        self.assertEqual([problem for writer in writers for leader in self.cluster if leader.is_running()
                          for problem in writer.check(leader)][:20], [])


class WhileWriting(BackupTest):
    regions = ("paris",)

    def test_under_redis_benchmark_it_is_a_state_that_was_there(self):
        """Every backup holds all that was acknowledged before it began, and transactions whole."""
        busy = subprocess.Popen([load.BENCHMARK, "-p", str(self.paris.resp_port), "-q", "-t", "set,sadd,hset",
                                 "-r", "20000", "-n", "200000", "-P", "16"], stdout=subprocess.DEVNULL)
        self.addCleanup(processes.kill, busy)
        acknowledged = [0]

        def count(client):
            number = acknowledged[0] + 1
            client.pipeline([("MULTI",), ("INCR", "count"), ("SET", "last", number), ("EXEC",)])
            acknowledged[0] = number

        counting = load.Background(self.paris, count)
        taken = []
        for number in range(5):
            floor = acknowledged[0]
            found = self.backup(self.paris, "backup-%d" % number)
            checked = self.tool("backup", "--check", self.path("backup-%d" % number))
            self.assertEqual(checked["vector"], found["vector"])
            taken.append((floor, found["vector"]))
            until(lambda: acknowledged[0] >= floor + 50, 60, "writes go on")
        self.assertEqual(busy.wait(120 * processes.PATIENCE), 0)
        counting.stop()
        self.assertGreater(self.paris.call("DBSIZE"), 1000)
        digest = cluster.as_dict(self.paris.digest())["digest"]
        self.assertEqual(self.backup(self.paris, "final")["vector"], self.paris.vector())
        self.paris.stop()
        self.assertEqual(self.lose_and_restore(self.paris, "final")["digest"], digest)
        for number, (floor, vector) in enumerate(taken):
            self.assertEqual(self.lose_and_restore(self.paris, "backup-%d" % number)["vector"], vector)
            self.paris.start()
            counted, last = (int(value or 0) for value in self.paris.call("MGET", "count", "last"))
            self.assertEqual(counted, last)
            self.assertGreaterEqual(counted, floor)
            self.paris.kill9()

    def test_it_holds_the_databases_and_no_key(self):
        secret = "kept-outside-%d" % SEED
        with open(os.path.join(self.paris.data, "leader.key"), "w") as file:
            file.write(secret)
        self.paris.call("SET", "k", "v")
        self.backup(self.paris, "backup")
        with tarfile.open(self.path("backup")) as archive:
            self.assertEqual(archive.getnames(), ["state.db", "log.db", "audit.db", "manifest.txt"])
        with open(self.path("backup"), "rb") as file:
            self.assertNotIn(secret.encode(), file.read())

    def test_of_a_stopped_leader(self):
        for stop in (self.paris.kill9, self.paris.stop):
            self.paris.call("INCR", "c")
            stop()
            self.backup(self.paris, "backup-" + stop.__name__)
            self.lose_and_restore(self.paris, "backup-" + stop.__name__)
            self.paris.start()
        self.assertEqual(self.paris.call("GET", "c"), "2")

    def test_what_cannot_be_done_is_said(self):
        self.paris.call("SET", "k", "v")
        self.backup(self.paris, "backup")
        again = ("backup", "--data", self.paris.data, "--out", self.path("backup"))
        self.assertIn("is there already", self.tool(*again, expected=USAGE))
        self.assertIn("log.db is missing", self.tool("backup", "--data", self.path(""), "--out", self.path("x"),
                                                     expected=IO))
        self.assertIn("--out", self.tool("backup", "--data", self.paris.data, expected=USAGE))
        self.assertIn("--bogus", self.tool("backup", "--bogus", expected=USAGE))
        self.assertIn("cannot read", self.tool("backup", "--check", self.path("absent"), expected=IO))
        restore = ("restore", "--from", self.path("backup"), "--data")
        self.assertIn("in use", self.tool(*restore, self.paris.data, "--region", "paris", expected=IN_USE))
        self.paris.stop()
        self.assertIn("is not empty", self.tool(*restore, self.paris.data, "--region", "paris", expected=USAGE))
        self.assertIn("--region", self.tool(*restore, self.path("new"), expected=USAGE))
        self.assertIn("a-z", self.tool(*restore, self.path("new"), "--region", "Paris!", expected=USAGE))
        self.assertFalse(os.path.exists(self.path("new")))

    def test_damaged_backups_are_refused(self):
        self.paris.pipeline(("SET", "k:%d" % number, "v%d" % number) for number in range(2000))
        self.backup(self.paris, "backup")
        self.paris.stop()
        size = os.path.getsize(self.path("backup"))
        rng = random.Random(SEED)
        print("TURNSTONE_SEED=%d" % SEED)
        for number in range(20):
            shutil.copy(self.path("backup"), self.path("damaged"))
            at = rng.randrange(size)
            with open(self.path("damaged"), "r+b") as file:
                if number % 4 == 0:
                    file.truncate(at)
                else:
                    file.seek(at)
                    byte = file.read(1)[0]
                    file.seek(at)
                    file.write(bytes([byte ^ 1 << rng.randrange(8)]))
            self.tool("backup", "--check", self.path("damaged"), expected=DATA)
            self.tool("restore", "--from", self.path("damaged"), "--data", self.path("new"), "--region", "paris",
                      expected=DATA)
            self.assertLessEqual(set(os.listdir(self.path("new")) if os.path.exists(self.path("new")) else ()), {"lock"})

    def test_killed_in_the_middle_it_leaves_no_half_file(self):
        self.paris.pipeline(("SET", "k:%d" % number, "v%d" % number) for number in range(20000))
        self.backup(self.paris, "whole")
        new, out = self.path("new"), self.path("backup")
        commands = {out: ["backup", "--data", self.paris.data, "--out", out],
                    new: ["restore", "--from", self.path("whole"), "--data", new, "--region", "paris"]}
        rng = random.Random(SEED)
        ended = {out: 0, new: 0}
        for target, command in commands.items():
            started = time.monotonic()
            subprocess.run([cluster.binary(), *command], check=True, stdout=subprocess.DEVNULL)
            duration = time.monotonic() - started
            for _ in range(15):
                shutil.rmtree(new, ignore_errors=True)
                if os.path.exists(out):
                    os.remove(out)
                child = processes.spawn([cluster.binary(), *command], self.path("tool.log"))
                time.sleep(rng.uniform(0, duration))
                processes.kill(child)
                if target == out and os.path.exists(out):
                    self.tool("backup", "--check", out)
                    ended[out] += 1
                elif target == new and os.path.exists(os.path.join(new, "log.db")):
                    self.assertIn("state.db", os.listdir(new))
                    ended[new] += 1
                else:  # and what it left is no hindrance to the next
                    self.tool(*command)
        print("of 15 each, had made the backup before they were killed: %d, the directory: %d"
              % (ended[out], ended[new]))
        self.paris.stop()
        shutil.rmtree(self.paris.data)
        os.rename(new, self.paris.data)
        self.paris.start()
        self.assertEqual(self.paris.call("DBSIZE"), 20000)


class RestoreOne(BackupTest):
    def test_while_the_others_run_on_the_result_is_the_union(self):
        writers = [self.writer(leader) for leader in self.cluster]
        for writer in writers:
            writer.start()
        time.sleep(1)
        self.backup(self.paris, "backup")
        time.sleep(1)
        writers[0].stop()
        self.paris.call("SET", "mark", "paris's last")
        for leader in (self.tokyo, self.dallas):
            until(lambda: leader.call("GET", "mark"), 60, "%s has all that paris wrote" % leader.region)
        self.paris.kill9()
        self.lose_and_restore(self.paris, "backup")
        self.paris.start()
        self.paris.call("INCR", "after")
        time.sleep(0.5)
        for writer in writers[1:]:
            writer.stop()
            self.assertGreater(writer.operations, 50)
        self.cluster.wait_converged()
        self.check_ledgers(writers)
        writers[0].start()
        time.sleep(0.3)
        writers[0].stop()
        self.cluster.wait_converged()
        self.check_ledgers(writers)
        self.assertEqual(self.cluster.everywhere("GET", "after"), "1")


class RestoreAll(BackupTest):
    def test_to_different_ages_they_become_the_union_of_the_backups(self):
        for step, leader in enumerate(self.cluster):
            for writer in self.cluster:
                writer.pipeline([("SADD", "s", "%s-%d" % (writer.region, step)), ("INCRBY", "c", 4**step)])
            self.cluster.wait_converged()
            self.backup(leader, leader.region + ".backup")
        self.cluster.cut_all()
        for leader in self.cluster:
            leader.call("SADD", "s", leader.region + "-lost")
        for leader in self.cluster:
            leader.kill9()
            self.lose_and_restore(leader, leader.region + ".backup")
        for leader in self.cluster:
            leader.start()
            leader.call("INCRBY", "c", 1000)
        self.cluster.wait_converged()
        expected = sorted("%s-%d" % (leader.region, step) for leader in self.cluster for step in range(3))
        self.assertEqual(sorted(self.cluster.everywhere("SMEMBERS", "s")), expected)
        self.assertEqual(self.cluster.everywhere("GET", "c"), str(3 * (1 + 4 + 16) + 3000))

    def test_all_from_one_backup(self):
        self.tokyo.pipeline([("SADD", "s", "tea"), ("INCRBY", "c", 7)])
        self.cluster.wait_converged()
        self.backup(self.paris, "backup")
        for leader in self.cluster:
            leader.stop()
        for leader in self.cluster:
            self.lose_and_restore(leader, "backup")
        self.cluster.start()
        for leader in self.cluster:
            leader.call("INCR", "c")
        self.cluster.wait_converged()
        self.assertEqual(self.cluster.everywhere("GET", "c"), "10")


class Seed(BackupTest):
    """A backup of paris is what a new region starts from."""
    regions = ("paris", "tokyo", "oslo")
    start_all = False

    def test_a_new_region_starts_from_another_ones_backup(self):
        writers = [self.writer(self.paris), self.writer(self.tokyo)]
        for leader, writer in zip((self.paris, self.tokyo), writers):
            leader.start()
            writer.start()
        time.sleep(1)
        self.backup(self.paris, "backup")
        found = self.tool("restore", "--from", self.path("backup"), "--data", self.oslo.data, "--region", "oslo")
        self.assertEqual((found["taken_from"], found["region"]), ("paris", "oslo"))
        code, output = self.oslo.run_to_end("--region", "paris", "--peer", "oslo=127.0.0.1:1")
        self.assertEqual(code, 78, output)
        self.oslo.start()
        writers.append(self.writer(self.oslo))
        writers[2].start()
        time.sleep(1)
        for writer in writers:
            writer.stop()
            self.assertGreater(writer.operations, 50)
        self.cluster.wait_converged()
        self.check_ledgers(writers)


if __name__ == "__main__":
    case.main()
