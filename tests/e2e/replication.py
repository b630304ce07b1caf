#!/usr/bin/python3
"""Leaders converge: under load, through a third one, late, restarted, and after a pause in
which ZeroMQ dropped what was sent."""
import random
import threading
import time

import case
import load
from processes import open_files, until

PAUSE_SECONDS = case.number("TURNSTONE_PAUSE_SECONDS", 15)
# What the others write meanwhile, and the RSS that it may cost them: the socket's queue, and
# some 200 bytes for each increment that stays listed singly until the paused peer has it.
PAUSE_ROUNDS = 10
GROWTH_LIMIT = 300 * 2**20


class Converging(case.ClusterTest):
    def test_all_take_writes_at_once_and_become_equal(self):
        rounds = {}

        def writer(leader):
            rng = random.Random(leader.region)

            def work(client):
                commands = [("INCRBY", "c:%d" % rng.randrange(50), "1") for _ in range(40)]
                commands += [("SADD", "s:%d" % rng.randrange(5), "%s-%d" % (leader.region, rng.randrange(10**9)))
                             for _ in range(20)]
                commands += [("HINCRBY", "h", "f%d" % rng.randrange(20), "3") for _ in range(10)]
                commands += [("SET", "k:%d" % rng.randrange(200), leader.region) for _ in range(20)]
                commands += [("DEL", "k:%d" % rng.randrange(200)) for _ in range(5)]
                commands += [("SREM", "s:%d" % rng.randrange(5), "%s-1" % leader.region)]
                replies = client.pipeline(commands)
                assert not any(isinstance(reply, Exception) for reply in replies), replies
            return load.Background(leader, work)

        writers = [writer(leader) for leader in self.cluster]
        time.sleep(6)
        for leader, background in zip(self.cluster, writers):
            rounds[leader.region] = background.stop()
        self.cluster.wait_converged()
        total = sum(rounds.values())
        counters = self.cluster.everywhere("MGET", *["c:%d" % index for index in range(50)])
        self.assertEqual(sum(int(value) for value in counters), 40 * total)
        fields = self.cluster.everywhere("HVALS", "h")
        self.assertEqual(sum(int(value) for value in fields), 30 * total)
        members = sum(self.cluster.everywhere("SCARD", "s:%d" % index) for index in range(5))
        self.assertGreater(members, 19 * total)  # a few random members may repeat
        self.cluster.everywhere("DBSIZE")

    def test_a_delta_reaches_dallas_through_tokyo_when_paris_and_dallas_are_cut(self):
        self.cluster.cut("paris", "dallas")
        self.paris.call("SET", "k", "from paris")
        until(lambda: self.dallas.call("GET", "k") == "from paris", 30, "relay by tokyo")
        self.dallas.call("SADD", "s", "from dallas")
        until(lambda: self.paris.call("SISMEMBER", "s", "from dallas") == 1, 30, "relay by tokyo, back")
        load.increments(self.paris.resp_port, 20000)
        load.increments(self.dallas.resp_port, 20000)
        self.cluster.wait_converged()
        self.assertEqual(load.sum_of_counters(self.dallas), 40000)

    def test_a_leader_cut_from_all_hears_nothing_until_healed(self):
        self.cluster.cut("paris", "dallas")
        self.cluster.cut("tokyo", "dallas")
        self.paris.call("SET", "k", "v")
        self.cluster.wait_converged("paris", "tokyo")
        self.dallas.call("SET", "j", "v")
        time.sleep(2.5)  # longer than an idle beacon's interval
        self.assertIsNone(self.dallas.call("GET", "k"))
        self.assertIsNone(self.paris.call("GET", "j"))
        self.cluster.heal_all()
        self.cluster.wait_converged()
        self.assertEqual(self.cluster.everywhere("MGET", "k", "j"), ["v", "v"])

    def test_one_transaction_of_many_megabytes_reaches_the_others(self):
        value = "x" * 1000000
        sets = [("SET", "big:%d" % number, value) for number in range(60)]
        replies = self.paris.pipeline([("MULTI",), *sets, ("EXEC",)], slice_size=1000)
        self.assertEqual(replies[-1], ["OK"] * 60)
        self.paris.call("SET", "after", "it")
        self.cluster.wait_converged()
        self.assertEqual(self.cluster.everywhere("DBSIZE"), 61)
        self.assertEqual(self.dallas.call("STRLEN", "big:59"), 1000000)
        # A rename moves all that the key holds in one operation.
        for number in range(80):
            self.tokyo.call("HSET", "huge", number, value)
        self.tokyo.call("RENAME", "huge", "renamed")
        self.cluster.wait_converged()
        self.assertEqual(self.cluster.everywhere("HLEN", "renamed"), 80)
        self.dallas.kill9()
        self.dallas.start()
        self.cluster.wait_converged()

    def test_links_that_flap_leave_nothing_behind(self):
        files = {leader.region: open_files(leader.process.pid) for leader in self.cluster}
        pairs = self.cluster.pairs()
        rng = random.Random(4)
        done = []
        loaders = [threading.Thread(target=lambda port=leader.resp_port: done.append(load.increments(port, 60000)))
                   for leader in self.cluster]
        for loader in loaders:
            loader.start()
        deadline = time.monotonic() + 6
        while time.monotonic() < deadline:
            pair = rng.choice(pairs)
            self.cluster.cut(*pair)
            time.sleep(rng.uniform(0, 0.15))
            self.cluster.heal(*pair)
        for loader in loaders:
            loader.join()
        self.assertEqual(len(done), 3)
        self.cluster.wait_converged()
        self.assertEqual(load.sum_of_counters(self.paris), 180000)
        for leader in self.cluster:
            self.assertLess(open_files(leader.process.pid), files[leader.region] + 20)


