#!/usr/bin/env python3
"""Executable specification of what ends: runs of leaders (origins), members, and the log.

    closing.py [SEEDS [STEPS]]   the rules, then without one of them; exits with 1 when the rules
                                 fail, or when a rule that is left out is not missed

Random runs miss ack, join, hold and new soon; relist is missed by seed 1618. What the others
are for takes more coincidences than they meet; tests/sync/replica_closing.cpp has the cases.

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

Every replica is compared with the state computed from the set of its deltas alone, after every
step, and all are equal at the end. Contexts travel as they do on the wire, the oracle has the
true ones.
"""
import copy
import random
import sys

# Within how many seeds a rule is missed.
MISSED_WITHIN = {"ack": 30, "join": 60, "hold": 80, "new": 130}


def covers(vector, stamp):
    return vector.get(stamp[0], 0) >= stamp[1]


def geq(a, b):
    return all(a.get(origin, 0) >= seq for origin, seq in b.items())


def meet(a, b):
    return {o: min(a[o], b[o]) for o in a if o in b}


class Delta:
    def __init__(self, stamp, region, wire, context, effects):
        self.stamp, self.region = stamp, region
        self.wire = wire        # what changed in the context since the origin's last delta
        self.context = context  # the truth, for the oracle
        self.effects = effects


class Closing:
    def __init__(self):
        self.required = None
        self.acks = {}  # region -> (last, stamp of the acknowledgement)

    def last(self):
        return max((last for last, stamp in self.acks.values()), default=0)


class State:
    """f(D), kept step by step."""

    def __init__(self, region_of, without):
        self.region_of, self.without = region_of, without
        self.V = {}
        self.rows = {}      # stamp -> (field, value)
        self.total = {}
        self.single = {}    # field -> {stamp: amount}: not forgotten yet
        self.deps = {}      # origin -> context of its newest delta, as it is known here
        self.closings = {}
        self.settled = {}   # origin -> F: left out of the vectors
        self.added, self.removed = {}, set()
        self.log, self.floor, self.cut = [], {}, 0
        self.forgotten = {}
        self.lsn = 0

    def copy(self):
        return copy.deepcopy(self)

    # --- what is closed: a function of the deltas, as all above but the log and the settled

    def acknowledged_by_all_that_stay(self, name):
        closing = self.closings.get(name)
        return closing is not None and closing.required - self.removed <= closing.acks.keys()

    def ended(self, region):
        """R6: those that stay have stopped taking anything of the removed region."""
        names = [o for o in self.deps if self.region_of(o) == region and o not in self.settled]
        return region in self.removed and all(map(self.acknowledged_by_all_that_stay, names + [region]))

    def complete(self, name):
        closing = self.closings.get(name)
        if closing is None or not closing.acks:
            return False
        return "ack" in self.without or all(region in closing.acks or self.ended(region)
                                            for region in closing.required)


