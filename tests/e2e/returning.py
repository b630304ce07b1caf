#!/usr/bin/python3
"""A leader comes back with writes that nobody takes from it any more: its run was ended, its region
removed, or its log begins where no other one's does. They are brought back, each once."""
import os
import shutil
import subprocess

import case
import cluster
from load import Background
from processes import until
from resp import Disconnected, ReplyError

CONFIG, IN_USE = 78, 75
OPTIONS = ("--checkpoint-interval-ms", "100", "--log-retain-bytes", "0", "--close-after-ms", "1000")


class ReturnTest(case.ClusterTest):
    options = OPTIONS

    def cut_off(self, leader):
        for peer in self.cluster:
            if peer is not leader and peer.is_running():
                self.cluster.cut(leader.region, peer.region)

    def heal(self, leader):
        for peer in self.cluster:
            if peer is not leader:
                peer.call("TS.LINK", "HEAL", leader.region)

    def write_alone(self, leader, rounds=200):
        """Of every kind; 3 of each INCR stay, and what it writes last is what it means."""
        for number in range(rounds):
            leader.call("INCRBY", "n", "3")
            leader.call("SET", "mine", str(number))
            leader.call("SADD", "s", "%s-%d" % (leader.region, number))
            leader.call("HSET", "h", leader.region, str(number))
            leader.pipeline((("MULTI",), ("INCR", "both:a"), ("INCR", "both:b"), ("EXEC",)))
        leader.call("DEL", "stale")
        leader.call("SREM", "s", "%s-0" % leader.region)
        return rounds

    def wait_brought_back(self, leader):
        until(lambda: '"all that earlier runs of this region wrote is applied or brought back"' in leader.log_text(), 90,
              lambda: "all is brought back:\n%s" % leader.log_tail())

    def digests(self, leaders):
        """How many different states; none while one of them starts anew on a copy, which it may do for
        want of what was cut from the logs."""
        try:
            return len({str(leader.digest()) for leader in leaders})
        except (Disconnected, ReplyError):
            for leader in leaders:
                leader._drop_client()
            return 0

    def check(self, leaders, region, rounds, others):
        until(lambda: self.digests(leaders) == 1, 60, "equal states")
        for leader in leaders:
            with self.subTest(leader.region):
                self.assertEqual(int(leader.call("GET", "n")), 10 + 3 * rounds + others)
                self.assertEqual(leader.call("GET", "mine"), str(rounds - 1))
                self.assertEqual(leader.call("HGET", "h", region), str(rounds - 1))
                self.assertEqual(leader.call("SCARD", "s"), rounds - 1)
                self.assertEqual((leader.call("GET", "both:a"), leader.call("GET", "both:b")), (str(rounds),) * 2)
                self.assertIsNone(leader.call("GET", "stale"))
                self.assertEqual(leader.call("GET", "kept"), "by others")
                self.assertNotIn("broken", leader.log_text())

    def before(self, leader):
        leader.call("SET", "stale", "to be deleted")
        leader.call("INCRBY", "n", "10")
        self.cluster.wait_converged()


class EndedRun(ReturnTest):
    def test_the_directory_that_was_ahead_is_found_again(self):
        """dallas is cut off and writes; an old copy of its directory is put in its place, and its run ends."""
        dallas = self.dallas
        self.before(dallas)
        copy = dallas.copy_data(os.path.join(self.cluster.root, "copy"))
        self.cut_off(dallas)
        rounds = self.write_alone(dallas)
        dallas.kill9()
        old = os.path.join(self.cluster.root, "old")
        shutil.move(dallas.data, old)
        shutil.copytree(copy, dallas.data)
        self.heal(dallas)
        dallas.start()
        self.takes_writes(dallas)
        dallas.call("SET", "kept", "by others")
        ended = dallas.log_text().count('"ready"')
        background = Background(self.tokyo, lambda client: client.call("INCR", "n"))
        until(lambda: all("origins_retired:1" in leader.call("INFO") for leader in self.cluster), 60,
              lambda: "the ended run has left the vectors: %s" % [leader.vector() for leader in self.cluster])
        dallas.kill9()
        shutil.rmtree(dallas.data)
        shutil.move(old, dallas.data)
        dallas.start()
        # It finds that it has what nobody takes, takes another one's state, and brings it back.
        until(lambda: dallas.log_text().count('"ready"') >= ended + 2, 90, dallas.log_tail)
        self.wait_brought_back(dallas)
        background.stop()
        self.check(list(self.cluster), "dallas", rounds, background.rounds)
        dallas.kill9()
        dallas.start()
        self.cluster.wait_converged()
        self.check(list(self.cluster), "dallas", rounds, background.rounds)

    def test_a_disk_that_is_found_later_is_brought_back_by_the_leader_that_runs(self):
        dallas = self.dallas
        self.before(self.paris)
        self.cut_off(dallas)
        rounds = self.write_alone(dallas)
        dallas.kill9()
        found = os.path.join(self.cluster.root, "found")
        shutil.move(dallas.data, found)
        self.heal(dallas)
        dallas.start("--join")
        self.takes_writes(dallas)
        dallas.call("SET", "kept", "by others")
        dallas.stop()
        dallas.start("--bring-back", found)
        self.wait_brought_back(dallas)
        self.check(list(self.cluster), "dallas", rounds, 0)
        # Once more is as good as once.
        dallas.kill9()
        dallas.start("--bring-back", found)
        self.cluster.wait_converged()
        self.check(list(self.cluster), "dallas", rounds, 0)