class Regions(case.ClusterTest):
    """What TS.REGIONS tells an operator."""

    def seen(self, region, link, **expected):
        """Until paris sees the region so."""
        expected["link"] = link
        until(lambda: expected.items() <= self.paris.region_views()[region].items(), 20,
              lambda: "%s: %s" % (expected, self.paris.region_views()[region]))

    def test_links_and_lag(self):
        self.assertEqual(list(self.paris.region_views()), ["paris", "dallas", "tokyo"])
        self.paris.call("SET", "k", "v")
        self.cluster.wait_converged()
        for region in ("tokyo", "dallas"):
            self.seen(region, "up", lag_deltas_behind_us=0, lag_deltas_ahead_of_us=0)
        self.assertEqual(self.paris.region_views()["paris"]["self"], 1)
        self.cluster.cut("paris", "dallas")
        self.cluster.cut("tokyo", "dallas")
        self.paris.pipeline(("INCR", "c") for _ in range(100))
        self.seen("dallas", "cut", lag_deltas_behind_us=100)
        self.seen("tokyo", "up", lag_deltas_behind_us=0)
        self.cluster.heal_all()
        self.seen("dallas", "up", lag_deltas_behind_us=0)
        self.tokyo.kill9()
        self.seen("tokyo", "down")
        self.tokyo.start()
        self.seen("tokyo", "up", lag_deltas_behind_us=0)
        self.assertLess(abs(self.paris.region_views()["tokyo"]["clock_skew_ms"]), 5000)


class CatchingUp(case.ClusterTest):
    start_all = False

    def test_a_leader_that_starts_late(self):
        self.paris.start()
        self.tokyo.start()
        load.increments(self.paris.resp_port, 40000)
        self.tokyo.pipeline(("SADD", "s", number) for number in range(10000))
        self.dallas.start()
        self.cluster.wait_converged()
        self.assertEqual(load.sum_of_counters(self.dallas), 40000)
        self.assertEqual(self.dallas.call("SCARD", "s"), 10000)

    def test_a_leader_that_was_away(self):
        self.cluster.start()
        load.increments(self.dallas.resp_port, 8000)
        self.cluster.wait_converged()
        for end in (self.dallas.stop, self.dallas.kill9):
            end()
            load.increments(self.paris.resp_port, 20000)
            load.increments(self.tokyo.resp_port, 20000)
            self.dallas.start()
            load.increments(self.dallas.resp_port, 8000)  # it takes writes while it catches up
            self.cluster.wait_converged()
        self.assertEqual(load.sum_of_counters(self.dallas), 104000)

    def test_all_stop_and_start_again(self):
        self.cluster.start()
        load.increments(self.paris.resp_port, 10000)
        self.cluster.wait_converged()
        before = load.sum_of_counters(self.tokyo)
        for leader in self.cluster:
            self.assertEqual(leader.stop(), 0)
        self.cluster.start()
        self.cluster.wait_converged()
        self.assertEqual(load.sum_of_counters(self.tokyo), before)
        self.assertEqual(before, 10000)


class Paused(case.ClusterTest):
    def test_a_peer_that_was_paused_under_load_catches_up_and_costs_the_others_little(self):
        self.fill(self.paris, 100000)
        self.cluster.wait_converged()
        before = {leader.region: leader.rss() for leader in (self.paris, self.tokyo)}
        peak = dict(before)
        self.dallas.pause()
        written, values = 0, 0
        deadline = time.monotonic() + PAUSE_SECONDS
        # A fixed amount of work, so that a fast machine is not asked to keep more.
        for _ in range(PAUSE_ROUNDS):
            load.increments(self.paris.resp_port, 50000)
            self.fill(self.tokyo, 20000)
            written, values = written + 50000, values + 20000
            for region in peak:
                peak[region] = max(peak[region], self.cluster[region].rss())
        time.sleep(max(0, deadline - time.monotonic()))
        self.dallas.resume()
        load.increments(self.paris.resp_port, 8000)
        seconds = self.cluster.wait_converged(seconds=120)
        self.assertEqual(load.sum_of_counters(self.dallas), written + 8000)
        for region in peak:
            growth = peak[region] - before[region]
            print("%s: RSS grew by %.0f MiB over %d increments and %d values of 1 kB in %g s"
                  % (region, growth / 2**20, written, values, PAUSE_SECONDS))
            self.assertLess(growth, GROWTH_LIMIT)
        print("dallas: equal %.1f s after the pause" % seconds)

    @staticmethod
    def fill(leader, count):
        """Values of 1 kB under keys that exist already, so that only what is kept for the
        paused peer can make a leader grow."""
        load.benchmark(leader.resp_port, "-q", "-t", "set", "-r", 20000, "-d", 1000, "-n", count,
                       "-c", 20, "-P", 16)


if __name__ == "__main__":
    case.main()
