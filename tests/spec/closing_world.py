"""The leaders of closing.py and what happens to them: a network, restarts, old copies, members."""
import random

from closing_leader import covers, geq, State, Leader


class Fenced(Exception):
    """What comes next (a leader stamps its own writes again) is not part of this model."""


class World:
    def __init__(self, seed, without=(), clones=False):
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
            ("restore", 2), ("add", 2), ("copy_state", 2), ("remove", .8), ("lose", .8))}
        self.clones = clones
        self.twin = None  # of which region two leaders run
        self.deaf = set()  # pairs of leaders that do not hear each other
        if clones:
            self.retain = self.random.choice((30, 1000))
            for event in ("restore", "add", "remove", "lose"):
                self.weights[event] = 0
            self.weights |= {"clone": 3, "end_clone": .5, "end": 2}

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
        if not leader.ready or leader.is_overtaken() or leader.void() or leader.is_being_ended():
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

    def hear_each_other(self, one, other):
        return one.region != other.region and (one.slot, other.slot) not in self.deaf

    def is_heard(self, leader, origin):
        """The run has not ended, or only for those that do not hear it."""
        return self.twin is not None and any(
            x.origin == origin and self.hear_each_other(x, leader) for x in self.leaders.values())

    def offers(self, leader, sources):
        """What the sources' logs have next for this leader."""
        for source in sources:
            for delta in source.s.log:
                if delta.stamp[1] == leader.s.V.get(delta.stamp[0], 0) + 1 \
                        and delta.stamp[0] != leader.origin:
                    yield delta

    def deliver(self, leader):
        others = [x for x in (*self.leaders.values(), *self.cut_off.values()) if x is not leader]
        others = [x for x in others if x.region not in leader.s.removed and self.hear_each_other(x, leader)]
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
        # Two leaders of a region would answer each other without end.
        if self.twin is None or self.random.random() < .1:
            leader.system()
        if not leader.ready:
            self.become_ready(leader)
        return True

    def restart(self, slot, state=None):
        old = self.leaders[slot]
        fresh = Leader(self, old.region, state or old.s, slot)
        fresh.stable = {}
        fresh.ready = old.ready or state is not None
        fresh.is_quiet = old.is_quiet
        self.leaders[slot] = fresh
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
        fresh.is_quiet = leader.is_quiet
        self.leaders[leader.region] = fresh
        self.become_ready(fresh)

    def leave_void(self, leader):
        """Who has what nobody takes copies the state of one that has all the rest; what it alone
        wrote is brought back in returning.py, and is nowhere in this model."""
        void = leader.void()
        rest = {o: min(n, void.get(o, n)) for o, n in self.true_vector(leader).items()
                if self.region_of(o) != leader.region}
        sources = [x for x in self.leaders.values() if x.ready and x.region != leader.region
                   and not x.void() and not x.is_overtaken() and geq(self.true_vector(x), rest)]
        if not void or not sources:
            return
        state = self.random.choice(sources).s.copy()
        state.log, state.floor = [], dict(state.V)
        fresh = Leader(self, leader.region, state, leader.slot)
        fresh.is_quiet = True
        self.leaders[leader.slot] = fresh
        self.check(fresh, "copy of a state")

    def mend(self):
        for leader in list(self.leaders.values()):
            if leader.void():
                self.leave_void(leader)
            elif leader.is_being_ended():
                self.restart(leader.slot)

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
        if self.clones and rnd.random() < .2:
            self.mend()
        for other in self.leaders.values():
            self.check(other, event)

    def report(self, leader):
        """Reports reach some, late, and in any order."""
        report = dict(leader.s.V)
        for other in self.leaders.values():
            if other is not leader and leader.ready and self.random.random() < .7 \
                    and self.hear_each_other(leader, other):
                other.hear(leader.region, leader.origin, report, leader.is_quiet)

    def collect(self, leader):
        leader.collect()

    def end(self, leader):
        if leader.slot in self.leaders:
            self.restart(leader.slot)

    def clone(self, leader):
        """A copy of its directory is started elsewhere; some hear the one, some the other."""
        if self.twin is not None or not leader.ready:
            return
        self.twin = leader.region
        twin = Leader(self, leader.region, leader.s.copy(), leader.slot + "'")
        self.leaders[twin.slot] = twin
        for other in self.leaders.values():
            deaf_to = self.random.choice((leader, twin, None))
            if other.region != leader.region and deaf_to is not None:
                self.deaf |= {(other.slot, deaf_to.slot), (deaf_to.slot, other.slot)}

    def end_clone(self, leader):
        """One of the two ends, whichever; what it alone had is lost with it."""
        if leader.region != self.twin:
            return
        twin = self.leaders.pop(self.twin + "'")
        if self.random.random() < .5:
            fresh = Leader(self, self.twin, twin.s)
            fresh.ready, fresh.is_quiet = twin.ready, twin.is_quiet
            self.leaders[self.twin] = fresh
        self.twin, self.deaf = None, set()

    def keep_copy(self, leader):
        self.copies[leader.region] = leader.s.copy()

    def restore(self, leader):
        if leader.region in self.copies and leader.region in self.leaders and leader.ready \
                and self.can_go_back(leader, self.copies[leader.region]):
            self.restart(leader.region, self.copies.pop(leader.region))

    def lose(self, leader):
        """Its disk is lost, and it begins anew on the state of another one that runs."""
        region = leader.region
        sources = [x for x in self.leaders.values() if x is not leader and x.ready
                   and region in x.members() and leader.s.removed <= x.s.removed]
        if self.leaders.get(region) is not leader or not leader.ready or not sources:
            return
        self.copies.pop(region, None)  # Older than the promises of those who are waited for.
        fresh = Leader(self, region, self.random.choice(sources).s.copy())
        fresh.is_quiet = "quiet" not in self.without
        self.leaders[region] = fresh
        self.check(fresh, "lost disk")

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
        if all(not geq(have, x.s.floor) for x in others):
            return True
        if not self.clones:
            return any(d.stamp == (leader.origin, x.s.V.get(leader.origin, 0) + 1)
                       and not geq(x.context_of(d) | {leader.origin: d.stamp[1] - 1}, x.s.floor)
                       for x in others for d in leader.s.log)
        return any(
            geq(leader.s.V, leader.context_of(d)) and leader.is_below_floor(d)
            for x in others for d in x.s.log
            if d.stamp[0] not in leader.s.settled and d.stamp[1] == leader.s.V.get(d.stamp[0], 0) + 1)

    def finish(self):
        """Everything heals: what only a removed region had is void, the rest is everywhere."""
        known = set().union(*(x.everyone() for x in self.leaders.values() if x.region != "D"))
        if "D" in self.leaders and "D" not in known:
            del self.leaders["D"]  # its addition went down with the leader that stamped it
        self.cut_off, self.deaf = {}, set()
        for turn in range(60):
            if turn == 10 and self.twin is not None:
                self.end_clone(self.leaders[self.twin])
            if self.clones:
                self.mend()
            for leader in list(self.leaders.values()):
                if not leader.ready and leader.region in self.leaders:
                    self.mirror(leader)
            for leader in list(self.leaders.values()):
                while self.deliver(leader):
                    pass
                leader.system()
            for leader in self.leaders.values():
                for other in self.leaders.values():
                    if other.region != leader.region and leader.ready:
                        other.hear(leader.region, leader.origin, dict(leader.s.V), leader.is_quiet)
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
                        other.hear(leader.region, leader.origin, dict(leader.s.V), leader.is_quiet)
                leader.collect()
        for leader in leaders:
            alive = {x.origin for x in leaders}
            assert leader.s.V.keys() <= alive, "origins that ended stay in the vector of %s: %s" % (leader.origin, leader.s.V)