class Leader:
    def __init__(self, world, region, state):
        self.world, self.region = world, region
        self.s = state
        self.origin = world.new_origin(region)
        self.reports, self.heard = {}, {}
        self.stable = {}
        self.ready = True
        self.limit = {}  # frozen origin -> what may be applied all the same

    # --- vectors

    def entry(self, vector, origin, seen=()):
        """R3, read from a wire vector."""
        if origin in vector:
            return vector[origin]
        closing = self.s.closings.get(origin)
        if not self.s.complete(origin) or origin in seen:
            return 0
        seen = seen + (origin,)
        if all(self.entry(vector, stamp[0], seen) >= stamp[1] for last, stamp in closing.acks.values()):
            return closing.last()
        return 0

    def expand(self, vector):
        """With every closed origin that is not settled here spelled out."""
        full = {o: seq for o, seq in vector.items() if o not in self.s.settled}
        for origin, closing in self.s.closings.items():
            if origin not in full and origin not in self.s.settled and self.s.complete(origin):
                last = self.entry(vector, origin)
                if last:
                    full[origin] = last
        return full

    def saw(self, context, stamp):
        return stamp[0] in self.s.settled or covers(context, stamp)

    # --- members

    def everyone(self):
        return self.world.configured | self.s.added.keys()

    def members(self):
        return self.everyone() - self.s.removed

    def is_new(self):
        added = self.s.added.get(self.region)
        return self.region not in self.world.configured and \
            (added is None or not self.saw(self.stable, added))

    # --- applying

    def deliverable(self, delta):
        origin, seq = delta.stamp
        s = self.s
        if origin in s.settled or s.V.get(origin, 0) != seq - 1:
            return False
        context = self.context_of(delta)
        if not geq(s.V, context):
            self.note_needs(delta, context)
            return False
        if "floor" not in self.world.without and not geq(context | {origin: seq - 1}, s.floor):
            return False
        if self.is_new() and "new" not in self.world.without and not any(
                covers(vector, delta.stamp) for region, vector in self.heard.items() if region != delta.region):
            return False
        if origin not in s.closings or "freeze" in self.world.without:
            return True
        closing = s.closings[origin]
        return seq <= (closing.last() if s.complete(origin) else self.limit.get(origin, 0))

    def note_needs(self, delta, context):
        """R1: who must acknowledge and depends on it has applied it before its acknowledgement."""
        for origin, seq in context.items():
            closing = self.s.closings.get(origin)
            if closing and not self.s.complete(origin) and delta.region in closing.required:
                self.limit[origin] = max(self.limit.get(origin, 0), seq)

    def context_of(self, delta):
        origin, seq = delta.stamp
        base = {} if seq == 1 else self.s.deps[origin]
        context = base | delta.wire
        if seq == 1 and "omit" not in self.world.without:
            context = self.expand(context)
        return {o: n for o, n in context.items() if o not in self.s.settled}

    def apply(self, delta):
        s, stamp = self.s, delta.stamp
        context = self.context_of(delta)
        known = context | {stamp[0]: stamp[1] - 1}
        if not geq(known, s.forgotten) and "relist" not in self.world.without:
            self.relist(known)
        self.stable = meet(self.stable, known) if not geq(known, self.stable) else self.stable
        s.V[stamp[0]] = stamp[1]
        s.deps[stamp[0]] = context
        s.lsn += 1
        s.log.append(delta)
        seen = lambda other: other[0] == stamp[0] or self.saw(context, other)
        for verb, *args in delta.effects:
            if verb in ("put", "del"):
                for other in [r for r, (field, _) in s.rows.items() if field == args[0] and seen(r)]:
                    del s.rows[other]
                if verb == "put":
                    s.rows[stamp] = (args[0], args[1])
            elif verb == "inc":
                s.total[args[0]] = s.total.get(args[0], 0) + args[1]
                s.single.setdefault(args[0], {})[stamp] = args[1]
            elif verb == "rst":
                left = {r: n for r, n in s.single.get(args[0], {}).items() if not seen(r)}
                s.single[args[0]] = left
                s.total[args[0]] = sum(left.values())
            elif verb == "close":
                if args[0] not in s.settled:
                    closing = s.closings.setdefault(args[0], Closing())
                    # Requests differ in new members only, whom R5 keeps below F.
                    closing.required = set(args[1]) & (closing.required or set(args[1]))
            elif verb == "ack":
                self.ack_applied(args[0], delta.region, args[1], stamp)
            elif verb == "add":
                s.added.setdefault(args[0], stamp)
            elif verb == "remove":
                s.removed.add(args[0])

    def ack_applied(self, origin, region, last, stamp):
        closing = self.s.closings.get(origin)
        if closing is None:
            return
        before = closing.acks.get(region)
        closing.acks[region] = max(before, (last, stamp)) if before else (last, stamp)

    def relist(self, known):
        s = self.s
        s.forgotten = meet(s.forgotten, known)
        lists = {}
        contexts = {}
        for delta in s.log:
            for verb, *args in delta.effects:
                if verb == "inc" and not covers(s.forgotten, delta.stamp):
                    lists.setdefault(args[0], {})[delta.stamp] = args[1]
                elif verb == "rst":
                    context = delta.context  # replayed from the first delta of the log that it has
                    lists[args[0]] = {r: n for r, n in lists.get(args[0], {}).items()
                                      if not (r[0] == delta.stamp[0] or covers(context, r))}
        for field in set(s.single) | set(lists):
            s.single[field] = lists.get(field, {})

    # --- stamping

    def stamp(self, *effects):
        s = self.s
        seq = s.V.get(self.origin, 0) + 1
        context = {o: n for o, n in s.V.items() if o != self.origin}
        before = s.deps.get(self.origin, {})
        wire = {o: n for o, n in context.items() if before.get(o, 0) < n}
        truth = {o: n for o, n in self.world.true_vector(self).items() if o != self.origin}
        delta = Delta((self.origin, seq), self.region, wire, truth, list(effects))
        if seq == 1:
            delta.wire = context
        self.world.deltas[delta.stamp] = delta
        self.apply(delta)
        self.s.deps[self.origin] = context

    def system(self):
        """What a leader stamps by itself."""
        if not self.ready:
            return
        s = self.s
        ended = [o for o in s.V if self.world.region_of(o) == self.region and o != self.origin]
        ended += [o for o in s.V if self.world.region_of(o) in s.removed] + list(s.removed)
        for name in sorted(set(ended) - s.closings.keys() - s.settled.keys()):
            self.stamp(("close", name, tuple(sorted(self.everyone()))))
        for origin, closing in sorted(s.closings.items()):
            if self.region not in closing.required or origin in s.settled or origin == self.origin:
                continue
            mine = closing.acks.get(self.region)
            if mine is None and "ask" not in self.world.without and not self.has_what_members_have(origin, closing):
                continue
            if mine is None or mine[0] < s.V.get(origin, 0) and "again" not in self.world.without:
                self.stamp(("ack", origin, s.V.get(origin, 0)))

    def has_what_members_have(self, origin, closing):
        mine = lambda o: o == origin or self.world.region_of(o) == self.region
        return all(region in self.heard and all(seq <= self.s.V.get(o, 0) for o, seq in self.heard[region].items() if mine(o))
                   for region in closing.required - self.s.removed - {self.region})

    # --- stability and the log

    def hear(self, region, vector):
        if region in self.s.removed:
            return
        vector = self.expand(vector)
        self.heard[region] = vector
        if geq(self.s.V, vector):
            self.reports[region] = vector

    def collect(self):
        s = self.s
        stable = dict(s.V)
        counted = self.members() if "hold" in self.world.without else \
            {r for r in self.everyone() if not s.ended(r)}
        for member in counted - {self.region}:
            stable = meet(stable, self.reports.get(member, {}))
        self.stable = {o: max(self.stable.get(o, 0), stable.get(o, 0))
                       for o in set(stable) | set(self.stable)}
        self.stable = {o: n for o, n in self.stable.items() if o not in s.settled}
        for field, listed in s.single.items():
            for stamp in [t for t in listed if covers(self.stable, t)]:
                del listed[stamp]
        for o, n in self.stable.items():
            s.forgotten[o] = max(s.forgotten.get(o, 0), n)
        keep = self.world.retain
        while len(s.log) > keep and covers(self.stable, s.log[0].stamp):
            delta = s.log.pop(0)
            s.floor[delta.stamp[0]] = delta.stamp[1]
        for origin, closing in list(s.closings.items()):
            if origin in s.settled or not s.complete(origin):
                continue
            if all(t[0] in s.settled or covers(s.floor, t) for last, t in closing.acks.values()):
                s.settled[origin] = closing.last()
                for vector in (s.V, s.floor, s.forgotten, self.stable, s.deps, *s.deps.values(),
                               *self.reports.values()):
                    vector.pop(origin, None)


