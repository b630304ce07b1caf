"""One leader under the rules of returning.py; each rule can be left out."""


UNENDED = 10 ** 9


def covers(vector, stamp):
    return vector.get(stamp[0], 0) >= stamp[1]


def geq(a, b):
    return all(a.get(origin, 0) >= seq for origin, seq in b.items())


def join(a, b):
    return {o: max(a.get(o, 0), b.get(o, 0)) for o in a.keys() | b.keys()}


class Delta:
    def __init__(self, stamp, context, effects, clock, truth, seen, was=(), as_of=None):
        self.stamp, self.context, self.effects, self.clock = stamp, context, effects, clock
        self.was = was      # the stamps that it had before, the first one first
        self.as_of = as_of  # what its author had seen when it was first made
        self.root = was[0] if was else stamp
        # For the oracle: the operations that its author had seen, and those of them that were
        # applied where it was stamped.
        self.truth, self.seen = truth, seen


class State:
    """f(D) and the log; below, what belongs to a directory alone."""

    def __init__(self):
        self.V, self.rows, self.log, self.floor = {}, {}, {}, {}
        self.total, self.single = {}, {}
        self.returned = {}   # void stamp -> the stamp that took its place
        self.was = {}        # and back: stamp -> the stamps whose place it took
        self.operations = {}  # root -> stamp
        self.cut = {}        # what the log does not have, as a vector
        self.old = []        # old logs, the newest first: stamp -> delta
        self.had = {}        # the vector of all that this directory had before it took a copy

    def copy(self):
        other = State()
        for name, value in vars(self).items():
            setattr(other, name, value.copy())
        other.single = {f: v.copy() for f, v in self.single.items()}
        return other

    def take_copy(self, source):
        """The state of another leader, with an empty log; this directory's is an old log from now on."""
        new = source.copy()
        new.had = join(self.had, self.V)
        new.log, new.cut = {}, dict(new.V)
        new.old = [self.log] * bool(self.log) + self.old
        return new

    def holds(self):
        """What a loss of the directory may lose."""
        return self.operations.keys() | {d.root for log in self.old for d in log.values()}


