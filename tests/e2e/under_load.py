"""The base of tests that do something to leaders many times over, while writers with a ledger
write everywhere: afterwards every leader must agree with every ledger."""
import random
import time

import case
import proxy
from ledger import Relay, Writer
from processes import until

SEED = case.number("TURNSTONE_SEED", random.randrange(10**6)) + case.part()[0]
# Writers wait so long between pipelines, at most, in seconds: some hardly at all, so that there is
# always something in the air, others so long that it is not always the same.
PAUSES = (0.003, 0.01, 0.05)


class UnderLoad(case.ClusterTest):
    cycles = 10
    check_every = 50

    def run_cycles(self, cycle):
        """`cycle` is called self.cycles times under load; then all leaders are stopped and
        started once more."""
        print("TURNSTONE_SEED=%d, %d cycles" % (SEED, self.cycles))
        self.rng = rng = random.Random(SEED)
        self.weather = proxy.Weather(self.cluster.network, rng) if self.proxied else None
        leaders = list(self.cluster)
        self.writers = [Writer(leader.region, [leader], rng.random(), rng.choice(PAUSES)) for leader in leaders]
        self.writers += [Writer("roaming-%d" % index, leaders, rng.random(), rng.choice(PAUSES)) for index in range(2)]
        self.relay = Relay(leaders, self.writers, rng.random(), 0.01)
        self.running = []
        try:
            for first in range(0, self.cycles, self.check_every):
                self.start_load()
                for _ in range(min(self.check_every, self.cycles - first)):
                    if self.weather and rng.random() < 0.6:  # some last for several cycles
                        self.weather.change()
                    cycle()
                self.stop_load()
                self.check()
        finally:
            self.stop_load()
        for leader in leaders:
            self.assertEqual(leader.stop(), 0, leader.log_tail())
        self.cluster.start()
        self.check()
        if self.weather:
            print("weather: %s" % self.weather.counts)

    def start_load(self):
        self.running = [*self.writers, self.relay]
        for one in self.running:
            one.start()

    def stop_load(self):
        running, self.running = self.running, []
        for one in running:
            one.stop()

    def some_load(self, operations=600, seconds=0.8):
        """Until so many operations more, at most, are acknowledged: a random number, so that a
        slow machine does not make more of them. What is cut off may not let it come to that."""
        def acknowledged():
            return sum(writer.operations for writer in self.writers)

        goal = acknowledged() + self.rng.randint(1, operations)
        end = time.monotonic() + self.rng.uniform(0, seconds)
        while acknowledged() < goal and time.monotonic() < end:
            time.sleep(0.004)
        self.sleep(0, 0.01)

    def sleep(self, least, most):
        time.sleep(self.rng.uniform(least, most))

    def wait_until_seen(self, leader):
        """Until another leader has all that this one has; nobody may be writing."""
        others = [other for other in self.cluster if other is not leader and other.is_running()]
        if self.proxied:
            self.cluster.network.heal_all()
        mark = self.rng.random()
        leader.call("SET", "mark", mark)
        until(lambda: any(other.call("GET", "mark") == str(mark) for other in others), 120,
              lambda: "somebody has what %s has: %s" % (leader.region, {one.region: one.vector() for one in self.cluster}))

    def check(self):
        started = time.monotonic()
        if self.proxied:
            self.cluster.network.heal_all()
        self.cluster.wait_converged(seconds=120)
        problems = [problem for leader in self.cluster for writer in self.writers
                    for problem in writer.check(leader)]
        print("%d operations acknowledged, %d never answered, %d looks at causes, converged and checked in %.1f s"
              % (sum(writer.operations for writer in self.writers), sum(writer.unanswered for writer in self.writers),
                 self.relay.looks, time.monotonic() - started), flush=True)
        self.assertEqual(problems[:20], [], "%d in all" % len(problems))
        self.assertGreater(min(writer.operations for writer in self.writers), 10)
