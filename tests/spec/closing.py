#!/usr/bin/env python3
"""Executable specification of what ends: runs of leaders (origins), members, and the log.

    closing.py [SEEDS [STEPS]]   the rules, then without one of them; exits with 1 when the rules
                                 fail, or when a rule that is left out is not missed

Random runs miss ack, join, hold and new soon, and quiet by seed 696; relist is missed by seed 1618.
What the others are for takes more coincidences than they meet; tests/sync/replica_closing.cpp has
the cases.

A leader that restarts stamps under a new origin. The old one is closed, so that it leaves the
vectors, and the log is cut behind what is stable. The rules, in the words of docs/protocol.md:

 R1 freeze   Whoever applies a close request takes no more of that origin, except what a delta of
             a member that must acknowledge depends on: that member will acknowledge no less.
 R2 ack      Every required member acknowledges with the last it has, and again when it had to
             take more (R1). The origin ends at the greatest of them, F, once all are applied.
 ask         Before its first acknowledgement it has heard from every required member since it
             started, and has what they have of this origin and of its own region's earlier runs:
             who was restored from an old copy must not acknowledge less than it did before.
 R3 omit     A vector leaves a closed origin out only when all that was cut from the log covers
             the acknowledgements (the origin is settled). In a vector an absent origin that is
             closed stands for F if the vector covers its acknowledgements, else for nothing.
 R4 floor    The log is cut in its own order, up to where everything is stable and in the stored
             state. A delta whose author had not seen all that was cut is not applied: its author
             copies a state and starts again.
 R5 join     A new member stamps nothing before it has applied the delta that made it a member.
    new      Until that delta is stable it has of a region only what a third one has, too, since
             close requests may be under way that do not wait for it.
 R6 remove   The origins of a removed member, and its name, are closed by those that stay. Then
             nobody waits for its acknowledgements any more, and what only it had is void.
    hold     Until then its last report holds stability back: its deltas may still come from
             others.
 R7 relist   An author that was restored from an old copy may have seen less than what is taken
             for stable: the increments that it had not seen are listed singly again, from the log.

    quiet    Who began on another's state, since its own directory was lost, does not count for what
             is stable, and takes nothing for stable, until every earlier run of its region has
             ended: what they stamped may still be on its way, from whoever heard it. The last
             report of its region from before goes on counting.

Two leaders of one region, from copies of one directory, may be heard by some each:

 C1 one      Of what a region acknowledged first, in two places unaware of each other, the least
             counts. In a vector an absent origin that is closed stands for F, too, if the vector
             covers one acknowledgement that says more than the vector: the two may have
             acknowledged the end of each other's run.
 C2 raise    A member that had to take more (R1) before it had all acknowledgements says so even
             if it has them by then. Who has all takes more where a delta depends on it whose author
             had seen what its own region acknowledged, and is not of the origin's region.
 C3 overtaken Who has more of an origin than another leader of its region acknowledges does not
             acknowledge more, and stamps nothing until it may.
 C4          An origin is settled only when its acknowledgements are stable, and by nobody that
             has more of it than F.

Every replica is compared with the state computed from the set of its deltas alone, after every
step, and all are equal at the end. Contexts travel as they do on the wire, the oracle has the
true ones.
"""
import sys

from closing_world import Fenced, World

# A seed that misses the rule.
MISSED_BY = {"ack": 28, "join": 7, "hold": 66, "new": 67, "quiet": 696}
# With two leaders of one region.
MISSED_BY_TWO = {"overtaken": 6, "again": 13, "one": 15}


def run(seed, steps, without=(), clones=False):
    world = World(seed, without, clones)
    for _ in range(steps):
        world.step()
    world.finish()
    return len(world.deltas), sum(world.born.values())


def main():
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    steps = int(sys.argv[2]) if len(sys.argv) > 2 else 200
    verdict = 0
    checks = [(rule, first, False) for rule, first in {None: 0, **MISSED_BY}.items()]
    checks += [(rule, first, True) for rule, first in {None: 0, **MISSED_BY_TWO}.items()]
    for rule, first, clones in checks:
        without = (rule,) if rule else ()
        wrong, deltas, origins, fenced = None, 0, 0, 0
        for seed in range(first, first + (1 if rule else seeds // 2 if clones else seeds)):
            try:
                d, o = run(seed, 200 if rule else steps, without, clones)
                deltas, origins = deltas + d, origins + o
            except Fenced:
                fenced += 1
            except (AssertionError, KeyError, RecursionError) as problem:
                wrong = "seed %d: %s: %s" % (seed, type(problem).__name__, problem)
                break
        print("%s%s: %d deltas, %d origins, %d seeds fenced; %s"
              % ("without " + rule if rule else "all rules", ", two leaders of a region" if clones else "",
                 deltas, origins, fenced, wrong or "nothing wrong"))
        if bool(wrong) != bool(rule):
            verdict = 1
    return verdict


if __name__ == "__main__":
    sys.exit(main())