class Leader:
    def __init__(self, world, region, state):
        self.world, self.region, self.s = world, region, state
        self.origin = world.new_origin(region)
        self.reports = {}

    def without(self, rule):
        return rule in self.world.without

    def is_mine(self, origin):
        return self.world.region_of(origin) in self.world.lineage(self.region)

    def others(self):
        return [x for x in self.world.members() if x.region != self.region]

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
        assert delta.root not in s.operations, "%s applies %s twice" % (self.origin, delta.root)
        s.V[stamp[0]] = stamp[1]
        s.log[stamp] = delta
        s.operations[delta.root] = stamp
        for old in delta.was:
            s.returned[old] = stamp
        if delta.was:
            s.was[stamp] = delta.was
        for verb, field, *args in delta.effects:
            if verb in ("put", "del"):
                for other in [r for r, row in s.rows.items() if row[0] == field and self.saw(delta, r)]:
                    del s.rows[other]
                if verb == "put":
                    s.rows[stamp] = (field, args[0], delta.clock)
            elif verb == "inc":
                s.total[field] = s.total.get(field, 0) + args[0]
                s.single.setdefault(field, {})[stamp] = args[0]
            elif verb == "rst":
                listed = s.single.get(field, {})
                left = {r: n for r, n in listed.items() if not self.resets(delta, r)}
                forgotten = 0 if delta.as_of is None else s.total.get(field, 0) - sum(listed.values())
                s.total[field] = forgotten + sum(left.values())
                s.single[field] = left

    def saw(self, delta, other):
        """By the name that it has now or had before, and only what is applied wherever the delta is."""
        if not (other[0] == delta.stamp[0] or covers(delta.context, other)):
            return False
        return delta.as_of is None or \
            any(covers(delta.as_of, t) for t in (other, *self.s.was.get(other, ())))

    def resets(self, delta, other):
        listed = delta.as_of is None or other[0] == delta.stamp[0] or self.without("listed")
        return listed and self.saw(delta, other)

    # --- stamping

    def stamp(self, *effects, was=(), as_of=None, clock=None, truth=None):
        s = self.s
        stamp = self.origin, s.V.get(self.origin, 0) + 1
        context = {o: n for o, n in s.V.items() if o != self.origin}
        truth = frozenset(s.operations) if truth is None else truth
        delta = Delta(stamp, context, effects, clock or self.world.tick(), truth,
                      truth & s.operations.keys(), was, as_of)
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
        return bool(self.s.old)

    def lacking(self, wanted):
        return {o: n for o, n in wanted.items()
                if o != self.origin and self.s.V.get(o, 0) < min(n, self.world.last(o))}

    def missing_promise(self):
        """What its directory had of others: it has reported that."""
        if self.without("promise"):
            return {}
        return self.lacking({o: n for o, n in self.s.had.items() if not self.is_mine(o)})

    def missing(self):
        """It has not joined yet."""
        wanted = {}
        for other in self.others():
            if not self.without("above"):
                wanted = join(wanted, other.s.floor)
            if not self.without("ask"):
                reported = join(other.s.V, other.s.had)
                wanted = join(wanted, {o: n for o, n in reported.items() if self.is_mine(o)})
        return {**self.missing_promise(), **self.lacking(wanted)}

    def old_deltas(self):
        return [d for log in self.s.old for d in log.values()]

    def offer(self):
        """From the old logs to itself: what can be applied still."""
        for delta in self.old_deltas():
            if self.deliverable(delta):
                self.apply(delta)
                return True
        return False

    def end_what_nobody_takes(self):
        """The next of its origin depends on what is void, or is below the floor."""
        for delta in self.old_deltas():
            origin, seq = delta.stamp
            if not self.without("end") and self.world.last(origin) == UNENDED and seq == self.s.V.get(origin, 0) + 1 \
                    and (any(self.is_void(t) for t in delta.context.items()) or self.is_below_floor(delta)):
                self.world.close(origin)
                return True
        return False

    def proceed(self):
        """One step of its return."""
        s, world = self.s, self.world
        if not self.is_returning() or self.has_void():
            return False
        if self.offer() or self.end_what_nobody_takes():
            return True
        if self.missing():
            return False
        if not s.V.get(self.origin) and not self.without("known"):
            self.stamp(("here", None))
            return True
        if not self.without("known") and not all(covers(x.s.V, (self.origin, 1)) for x in self.others()):
            return False
        known = {d.stamp[0] for d in self.old_deltas()} | (set() if self.without("ask") else set(s.V))
        for origin in sorted(known):
            if self.is_mine(origin) and origin != self.origin and not self.without("void"):
                world.close(origin)
        if self.missing():
            return False  # What it has just learnt not to be void.
        waits = False
        for delta in self.old_deltas():
            stamp = delta.stamp
            done = any(t in s.returned for t in (*delta.was, stamp)) or delta.root in s.operations
            if covers(s.V, stamp) or done and not self.without("once") or \
                    self.is_void(stamp) and not self.is_mine(stamp[0]):
                continue  # The void ones of others are their own to bring back.
            if not self.is_mine(stamp[0]) or not self.is_void(stamp) and not self.without("void"):
                waits = True
            elif self.stamp_again(delta):
                return True
            else:
                return False
        if not waits:
            s.old = []
        return not waits

    def stamp_again(self, delta):
        then = delta.as_of if delta.as_of is not None else \
            {**delta.context, delta.stamp[0]: delta.stamp[1] - 1}
        if self.lacking(then) and not self.without("seen"):
            return False
        if self.without("names"):
            for old, now in self.s.returned.items():
                if covers(then, old):
                    then = join(then, {now[0]: now[1]})
        self.world.count_again(self, delta)
        self.stamp(*delta.effects, was=(*delta.was, delta.stamp), as_of=None if self.without("as_of") else then,
                   clock=None if self.without("clock") else delta.clock, truth=delta.truth)
        if self.without("once"):
            for log in self.s.old:
                log.pop(delta.stamp, None)
        return True

    # --- stability and the log

    def hear(self, region, vector):
        if geq(self.s.V, vector):
            self.reports[region] = vector

    def collect(self, keep):
        s = self.s
        if self.is_returning() and not self.without("own"):
            return  # What it has stamped again may yet be reset.
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
            s.floor[stamp[0]] = s.cut[stamp[0]] = stamp[1]
            for verb, field, *_ in delta.effects:
                s.single.get(field, {}).pop(stamp, None)
