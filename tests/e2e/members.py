#!/usr/bin/python3
"""Regions are added and removed while all leaders run, through any one of them: nothing that was
acknowledged is lost, also while a region is away, and who was removed is told so."""
import json
import re
import subprocess

import case
import cluster
import keys
from load import Background
from processes import until
from resp import ReplyError

FOUNDERS = ("paris", "tokyo", "dallas")
REFUSED, USAGE, IO = 1, 64, 74


def run(*words):
    done = subprocess.run([cluster.binary(), "region", *words], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


class MembersTest(case.ClusterTest):
    regions = (*FOUNDERS, "oslo")
    options = ("--checkpoint-interval-ms", "100", "--log-retain-bytes", "0", "--close-after-ms", "1000")
    start_all = False

    def setUp(self):
        super().setUp()
        self.founders = [self.cluster[region] for region in FOUNDERS]
        for leader in self.founders:
            del leader.peers["oslo"]
        # It knows one; of that one it learns of the others.
        self.oslo.peers = {"paris": self.oslo.peers["paris"]}
        self.oslo.options.append("--join")
        self.background = []
        self.acknowledged = 0

    def start_founders(self):
        for leader in self.founders:
            leader.start(wait=False)
        for leader in self.founders:
            leader.wait_ready()

    def region(self, at, *words):
        code, out, error = run(*words, "--at", "127.0.0.1:%d" % at.resp_port)
        self.assertEqual(code, 0, error)
        return out

    def refused(self, at, *words):
        code, out, error = run(*words, "--at", "127.0.0.1:%d" % at.resp_port)
        self.assertEqual((code, out), (REFUSED, ""))
        return error

    def listed(self, at):
        lines = map(json.loads, self.region(at, "list", "--json").splitlines())
        return {line["region"]: line for line in lines}

    def wait_state(self, region, state, *at):
        until(lambda: all(self.listed(leader)[region]["state"] == state for leader in at), 60,
              lambda: "%s is %s: %s" % (region, state, [self.listed(leader) for leader in at]))

    def add_oslo(self, at, *more):
        self.region(at, "add", "oslo=127.0.0.1:%d" % self.oslo.gossip_port, *more)

    def wait_writes(self, leader):
        def writes():
            try:
                return leader.call("SET", "written:" + leader.region, "yes") == "OK"
            except ReplyError:
                return False
        until(writes, 60, lambda: "%s takes writes:\n%s" % (leader.region, leader.log_tail()))

    def count_at(self, *leaders):
        for leader in leaders:
            self.background.append(Background(leader, lambda client: client.call("INCR", "n"), tolerate=("MISCONF",)))

    def stop_counting(self):
        for each in self.background:
            each.stop()
            self.assertGreater(each.rounds, 0)
            self.acknowledged += each.rounds
        self.background = []

    def wait_equal(self, *leaders):
        """The vectors in TS.REGIONS leave out what is retired, which each leader does in its own time."""
        until(lambda: len({str(leader.digest()) for leader in leaders}) == 1, 60,
              lambda: "equal states: %s" % [leader.digest() for leader in leaders])
        for leader in leaders:
            self.assertEqual(int(leader.call("GET", "n") or 0), self.acknowledged, leader.region)

    def info(self, leader, field):
        return int(re.search(field + r":(\d+)", leader.call("INFO")).group(1))

    def refuses_writes(self, leader):
        try:
            leader.call("SET", "too", "late")
        except ReplyError as error:
            return error.code == "MISCONF" and "was removed from the cluster" in str(error)
        return False


class Members(MembersTest):
    def test_a_region_joins_and_another_leaves_under_load(self):
        self.start_founders()
        self.count_at(*self.founders)
        self.add_oslo(self.tokyo)
        self.oslo.start()
        self.wait_writes(self.oslo)
        self.count_at(self.oslo)
        self.wait_state("oslo", "member", self.paris, self.oslo)
        self.assertIn("is a member already", self.refused(self.paris, "add", "oslo=127.0.0.1:1"))
        self.region(self.paris, "remove", "dallas")
        staying = (self.paris, self.tokyo, self.oslo)
        self.wait_state("dallas", "removed", *staying)
        self.stop_counting()
        self.wait_equal(*staying)
        until(lambda: all(self.info(leader, "origins_in_vector") == 3 for leader in staying), 60,
              lambda: "dallas is in no vector: %s" % [leader.vector() for leader in staying])
        self.assertTrue(self.refuses_writes(self.dallas))
        self.assertIn("its name is not used again", self.refused(self.oslo, "add", "dallas=127.0.0.1:1"))
        # All know it after a start; the settings of paris and tokyo name dallas still, and oslo not.
        for leader in (*staying, self.dallas):
            leader.kill9()
            leader.start()
        self.count_at(*staying)
        until(lambda: self.refuses_writes(self.dallas), 30, "dallas is told")
        self.stop_counting()
        self.wait_equal(*staying)

    def test_a_region_that_is_away_neither_hinders_a_new_one_nor_stays_in_the_way_when_it_is_gone(self):
        self.start_founders()
        self.dallas.call("INCR", "n")
        self.cluster["dallas"].call("SET", "from", "dallas")
        until(lambda: self.paris.call("GET", "from") == "dallas" == self.tokyo.call("GET", "from"), 30, "it is there")
        self.dallas.kill9()
        self.acknowledged = 1
        self.add_oslo(self.paris)
        self.oslo.start()
        self.wait_writes(self.oslo)
        self.count_at(self.paris, self.tokyo, self.oslo)
        until(lambda: min(each.rounds for each in self.background) > 100, 60, "some load")
        self.stop_counting()
        self.wait_equal(self.paris, self.tokyo, self.oslo)
        self.assertEqual(self.listed(self.paris)["oslo"]["state"], "new")
        # It comes back, and learns of the new one.
        self.dallas.start()
        self.wait_state("oslo", "member", *self.cluster)
        self.wait_equal(*self.cluster)
        # It goes for good, with a write that nobody else has.
        for leader in self.cluster:
            if leader is not self.dallas:
                self.cluster.cut("dallas", leader.region)
        self.dallas.call("SET", "mine", "1")
        self.dallas.kill9()
        staying = (self.paris, self.tokyo, self.oslo)
        for leader in staying:
            leader.call("TS.LINK", "HEAL", "dallas")
        until(lambda: self.listed(self.tokyo)["dallas"]["link"] == "down", 30, "its silence is noticed")
        self.assertIn("is not heard", self.refused(self.tokyo, "remove", "dallas"))
        before = {leader.region: self.info(leader, "log_floor_lsn") for leader in staying}
        self.region(self.tokyo, "remove", "dallas", "--lost")
        self.wait_state("dallas", "removed", *staying)
        self.count_at(*staying)
        until(lambda: all(self.info(leader, "log_floor_lsn") > before[leader.region] for leader in staying), 60,
              "the logs are cut")
        self.stop_counting()
        self.wait_equal(*staying)
        self.dallas.start()
        until(lambda: self.refuses_writes(self.dallas), 30, "dallas is told")
        self.assertEqual(self.dallas.call("GET", "mine"), "1")
        self.assertIsNone(self.paris.call("GET", "mine"))

    def test_a_leader_that_no_region_knows_says_what_to_do(self):
        self.start_founders()
        self.oslo.start()
        until(lambda: "turnstone region add oslo=" in self.oslo.log_text(), 30, self.oslo.log_tail)
        self.add_oslo(self.paris)
        self.wait_writes(self.oslo)

    def test_what_is_wrong_is_said(self):
        self.start_founders()
        at = ("--at", "127.0.0.1:%d" % self.paris.resp_port)
        for words in ((), ("add", *at), ("add", "oslo", *at), ("remove", *at), ("list", "oslo", *at), ("list",),
                      ("list", "--key", "x", *at), ("add", "oslo=127.0.0.1:1", "--lost", *at), ("rename", "a", *at)):
            self.assertEqual(run(*words)[0], USAGE, words)
        self.assertEqual(run("list", "--at", "127.0.0.1:1")[0], IO)
        for words, text in ((("add", "Oslo=127.0.0.1:1"), "is no name of a region"), (("add", "oslo=nowhere"), "HOST:PORT"),
                            (("add", "oslo=127.0.0.1:1", "--key", "x"), "public key"),
                            (("remove", "lima"), "there is no region 'lima'")):
            self.assertIn(text, self.refused(self.paris, *words))
        self.assertEqual(set(self.listed(self.paris)), set(FOUNDERS))


class Keyed(MembersTest):
    """The delta that adds a region brings its public key; a removed one is let in nowhere."""

    def setUp(self):
        super().setUp()
        self.keys = keys.give_keys(self.cluster, self.cluster.root)
        for leader in self.founders:
            del self.keys[leader.region].peers["oslo"]
            self.keys[leader.region].write()
        # What the founders have signed it could not check without their keys.
        self.oslo.peers = {leader.region: "127.0.0.1:%d" % leader.gossip_port for leader in self.founders}

    def test_a_region_joins_and_another_leaves(self):
        self.start_founders()
        self.assertIn("its public key is not known", self.refused(self.paris, "add", "oslo=127.0.0.1:1"))
        self.count_at(*self.founders)
        self.add_oslo(self.paris, "--key", self.keys["oslo"].public)
        self.oslo.start()
        self.wait_writes(self.oslo)
        self.count_at(self.oslo)
        self.wait_state("oslo", "member", self.paris, self.oslo)
        self.region(self.oslo, "remove", "dallas")
        staying = (self.paris, self.tokyo, self.oslo)
        self.wait_state("dallas", "removed", *staying)
        self.stop_counting()
        self.wait_equal(*staying)
        for leader in self.cluster:
            self.assertNotIn("batch_forged", leader.log_text())
        # It has slept through it: it hears nothing any more, but that it was removed.
        for leader in staying:
            leader.kill9()
            leader.start()
        self.dallas.kill9()
        self.dallas.start()
        until(lambda: self.refuses_writes(self.dallas), 30, "dallas is told")
        self.assertEqual(int(self.dallas.call("GET", "n")) <= self.acknowledged, True)
        self.count_at(*staying)
        self.stop_counting()
        self.wait_equal(*staying)


if __name__ == "__main__":
    case.main()
