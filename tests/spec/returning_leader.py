"""One leader under the rules of returning.py; each rule can be left out."""


def covers(vector, stamp):
    return vector.get(stamp[0], 0) >= stamp[1]


def geq(a, b):
    return all(a.get(origin, 0) >= seq for origin, seq in b.items())


def join(a, b):
    return {o: max(a.get(o, 0), b.get(o, 0)) for o in a.keys() | b.keys()}


class Delta:
    def __init__(self, stamp, context, effects, clock, truth, was=(), as_of=None, gives_way=False):
        self.stamp, self.context, self.effects, self.clock = stamp, context, effects, clock
        self.was = was              # the stamps that it had before, the first one first
        self.as_of = as_of          # what its author had seen when it was first made, in today's names
        self.gives_way = gives_way  # a reset that resets nothing
        self.truth = truth          # for the oracle: the operations that its author had seen
        self.root = was[0] if was else stamp


class State:
    """f(D) and the log; below, what belongs to a directory alone."""

    def __init__(self):
        self.V, self.rows, self.log, self.floor = {}, {}, {}, {}
        self.total, self.single, self.alive = {}, {}, {}
        self.returned = {}   # void stamp -> the stamp that took its place
        self.operations = set()
        self.aside = {}      # stamp -> delta: of this directory, and not in the copied state
        self.had = {}        # the vector of all that this directory had before it took a copy
        self.observed = {}   # own reset -> the increments that it reset: a fingerprint in the C++

    def copy(self):
        other = State()
        for name, value in vars(self).items():
            setattr(other, name, value.copy())
        for name in ("single", "alive"):
            setattr(other, name, {f: v.copy() for f, v in getattr(self, name).items()})
        return other

    def take_copy(self, source):
        """The state of another leader, and what this directory has beyond it."""
        new = source.copy()
        new.had = join(self.had, self.V)
        # What it has stamped again comes before what it has yet to.
        mine = {t: d for t, d in {**self.log, **self.aside}.items() if not covers(new.V, t)}
        new.aside, new.observed = mine, {**self.observed}
        return new


