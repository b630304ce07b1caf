#!/usr/bin/python3
"""Random commands at every leader while links flap and leaders are killed: whatever they
did, in the end all hold the same, and answer every read alike."""
import random
import time

import case
import load
from random_commands import FIELDS, KEYS, MEMBERS, Generator

SEED = case.number("TURNSTONE_SEED", random.randrange(10**6))
ROUNDS = case.number("TURNSTONE_CHAOS_ROUNDS", 12)


class Chaos(case.ClusterTest):
    options = ("--checkpoint-interval-ms", "100")

    def test_random_commands_through_partitions_and_kills(self):
        print("TURNSTONE_SEED=%d" % SEED)
        rng = random.Random(SEED)
        for number in range(ROUNDS):
            writers = [self.writer(leader, random.Random(rng.random()), floats=bool(number % 2))
                       for leader in self.cluster]
            for _ in range(rng.randint(3, 8)):
                self.disturb(rng)
                time.sleep(rng.uniform(0, 0.2))
            for writer in writers:
                self.assertGreater(writer.stop(), 0)
            self.cluster.heal_all()
            self.cluster.wait_converged()
            self.check_reads()

    def writer(self, leader, rng, floats):
        generator = Generator(rng, floats)

        def work(client):
            client.pipeline(generator.batch())
        return load.Background(leader, work)

    def disturb(self, rng):
        choice = rng.random()
        pair = rng.choice(self.cluster.pairs())
        if choice < 0.4:
            self.cluster.cut(*pair)
        elif choice < 0.7:
            self.cluster.heal(*pair)
        elif choice < 0.85:
            self.cluster.cut_all()
        else:
            victim = rng.choice(list(self.cluster))
            victim.kill9()
            victim.start()

    def check_reads(self):
        reads = [("DBSIZE",), ("KEYS", "*")]
        for key in KEYS:
            reads += [("TYPE", key), ("GET", key), ("SMEMBERS", key), ("SCARD", key), ("HGETALL", key), ("HLEN", key),
                      ("STRLEN", key), ("SMISMEMBER", key, *MEMBERS), ("HMGET", key, *FIELDS)]
        answers = {leader.region: leader.pipeline(reads) for leader in self.cluster}
        for read, *replies in zip(reads, *answers.values()):
            # Equal states are scanned in the same order, so even the order is the same.
            self.assertEqual(len({str(reply) for reply in replies}), 1, "%s: %s" % (read, replies))


class ManyConcurrentDeletes(case.ClusterTest):
    """A key that is made and deleted thousands of times on both sides of a partition: what
    is on record of that is bounded, and so is what it costs."""
    regions = ("paris", "tokyo")
    growth_limit = 200 * 2**20
    rounds = {
        "a string": [("SET", "k", "v"), ("DEL", "k")],
        "a counter": [("INCR", "c"), ("DEL", "c")],
        "a member": [("SADD", "s", "m"), ("SREM", "s", "m")],
        "a field": [("HSET", "h", "f", "v"), ("HDEL", "h", "f")],
        "a set": [("SADD", "t", "m"), ("DEL", "t")],
        "two kinds": [("SET", "j", "v"), ("DEL", "j"), ("SADD", "j", "m"), ("DEL", "j")],
        "a renamed key": [("SET", "a", "v"), ("RENAME", "a", "b")],
        "everything": [("SET", "e", "v"), ("FLUSHALL",)],
    }

    def test_they_cost_no_more_than_the_writes(self):
        for name, commands in self.rounds.items():
            with self.subTest(name):
                self.cluster.cut_all()
                before = [leader.rss() for leader in self.cluster]
                for leader in self.cluster:
                    leader.pipeline(commands * 5000)
                self.cluster.heal_all()
                seconds = self.cluster.wait_converged()
                growth = [leader.rss() - old for leader, old in zip(self.cluster, before)]
                print("%s: equal after %.1f s, RSS grew by %s MiB"
                      % (name, seconds, [round(one / 2**20) for one in growth]))
                self.assertLess(max(growth), self.growth_limit)


if __name__ == "__main__":
    case.main()
