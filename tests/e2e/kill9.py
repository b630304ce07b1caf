#!/usr/bin/python3
"""kill -9 of any leader under load at any moment, many times: no acknowledged write is
lost, none takes effect twice, no effect shows before its cause."""
import case
import under_load
from ledger import DIGITS, Writer
from processes import until

CYCLES = case.number("TURNSTONE_KILL_CYCLES", 200)


class Kill9(under_load.UnderLoad):
    cycles = case.share(CYCLES)

    def test_no_acknowledged_write_is_lost_and_none_doubled(self):
        # Lives are short here: two of the three write their state often enough to be killed at it.
        self.paris.options = ["--checkpoint-interval-ms", "20"]
        self.tokyo.options = ["--checkpoint-interval-ms", "300"]
        self.kills = 0
        self.run_cycles(self.kill_some)
        print("%d kills" % self.kills)

    def kill_some(self):
        rng = self.rng
        count = rng.choice((1, 1, 1, 1, 1, 1, 1, 2, 2, 3))
        victims = rng.sample(list(self.cluster), count)
        self.some_load()
        for victim in victims:
            self.kill(victim)
        if rng.random() < 0.5:
            self.sleep(0, 0.3)
        for victim in victims:
            victim.start(wait=False)
        while rng.random() < 0.3:  # and again while it recovers
            self.sleep(0, 0.25)
            victim = rng.choice(victims)
            self.kill(victim)
            victim.start(wait=False)
        for victim in victims:
            victim.wait_ready()

    def kill(self, victim):
        self.assertTrue(victim.is_running(), "%s ended by itself:\n%s" % (victim.region, victim.log_tail(20)))
        victim.kill9()
        self.kills += 1


class Canary(case.ClusterTest):
    """The ledger finds what it is there to find."""
    regions = ("paris",)

    def test_each_kind_of_damage_is_reported(self):
        writer = Writer("w", [self.paris], 1)
        writer.start()
        until(lambda: writer.operations > 500, 30, "some load")
        writer.stop()
        self.assertEqual(writer.check(self.paris), [])
        number = min(writer.increments_done)
        register = next(key for key, values in writer.registers.items() if values[0])
        damages = (("took effect 2 times", ("HINCRBY", "counters:w", number // DIGITS, 4**(number % DIGITS))),
                   ("lost members", ("SREM", "members:w", min(writer.members_done))),
                   ("that nobody added", ("SADD", "members:w", 10**9)),
                   ("that are back", ("SADD", "members:w", min(writer.removed_done))),
                   (register, ("SET", register, "-1")))
        for count, (words, command) in enumerate(damages, start=1):
            self.paris.call(*command)
            problems = writer.check(self.paris)
            self.assertEqual(len(problems), count, problems)
            self.assertTrue(any(words in problem for problem in problems), problems)
        self.paris.call("HDEL", "counters:w", number // DIGITS)
        self.assertTrue(any("took effect 0 times" in problem for problem in writer.check(self.paris)))


if __name__ == "__main__":
    case.main()
