#!/usr/bin/python3
"""Every start of a leader is a new origin; those that ended leave the vectors again."""
import re

import case
import load
from processes import until

# Restarts of each of the three leaders.
ROUNDS = case.number("TURNSTONE_RESTARTS", 12)
# Three that write, and those that may stay for the sake of a longer log (sync/limits.hpp).
ORIGINS_MAX = 3 + 16


class Restarts(case.ClusterTest):
    options = ("--checkpoint-interval-ms", "100", "--close-after-ms", "500")

    def number(self, leader, field):
        return int(re.search(field + r":(\d+)", leader.call("INFO", "replication")).group(1))

    def state(self):
        return {leader.region: {name: self.number(leader, name)
                                for name in ("origins_in_vector", "origins_closing", "origins_retired")}
                for leader in self.cluster}

    def wait_converged(self):
        """The vectors in TS.REGIONS leave out what is retired, which each leader does in its own time."""
        until(lambda: len({str(leader.digest()) for leader in self.cluster}) == 1, 60,
              lambda: "equal states: %s" % [leader.digest() for leader in self.cluster])

    def few_are_left(self):
        return all(state["origins_in_vector"] <= ORIGINS_MAX and state["origins_retired"] > 0
                   for state in self.state().values())

    def test_vectors_stay_short_and_nothing_is_lost(self):
        written = 0
        for number in range(ROUNDS):
            for leader in self.cluster:
                load.increments(leader.resp_port, 64)
                written += 64
                if number % 2:
                    leader.kill9()
                else:
                    leader.stop()
                leader.start()
        self.wait_converged()
        until(self.few_are_left, 60, lambda: "few origins are left: %s" % self.state())
        for leader in self.cluster:
            self.assertEqual(load.sum_of_counters(leader), written)
        # They know it after a start, and go on.
        for leader in self.cluster:
            leader.kill9()
            leader.start()
            load.increments(leader.resp_port, 64)
        self.wait_converged()
        for leader in self.cluster:
            self.assertEqual(load.sum_of_counters(leader), written + 3 * 64)
        # What was retired since the state was stored is so again in a moment.
        until(self.few_are_left, 60, lambda: "few origins are left: %s" % self.state())


if __name__ == "__main__":
    case.main()
