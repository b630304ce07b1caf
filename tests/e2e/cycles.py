#!/usr/bin/python3
"""One fault many times over, behind a network that misbehaves: kill -9, restores from old
copies, clones, lost write-ahead logs, pauses. Nothing acknowledged is lost, nothing takes
effect twice, all leaders are equal in the end.

TURNSTONE_CYCLES is how often: each thing 100 times, with ten times as many kills."""
import collections
import contextlib
import copy
import os
import shutil

import case
import kill9
import processes
import under_load

CYCLES = case.number("TURNSTONE_CYCLES", 100)
IO, IN_USE = 74, 75


class Network(under_load.UnderLoad):
    """Nothing but the weather."""
    proxied = True
    cycles = case.share(CYCLES)

    def test_bad_links_lose_nothing(self):
        self.run_cycles(self.some_load)


class Kill(kill9.Kill9):
    proxied = True
    cycles = case.share(10 * CYCLES)


class Pause(under_load.UnderLoad):
    proxied = True
    cycles = case.share(CYCLES)

    def test_a_pause_of_any_leader_loses_nothing(self):
        self.run_cycles(self.pause_some)

    def pause_some(self):
        paused = self.rng.sample(list(self.cluster), self.rng.choice((1, 1, 1, 2, 3)))
        self.some_load()
        for leader in paused:
            leader.pause()
        self.sleep(0.01, 1.5)
        for leader in paused:
            leader.resume()


class Losing(under_load.UnderLoad):
    """Cycles that take from a leader what it has: only once another one has it, too."""
    proxied = True
    cycles = case.share(CYCLES)
    options = ("--checkpoint-interval-ms", "50")

    def start_load(self):
        for writer in self.writers:
            writer.forgetful = True
        super().start_load()

    @contextlib.contextmanager
    def quiet(self, victim):
        """Nobody writes, and what the victim has is elsewhere; then the weather turns again."""
        self.stop_load()
        self.wait_until_seen(victim)
        yield
        self.weather.change()
        self.start_load()

    def end(self, victim):
        if self.rng.random() < 0.5:
            victim.kill9()
        else:
            self.assertEqual(victim.stop(), 0, victim.log_tail())


class Restore(Losing):
    def test_old_copies_put_back_lose_nothing(self):
        self.copies = collections.defaultdict(list)
        self.run_cycles(self.restore_one)

    def restore_one(self):
        victim = self.rng.choice(list(self.cluster))
        copies = self.copies[victim.region]
        self.some_load()
        if len(copies) < 2 or self.rng.random() < 0.3:
            name = "%s-copy-%d" % (victim.region, self.rng.randrange(4))
            path = victim.copy_data(os.path.join(self.cluster.root, name))
            if path not in copies:
                copies.append(path)
            self.some_load()
        with self.quiet(victim):
            self.end(victim)
            if self.rng.random() < 0.2:
                shutil.rmtree(victim.data)  # not even a copy
            else:
                victim.restore_data(self.rng.choice(copies))
            victim.start()


class Clone(Losing):
    """Two leaders of one region, from one directory, behind one address that leads now to the
    one and now to the other: a fail-over that was none."""

    def test_a_clone_and_its_original_are_both_heard(self):
        self.spare = type(self.paris)("spare", self.cluster.root)
        self.unused_ports = processes.free_ports(3)
        self.run_cycles(self.clone_one)
        self.assertEqual(self.cluster.everywhere("HLEN", "clones"), self.cycles)

    def clone_one(self):
        victim = self.rng.choice(list(self.cluster))
        self.some_load()
        clone = self.clone_of(victim)
        clone.start()
        try:
            self.assertNotEqual(origin_of(clone), origin_of(victim))
            self.refuses_the_same_directory(victim)
            self.some_load()
            self.cluster.network.redirect(victim.region, (clone.gossip_port, clone.pull_port))
            clone.call("HSET", "clones", origin_of(clone), "heard")
            self.some_load()
            with self.quiet(clone):
                survivor, other = (clone, victim) if self.rng.random() < 0.5 else (victim, clone)
                # The last word has the one that nobody hears at this moment.
                self.cluster.network.redirect(victim.region, (victim.gossip_port, victim.pull_port))
                self.wait_until_seen(victim)
                self.cluster.network.redirect(victim.region, (survivor.gossip_port, survivor.pull_port))
                self.end(other)
                if survivor is clone:
                    exchange(victim, clone)
        finally:
            if clone.is_running():
                clone.kill9()
        shutil.rmtree(clone.data)

    def clone_of(self, victim):
        clone = self.spare
        clone.region, clone.peers, clone.options = victim.region, victim.peers, victim.options
        clone.data = os.path.join(self.cluster.root, "clone-%d" % self.rng.randrange(10**9))
        victim.copy_data(clone.data)
        return clone

    def refuses_the_same_directory(self, victim):
        again = copy.copy(victim)
        again.resp_port, again.gossip_port, again.pull_port = self.unused_ports
        code, output = again.run_to_end()
        self.assertEqual(code, IN_USE, output)
        self.assertIn(victim.data, output)


def origin_of(leader):
    return leader.region_views()[leader.region]["origin"]


def exchange(one, other):
    """Each takes the place of the other: directory, ports, process."""
    one._drop_client()
    other._drop_client()
    for name in ("data", "log", "resp_port", "gossip_port", "pull_port", "process", "expected_down"):
        mine, yours = getattr(one, name), getattr(other, name)
        setattr(one, name, yours)
        setattr(other, name, mine)


class WalDeleted(Losing):
    """The newest part of the log goes with its write-ahead log. Who notices that acknowledged
    writes are gone refuses to start, and says what to do; then that is done."""

    def test_a_lost_write_ahead_log_is_noticed_or_made_good(self):
        # The state of one holds nearly all of its log, that of another one little of it.
        self.tokyo.options = ["--checkpoint-interval-ms", "1000"]
        self.dallas.options = []
        self.outcomes = collections.Counter()
        self.run_cycles(self.lose_one)
        print("outcomes: %s" % dict(self.outcomes))

    def lose_one(self):
        victim = self.rng.choice(list(self.cluster))
        self.some_load(2000)
        with self.quiet(victim):
            victim.kill9()
            wal = os.path.join(victim.data, "log.db-wal")
            if os.path.exists(wal):
                os.remove(wal)
            victim.start(wait=False)
            try:
                victim.wait_ready()
                self.outcomes["served"] += 1
            except AssertionError:
                code = victim.process.poll()
                self.assertIsNotNone(code, "neither serves nor ends")
                victim.expected_down = True
                self.assertEqual(code, IO, victim.log_tail())
                self.assertIn("start with an empty one", victim.log_tail(3))
                self.outcomes["refused, then started empty"] += 1
                shutil.rmtree(victim.data)
                victim.start()


class Seven(under_load.UnderLoad):
    """Seven regions, any of them killed or paused, behind bad links."""
    regions = ("paris", "tokyo", "dallas", "oslo", "lima", "cairo", "perth")
    proxied = True
    cycles = case.share(CYCLES // 2)

    def test_seven_regions_agree(self):
        self.run_cycles(self.trouble)

    def trouble(self):
        victims = self.rng.sample(list(self.cluster), self.rng.randint(1, 3))
        self.some_load()
        kills = self.rng.random() < 0.5
        for victim in victims:
            victim.kill9() if kills else victim.pause()
        self.sleep(0.05, 1)
        for victim in victims:
            victim.start(wait=False) if kills else victim.resume()
        for victim in victims:
            victim.wait_ready()


if __name__ == "__main__":
    case.main()
