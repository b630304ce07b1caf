#!/usr/bin/python3
"""What concurrent operations give, across real leaders: every line of docs/semantics that
concerns cells, sets, hashes, and keys and their kinds. The lines are in scenario_table.py.

Each runs on three leaders: paris is A, tokyo is B; dallas mostly watches, and hears A first
or B first.
"""
import time

import case
from cluster import comparable
from resp import ReplyError
from scenario_table import SCENARIOS

PLACES = {"A": "paris", "B": "tokyo", "C": "dallas"}


class Scenarios(case.ClusterTest):
    shared = True

    def setUp(self):
        self.cluster.heal_all()
        self.cluster.wait_converged()
        self.paris.call("FLUSHALL")
        self.cluster.wait_converged()
        self.known = {record["id"] for record in self.all_conflicts()}

    def all_conflicts(self):
        return [record for leader in self.cluster for record in leader.conflicts()]

    def run_scenario(self, scenario, dallas_hears_b_first):
        for moment in scenario.moments:
            if isinstance(moment, dict):
                self.run_concurrently(moment, dallas_hears_b_first)
            else:
                self.run_steps(moment)
                self.cluster.wait_converged()
        for command, expected in scenario.shows.items():
            shown = self.cluster.everywhere(*command.split())
            self.assertEqual(comparable(shown), comparable(expected), command)
        for command, error in scenario.errors.items():
            for leader in self.cluster:
                with self.assertRaisesRegex(ReplyError, error):
                    leader.call(*command.split())
        self.check_conflicts(scenario)

    def run_concurrently(self, moment, dallas_hears_b_first):
        self.cluster.cut_all()
        for place, steps in moment.items():
            if place == "A+C":  # dallas sees what paris has, and nothing of tokyo
                self.cluster.heal("paris", "dallas")
                self.cluster.wait_converged("paris", "dallas")
                self.cluster.cut("paris", "dallas")
                place = "C"
            self.run_steps(place + " " + step for step in steps)
            time.sleep(0.01)  # the next place's clock is later
        self.cluster.heal("dallas", "tokyo" if dallas_hears_b_first else "paris")
        self.cluster.wait_converged("dallas", "tokyo" if dallas_hears_b_first else "paris")
        self.cluster.heal_all()
        self.cluster.wait_converged()

    def run_steps(self, steps):
        """`A SET k v`, with ` -> reply` where the reply matters."""
        for step in steps:
            command, _, expected = step.partition(" -> ")
            place, *words = command.split()
            leader = self.cluster[PLACES[place]]
            try:
                reply = leader.call(*words)
            except ReplyError as error:
                reply = error
                if not expected.startswith("error "):
                    raise
            if expected.startswith("error "):
                self.assertIsInstance(reply, ReplyError, step)
                self.assertIn(expected[len("error "):], str(reply), step)
            elif expected:
                self.assertEqual(str(reply), expected, step)

    def check_conflicts(self, scenario):
        per_leader = {leader.region: {record["id"]: record for record in leader.conflicts()
                                      if record["id"] not in self.known}
                      for leader in self.cluster}
        first = per_leader["paris"]
        if not scenario.pairs_survive:
            return
        for region, records in per_leader.items():
            self.assertEqual(set(records), set(first), "%s lists other conflicts: %s" % (region, per_leader))
        if scenario.conflicts is None:
            return
        found = sorted(first.values(), key=description)
        self.assertEqual(len(found), len(scenario.conflicts), found)
        for record, expected in zip(found, sorted(scenario.conflicts, key=sorted_values)):
            self.assertEqual(description(record)[:len(expected)], sorted_values(expected), found)


def description(record):
    return (record["type"], record["key"], *record["values"])


def sorted_values(expected):
    kind, key, *values = expected
    return (kind, key, *sorted(values))


def add_test(index, scenario, dallas_hears_b_first):
    def test(self):
        self.run_scenario(scenario, dallas_hears_b_first)
    test.__doc__ = scenario.line
    name = "test_%02d_%s" % (index, "dallas_hears_b_first" if dallas_hears_b_first else "dallas_hears_a_first")
    setattr(Scenarios, name, test)


for number, line in enumerate(SCENARIOS):
    add_test(number, line, dallas_hears_b_first=bool(number % 2))
    if line.conflicts:  # whose records must be the same in either order
        add_test(number, line, dallas_hears_b_first=not number % 2)


if __name__ == "__main__":
    case.main()