class Fenced(Exception):
    """What comes next (a leader stamps its own writes again) is not part of this model."""


class World:
    def __init__(self, seed, without=()):
        self.random = random.Random(seed)
        self.without = without
        self.deltas, self.born = {}, {}
        self.region_of = lambda origin: origin.rstrip("0123456789")
        self.configured = {"A", "B", "C"}
        self.retain = self.random.choice((0, 3, 30))
        self.leaders = {r: Leader(self, r, State(self.region_of, without)) for r in sorted(self.configured)}
        self.copies = {}
        self.cut_off = {}
        self.weights = {event: weight * self.random.choice((.3, 1, 3)) for event, weight in (
            ("write", 25), ("deliver", 40), ("report", 20), ("collect", 8), ("end", 1), ("keep_copy", 3),
            ("restore", 2), ("add", 2), ("copy_state", 2), ("remove", .8))}

    def new_origin(self, region):
        self.born[region] = self.born.get(region, 0) + 1
        origin = "%s%d" % (region, self.born[region])
        return origin

    def true_vector(self, leader):
        return leader.s.V | {o: last for o, last in leader.s.settled.items() if last}

    # --- the oracle: from the set of deltas alone

    def expected(self, leader):
        vector = self.true_vector(leader)
        deltas = [self.deltas[(o, n)] for o in vector for n in range(1, vector[o] + 1)]
        seen = lambda d, r: r[0] == d.stamp[0] and r[1] < d.stamp[1] or covers(d.context, r)
        rows, total = {}, {}
        for d in deltas:
            for verb, *args in d.effects:
                def dead(kinds):
                    return any(e[0] in kinds and e[1] == args[0] and seen(x, d.stamp)
                               for x in deltas if x is not d for e in x.effects)
                if verb == "put" and not dead(("put", "del")):
                    rows[d.stamp] = (args[0], args[1])
                if verb == "inc" and not dead(("rst",)):
                    total[args[0]] = total.get(args[0], 0) + args[1]
        return rows, {f: n for f, n in total.items() if n}

    def check(self, leader, when):
        got = leader.s.rows, {f: n for f, n in leader.s.total.items() if n}
        wanted = self.expected(leader)
        assert got == wanted, "%s at %s:\n got %s\n not %s" % (when, leader.origin, got, wanted)

    # --- events

    def write(self, leader):
        if not leader.ready:
            return
        rnd = self.random
        field, kind = rnd.choice("pq"), rnd.random()
        if kind < .3:
            leader.stamp(("put", field, rnd.randrange(9)))
        elif kind < .4:
            leader.stamp(("del", field))
        elif kind < .8:
            leader.stamp(("inc", field, rnd.choice((1, 4, 16))))
        else:
            leader.stamp(("rst", field))

    def offers(self, leader, sources):
        """What the sources' logs have next for this leader."""
        for source in sources:
            for delta in source.s.log:
                if delta.stamp[1] == leader.s.V.get(delta.stamp[0], 0) + 1 \
                        and delta.stamp[0] != leader.origin:
                    yield delta

    def deliver(self, leader):
        others = [x for x in (*self.leaders.values(), *self.cut_off.values()) if x is not leader]
        others = [x for x in others if x.region not in leader.s.removed]
        found = [d for d in self.offers(leader, others) if leader.deliverable(d)]
        if not found:
            # A second look: what waits may have shown what it needs (R1).
            found = [d for d in self.offers(leader, others) if leader.deliverable(d)]
        if not found:
            return False
        delta = self.random.choice(found)
        leader.apply(delta)
        if leader.region in leader.s.removed:
            leader.ready = False
            return False
        self.check(leader, "delivery")
        leader.system()
        if not leader.ready:
            self.become_ready(leader)
        return True

    def restart(self, region, state=None):
        old = self.leaders[region]
        fresh = Leader(self, region, state or old.s)
        fresh.stable = {}
        fresh.ready = old.ready or state is not None
        self.leaders[region] = fresh
        # A whole directory goes on at once; what a restored one lacks of its own comes from others.
        fresh.system()
        self.check(fresh, "restart")

    def mirror(self, leader):
        sources = [x for x in self.leaders.values()
                   if x is not leader and x.ready and leader.region in x.members()]
        if not sources:
            return
        fresh = Leader(self, leader.region, self.random.choice(sources).s.copy())
        fresh.ready = False
        self.leaders[leader.region] = fresh
        self.become_ready(fresh)

    def become_ready(self, leader):
        """R5: it is a member, and a third region has what it has of each."""
        vouched = all(any(covers(vector, (o, n)) for r, vector in leader.heard.items()
                          if r != self.region_of(o) and r not in leader.s.removed)
                      for o, n in leader.s.V.items() if o not in leader.s.settled)
        if leader.region in leader.members() and vouched or "join" in self.without:
            leader.ready = True
            leader.system()

    def step(self):
        rnd = self.random
        leader = rnd.choice([*self.leaders.values(), *self.cut_off.values()])
        event = rnd.choices(list(self.weights), list(self.weights.values()))[0]
        getattr(self, event)(leader)
        for other in self.leaders.values():
            self.check(other, event)

    def report(self, leader):
        """Reports reach some, late, and in any order."""
        report = dict(leader.s.V)
        for other in self.leaders.values():
            if other is not leader and leader.ready and self.random.random() < .7:
                other.hear(leader.region, report)

    def collect(self, leader):
        leader.collect()

    def end(self, leader):
        if leader.region in self.leaders:
            self.restart(leader.region)

    def keep_copy(self, leader):
        self.copies[leader.region] = leader.s.copy()

    def restore(self, leader):
        if leader.region in self.copies and leader.region in self.leaders and leader.ready \
                and self.can_go_back(leader, self.copies[leader.region]):
            self.restart(leader.region, self.copies.pop(leader.region))

    def add(self, leader):
        if leader.ready and "D" not in self.leaders and "D" not in self.cut_off and not leader.s.added:
            leader.stamp(("add", "D"))
            self.leaders["D"] = Leader(self, "D", State(self.region_of, self.without))
            self.leaders["D"].ready = "join" in self.without

    def copy_state(self, leader):
        if not leader.ready and leader.region in self.leaders:
            self.mirror(leader)

    def remove(self, leader):
        """The removed one may not know, and be heard for a while by those that do not know either."""
        if self.cut_off or len(self.leaders) < 3 or not leader.ready:
            return
        victim = self.random.choice([r for r in sorted(self.leaders) if r != leader.region])
        if victim in leader.members():
            self.cut_off[victim] = self.leaders.pop(victim)
            leader.stamp(("remove", victim))
            leader.system()

    def can_go_back(self, leader, copy):
        """This model restores only copies that the logs still reach, and whose own writes others
        have: below the floor a leader copies a state and stamps its own writes again."""
        others = [x for x in self.leaders.values() if x is not leader]
        return all(geq(copy.V | copy.settled, x.s.floor | {}) for x in others) and \
            all(geq(self.true_vector(x), {o: n for o, n in self.true_vector(leader).items()
                                          if self.region_of(o) == leader.region}) for x in others)

    def is_fenced(self, leader):
        """R4: a restored leader is below the floor of all others, or wrote below another's."""
        others = [x for x in self.leaders.values() if x is not leader]
        have = self.true_vector(leader)
        return all(not geq(have, x.s.floor) for x in others) or any(
            d.stamp == (leader.origin, x.s.V.get(leader.origin, 0) + 1)
            and not geq(x.context_of(d) | {leader.origin: d.stamp[1] - 1}, x.s.floor)
            for x in others for d in leader.s.log)

    def finish(self):
        """Everything heals: what only a removed region had is void, the rest is everywhere."""
        known = set().union(*(x.everyone() for x in self.leaders.values() if x.region != "D"))
        if "D" in self.leaders and "D" not in known:
            del self.leaders["D"]  # its addition went down with the leader that stamped it
        self.cut_off = {}
        for _ in range(60):
            for leader in list(self.leaders.values()):
                if not leader.ready and leader.region in self.leaders:
                    self.mirror(leader)
            for leader in list(self.leaders.values()):
                while self.deliver(leader):
                    pass
                leader.system()
            for leader in self.leaders.values():
                for other in self.leaders.values():
                    if other is not leader and leader.ready:
                        other.hear(leader.region, dict(leader.s.V))
            for leader in self.leaders.values():
                if not leader.ready:
                    self.become_ready(leader)
                leader.collect()
                self.check(leader, "end")
        leaders = list(self.leaders.values())
        if any(self.is_fenced(x) for x in leaders):
            raise Fenced
        for leader in leaders[1:]:
            assert leader.s.rows == leaders[0].s.rows and self.true_vector(leader) == \
                self.true_vector(leaders[0]), "not equal at the end: %s %s" % (
                    self.true_vector(leader), self.true_vector(leaders[0]))
        self.retain = 0
        for _ in range(4):
            for leader in leaders:
                for other in leaders:
                    if other is not leader:
                        other.hear(leader.region, dict(leader.s.V))
                leader.collect()
        for leader in leaders:
            alive = {x.origin for x in leaders}
            assert leader.s.V.keys() <= alive, "origins that ended stay in the vector of %s: %s" % (leader.origin, leader.s.V)


def run(seed, steps, without=()):
    world = World(seed, without)
    for _ in range(steps):
        world.step()
    world.finish()
    return len(world.deltas), sum(world.born.values())


def main():
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    steps = int(sys.argv[2]) if len(sys.argv) > 2 else 200
    verdict = 0
    for rule, tries in {None: seeds, **MISSED_WITHIN}.items():
        without = (rule,) if rule else ()
        wrong, deltas, origins, fenced = None, 0, 0, 0
        for seed in range(tries):
            try:
                d, o = run(seed, steps, without)
                deltas, origins = deltas + d, origins + o
            except Fenced:
                fenced += 1
            except (AssertionError, KeyError, RecursionError) as problem:
                wrong = "seed %d: %s: %s" % (seed, type(problem).__name__, problem)
                break
        print("%s: %d deltas, %d origins, %d seeds fenced; %s"
              % ("without " + rule if rule else "all rules", deltas, origins, fenced, wrong or "nothing wrong"))
        if bool(wrong) != bool(rule):
            verdict = 1
    return verdict


if __name__ == "__main__":
    sys.exit(main())