class Leader:
    def __init__(self, world, region, state):
        self.world, self.region, self.s = world, region, state
        self.origin = world.new_origin(region)
        self.reports = {}

    def without(self, rule):
        return rule in self.world.without

    def is_mine(self, origin):
        return self.world.region_of(origin) in self.world.lineage(self.region)

    # --- applying

    def deliverable(self, delta):
        origin, seq = delta.stamp
        s = self.s
        return origin != self.origin and s.V.get(origin, 0) == seq - 1 and geq(s.V, delta.context) \
            and seq <= self.world.last(origin) and not self.is_below_floor(delta)

    def is_below_floor(self, delta):
        return not geq({**delta.context, delta.stamp[0]: delta.stamp[1] - 1}, self.s.floor)

    def apply(self, delta):
        s, stamp = self.s, delta.stamp
        s.V[stamp[0]] = stamp[1]
        s.log[stamp] = delta
        s.aside.pop(stamp, None)
        assert delta.root not in s.operations, "%s applies %s twice" % (self.origin, delta.root)
        s.operations.add(delta.root)
        for old in delta.was:
            s.returned[old] = stamp
        now = lambda other: other[0] == stamp[0] or covers(delta.context, other)
        then = now if delta.as_of is None else lambda other: covers(delta.as_of, other)
        for verb, field, *args in delta.effects:
            if verb in ("put", "del"):
                for other in [r for r, row in s.rows.items() if row[0] == field and then(r)]:
                    del s.rows[other]
                if verb == "put":
                    s.rows[stamp] = (field, args[0], delta.clock)
            elif verb == "inc":
                s.total[field] = s.total.get(field, 0) + args[0]
                s.single.setdefault(field, {})[stamp] = (args[0], delta.root)
                s.alive.setdefault(field, set()).add(delta.root)
            elif verb == "rst" and not delta.gives_way:
                left = {r: x for r, x in s.single.get(field, {}).items() if not now(r)}
                s.single[field] = left
                s.total[field] = sum(amount for amount, root in left.values())
                s.alive[field] = {root for amount, root in left.values()}

    # --- stamping

    def stamp(self, *effects, was=(), as_of=None, gives_way=False, clock=None, truth=None, observed=None):
        s = self.s
        stamp = self.origin, s.V.get(self.origin, 0) + 1
        for verb, field, *_ in effects:
            if verb == "rst":
                s.observed[stamp] = frozenset(s.alive.get(field, ())) if observed is None else observed
        context = {o: n for o, n in s.V.items() if o != self.origin}
        delta = Delta(stamp, context, effects, clock or self.world.tick(),
                      frozenset(s.operations) if truth is None else truth, was, as_of, gives_way)
        self.world.deltas[stamp] = delta
        self.apply(delta)
        return delta

    # --- returning

    def is_void(self, stamp):
        return stamp[1] > self.world.last(stamp[0])

    def has_void(self):
        """`stop`: it takes and gives nothing before it has taken a copy."""
        return not self.without("stop") and any(self.is_void(t) for t in self.s.V.items())

    def is_returning(self):
        return bool(self.s.aside)

    def lacking(self, wanted):
        return {o: n for o, n in wanted.items()
                if o != self.origin and self.s.V.get(o, 0) < min(n, self.world.last(o))}

    def missing_promise(self):
        """What its directory had of others: it has reported that."""
        if self.without("promise"):
            return {}
        return self.lacking({o: n for o, n in self.s.had.items() if not self.is_mine(o)})

    def missing(self):
        wanted = {}
        if not self.without("ask"):
            for other in self.world.members():
                if other is not self:
                    if not self.without("above"):
                        wanted = join(wanted, other.s.floor)
                    reported = join(other.s.V, other.s.had)
                    wanted = join(wanted, {o: n for o, n in reported.items() if self.is_mine(o)})
        return {**self.missing_promise(), **self.lacking(wanted)}

    def needed(self):
        """Of its own set aside: what others' deltas that it has reported depend on."""
        needed = {}
        for stamp, delta in self.s.aside.items():
            if not self.is_mine(stamp[0]) and not self.is_void(stamp) and not self.without("needed"):
                needed = join(needed, delta.context)
        return needed

    def proceed(self):
        """One step of its return."""
        s, world = self.s, self.world
        if not self.is_returning() or self.has_void() or self.missing():
            return False
        if not s.V.get(self.origin) and not self.without("known"):
            self.stamp(("here", None))
            return True
        if not self.without("known") and not all(covers(x.s.V, (self.origin, 1)) for x in world.members()) \
                or self.missing():
            return False
        for origin in sorted({t[0] for t in s.aside} | (set() if self.without("ask") else set(s.V))):
            if self.is_mine(origin) and origin != self.origin and not self.without("void"):
                world.close(origin)
        if self.missing():
            return False  # What it has just learnt not to be void.
        for stamp, delta in list(s.aside.items()):
            done = stamp in s.returned or delta.root in s.returned or delta.root in s.operations
            if covers(s.V, stamp) or not self.is_mine(stamp[0]) or done and not self.without("once"):
                # The void ones of others are their own to bring back.
                del s.aside[stamp]
                continue
            if not self.is_void(stamp) and not self.without("void"):
                return False
            return self.stamp_again(delta)
        return True

    def stamp_again(self, delta):
        s = self.s
        then = dict(delta.as_of if delta.as_of is not None else
                    {**delta.context, delta.stamp[0]: delta.stamp[1] - 1})
        seen = {}
        behind = self.lacking(then)
        if behind and not self.without("seen"):
            return any([self.world.end_lost(self, t) for t in behind.items()])
        for origin, last in then.items():
            seen[origin] = max(seen.get(origin, 0), min(last, self.world.last(origin)))
            for seq in range(self.world.last(origin) + 1, last + 1):
                now = s.returned.get((origin, seq))
                if now is None:
                    was = self.world.deltas[(origin, seq)].root  # its own log has it
                    now = s.returned.get(was, was if was in s.operations else None)
                if now is None:
                    if self.world.will_return((origin, seq)) and not self.without("wait"):
                        return False
                elif not self.without("translate"):
                    seen[now[0]] = max(seen.get(now[0], 0), now[1])
        del s.aside[delta.stamp]
        effects, gives_way = delta.effects, False
        observed = s.observed.get(delta.stamp, frozenset())
        for verb, field, *_ in delta.effects:
            if verb == "rst":
                if self.without("minus"):
                    effects = (("inc", field, -sum(e[2] for root in observed
                                                   for e in self.world.deltas[root].effects)),)
                gives_way = observed != s.alive.get(field, set()) and not self.without("way") \
                    and not self.without("minus")
                if gives_way:
                    self.world.check_way(self, delta)
        self.stamp(*effects, was=(*delta.was, delta.stamp), as_of=None if self.without("as_of") else seen,
                   gives_way=gives_way, clock=None if self.without("clock") else delta.clock,
                   truth=delta.truth, observed=observed)
        return True

    # --- stability and the log

    def hear(self, region, vector):
        if geq(self.s.V, vector):
            self.reports[region] = vector

    def collect(self, keep):
        s = self.s
        if any(s.V.get(o, 0) < last for o, last in self.world.ends.items()):
            return  # Who has applied the end of an origin has applied all of it.
        stable = dict(s.V)
        for region in self.world.leaders.keys() - {self.region}:
            report = self.reports.get(region, {})
            stable = {o: min(n, report[o]) for o, n in stable.items() if o in report}
        for stamp in list(s.log)[:max(0, len(s.log) - keep)]:
            if not covers(stable, stamp):
                break
            delta = s.log.pop(stamp)
            s.floor[stamp[0]] = stamp[1]
            for verb, field, *_ in delta.effects:
                s.single.get(field, {}).pop(stamp, None)
