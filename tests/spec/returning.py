#!/usr/bin/env python3
"""Executable specification of return: a leader that has writes of its own which nobody takes any more.

    returning.py [SEEDS [STEPS]]   the rules, then without one of them; exits with 1 when the rules
                                   fail, or when a rule that is left out is not missed

A leader comes to this in three ways: its origin was ended while it was away (another run was
started on a copy of its directory), it was restored from an old copy and wrote below the floor of
the others, or its region was removed and did not know. What nobody has is void: (o, s), where o has
ended at F < s; F may be 0. The leader takes a copy of a state, and stamps its void operations again.

 stop      Who has applied the end of an origin of which it has more applies, gives, writes nothing
           more, and gives no copies: its state holds what is void. It takes a copy.
 cut       The source has all that the leader has cut from its log: that it could not keep aside.
 aside     Beside the copy it keeps, durably until they are done, in the order of its log: its own
           region's deltas that the copy lacks, those of others that it lacks, and the vector of all
           it had. Those that it stamped again before come before those still to be done. It gives
           others' deltas to whoever pulls them, of its own those that are not void once their
           origin has ended, and what others' deltas in it depend on (`needed`).
 promise   It stamps nothing before it has all that it had of others (up to their ends): it has
           reported that. A region that was removed made no promise that still counts.
 ask       Nor before it has what the members have, or set aside, of its own region's origins;
 above     nor below the floor of any member, else nobody takes it: it takes another copy.
 quiet     Meanwhile its reports do not count for stability: what its region stamped before may
           still be on its way. The last report of its region goes on counting.
 known     Its first delta says that it is here. Before it ends the runs of its region that it
           knows, and stamps anything again, all members have that delta, and it has what they have
           then: of two runs that return at once, at least one knows the other, and ends it first.
 void      It stamps again what is behind an end, never what may still be delivered.
 seen      A delta waits until all that its author had seen and that is not void is applied here.
           What only a lost directory had, and nobody can take, is ended first.
 wait      It waits also for the void deltas of other regions that its author had seen (two regions
           were cut off together): they are stamped again by their own region only. A region that
           has nothing set aside, or that the operator gives up, is not waited for.
 once      The new delta says what it was: (o, s) and every stamp since, should it get void, too.
           `returned` maps these to the new stamp; it is f(D), and kept for ever with the ends. What
           is in it is not stamped again.
 as_of     The new delta has the context of its batch like any other, and beside it the context that
           its author had when it was first made, retired origins spelled out, no origin beyond its
           end. As to rows it removes what lies in that, and only that.
 translate For each void stamp in that context, the stamp that took its place is joined in. What the
           new origin has stamped before is then covered up to there, as its own earlier writes.
 clock     Its rows have the hybrid clock of the first time, and the new stamp as their name.
 way       A reset of a counter (SET, DEL) is stamped again as a reset of all that is there now, if
           that is what its author saw then; else it leaves the counter alone, and is on record as a
           conflict: who changed the counter meanwhile wins. So a leader remembers, for each own
           reset that is not stable, which increments it reset: a sum of hashes of operation ids
           (those of void increments: the first id). Increments forgotten by others cannot be told
           apart: 10 that it saw, or 10 after another reset, are the same state.

It takes writes again when nothing is set aside. Ends of origins are one step here; closing.py has
how they come about. Every state is compared with what follows from the operations and from what
their authors had truly seen, each once; at the end all acknowledged writes are everywhere, but
those whose directory was lost before anybody in service had them. A leader that waits for what
went down with several others is counted, not wrong: somebody has to decide.

Left out, promise, ask, seen, needed, above and quiet are not missed by 2,000 random runs or only by
leaders that wait: they are against several losses at once, which showed each as it was added.
"""
import sys

from returning_world import Waits, World

# A seed that misses the rule. "minus": a reset as an increment of minus what its author had seen.
MISSED_BY = {"as_of": 0, "translate": 0, "clock": 0, "way": 1, "minus": 1, "once": 2, "void": 62,
             "stop": 335, "wait": 350, "known": 691, "cut": 15158}


def run(seed, steps, without=()):
    world = World(seed, without)
    waits = False
    for i in range(steps):
        world.step()
        if i % 8 == 0:
            for leader in world.members():
                world.check(leader, "step %d" % i)
    try:
        world.finish()
    except Waits:
        waits = True
    return waits, world.returns, sum(bool(d.was) for d in world.deltas.values())


def main():
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    steps = int(sys.argv[2]) if len(sys.argv) > 2 else 200
    verdict = 0
    for rule, first in {None: 0, **MISSED_BY}.items():
        wrong, waiting, returns, again, i = None, 0, 0, 0, 0
        for seed in range(first, first + (1 if rule else seeds)):
            try:
                w, r, a = run(seed, 200 if rule else steps, (rule,) if rule else ())
                waiting, returns, again, i = waiting + w, returns + r, again + a, i + 1
            except (AssertionError, KeyError) as problem:
                wrong = "seed %d: %s: %s" % (seed, type(problem).__name__, problem)
                break
        print("%s: %d seeds, %d returns, %d deltas stamped again, %d seeds wait; %s" % (
            "without " + rule if rule else "all rules", i, returns, again, waiting, wrong or "nothing wrong"))
        if bool(wrong) != bool(rule) or waiting * 100 > seeds:
            verdict = 1
    return verdict


if __name__ == "__main__":
    sys.exit(main())