class AloneOnAnEmptyDisk(ReturnTest):
    def test_what_was_written_before_it_had_the_data_of_the_others_is_kept(self):
        """dallas starts on an empty directory without --join and without peers, and takes writes."""
        dallas = self.dallas
        self.before(self.paris)
        for leader in self.cluster:
            number = iter(range(10**9))
            until(lambda leader=leader, number=number: leader.call("SET", "tick:" + leader.region, str(next(number)))
                  and self.log_begins(leader) > 0, 60, "logs are cut", every=0.05)
        self.cluster.wait_converged()
        dallas.kill9()
        shutil.rmtree(dallas.data)
        peers, dallas.peers = dallas.peers, {}
        # Who has no peers keeps no more of the log than this, and what was cut cannot be kept aside.
        options, dallas.options = dallas.options, OPTIONS[:2]
        dallas.start()
        rounds = self.write_alone(dallas)
        dallas.stop()
        dallas.peers, dallas.options = peers, options
        dallas.start()
        self.paris.call("SET", "kept", "by others")
        self.wait_brought_back(dallas)
        self.takes_writes(dallas)
        # It had not seen what it deleted.
        self.paris.call("DEL", "stale")
        self.cluster.wait_converged()
        self.check(list(self.cluster), "dallas", rounds, 0)

    def log_begins(self, leader):
        return int(leader.call("INFO").split("log_floor_lsn:")[1].split()[0])


class RemovedRegion(ReturnTest):
    regions = ("paris", "tokyo", "dallas", "lima")
    start_all = False

    def setUp(self):
        super().setUp()
        self.founders = [self.cluster[region] for region in ("paris", "tokyo", "dallas")]
        for leader in self.founders:
            del leader.peers["lima"]
        del self.lima.peers["dallas"]
        for leader in self.founders:
            leader.start(wait=False)
        for leader in self.founders:
            leader.wait_ready()

    def region(self, *words):
        done = subprocess.run([cluster.binary(), "region", *words, "--at", "127.0.0.1:%d" % self.paris.resp_port],
                              capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_comes_back_under_another_name_with_all_that_it_wrote(self):
        self.paris.call("SET", "stale", "to be deleted")
        self.paris.call("INCRBY", "n", "10")
        until(lambda: self.dallas.call("GET", "n") == "10" == self.tokyo.call("GET", "n"), 30, "it is there")
        self.cut_off(self.dallas)
        rounds = self.write_alone(self.dallas, 100)
        self.dallas.kill9()
        self.dallas.start()  # and a run that nobody ever heard
        self.cut_off(self.dallas)
        for number in range(100, 150):
            self.dallas.call("INCRBY", "n", "3")
            self.dallas.call("SET", "mine", str(number))
            self.dallas.call("HSET", "h", "dallas", str(number))
            self.dallas.call("SADD", "s", "dallas-%d" % number)
            self.dallas.pipeline((("MULTI",), ("INCR", "both:a"), ("INCR", "both:b"), ("EXEC",)))
        rounds += 50
        self.dallas.kill9()
        for leader in (self.paris, self.tokyo):
            leader.call("TS.LINK", "HEAL", "dallas")
        self.region("remove", "dallas", "--lost")
        background = Background(self.tokyo, lambda client: client.call("INCR", "n"))
        self.paris.call("SET", "kept", "by others")
        self.region("add", "lima=127.0.0.1:%d" % self.lima.gossip_port)
        self.lima.start("--join", "--bring-back", self.dallas.data)
        self.takes_writes(self.lima)
        self.wait_brought_back(self.lima)
        background.stop()
        staying = [self.paris, self.tokyo, self.lima]
        self.check(staying, "dallas", rounds, background.rounds)
        self.lima.kill9()
        self.lima.start("--bring-back", self.dallas.data)
        self.check(staying, "dallas", rounds, background.rounds)

    def test_what_cannot_be_brought_back_is_said(self):
        paris = self.paris
        paris.call("SET", "a", "1")
        paris.stop()
        for directory, code, text in ((os.path.join(self.cluster.root, "nowhere"), CONFIG, "is no data directory"),
                                      (self.tokyo.data, IN_USE, "tokyo")):
            with self.subTest(directory):
                got, printed = paris.run_to_end("--bring-back", directory)
                self.assertEqual(got, code, printed)
                self.assertIn(text, printed)
        self.tokyo.stop()
        code, printed = paris.run_to_end("--bring-back", self.tokyo.data)
        self.assertEqual(code, CONFIG, printed)
        self.assertIn("which belongs to the cluster", printed)


if __name__ == "__main__":
    case.main()
