"""One leader under the rules of closing.py; each rule can be left out."""
import copy


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
    def __init__(self, without):
        self.without = without
        self.required = None
        self.acks = {}  # region -> [(last, stamp of the acknowledgement, whether it is its first)]
        self.overtaken = None  # the region whose leader here had more than another leader of it said

    def last(self):
        """C1: of those that a region said first, unaware of each other, the least."""
        lasts = [0]
        for acks in self.acks.values():
            first = [last for last, stamp, is_first in acks if is_first]
            lasts.append((max if "least" in self.without else min)(first))
            lasts += [last for last, stamp, is_first in acks if not is_first]
        return max(lasts)

    def last_of(self, region):
        return max(last for last, stamp, is_first in self.acks[region])

    def stamps(self):
        return [stamp for acks in self.acks.values() for last, stamp, is_first in acks]


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
    def __init__(self, world, region, state, slot=None):
        self.world, self.region, self.slot = world, region, slot or region
        self.s = state
        self.origin = world.new_origin(region)
        self.reports, self.heard = {}, {}
        self.stable = {}
        self.ready = True
        self.is_quiet = False
        self.limit = {}   # frozen origin -> what may be applied all the same
        self.raised = {}  # the same of an origin that has ended

    # --- vectors

    def entry(self, vector, origin, seen=()):
        """R3, read from a wire vector."""
        closing, seq = self.s.closings.get(origin), vector.get(origin, 0)
        if not self.s.complete(origin) or origin in seen:
            return seq
        seen = seen + (origin,)
        acks = [ack for acks in closing.acks.values() for ack in acks]
        covered = [self.entry(vector, stamp[0], seen) >= stamp[1] for last, stamp, is_first in acks]
        if "one" in self.world.without:
            return closing.last() if all(covered) else seq
        had = max([last for (last, *_), is_covered in zip(acks, covered) if is_covered], default=0)
        return closing.last() if seq < had else seq

    def expand(self, vector):
        """With every closed origin that is not settled here spelled out."""
        full = {o: seq for o, seq in vector.items() if o not in self.s.settled}
        for origin, closing in self.s.closings.items():
            if origin not in self.s.settled and self.s.complete(origin):
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
        if "floor" not in self.world.without and self.is_below_floor(delta):
            return False
        if self.is_new() and "new" not in self.world.without and not any(
                covers(vector, delta.stamp) for region, vector in self.heard.items() if region != delta.region):
            return False
        if origin not in s.closings or "freeze" in self.world.without:
            return True
        closing = s.closings[origin]
        if self.region not in closing.acks and not s.complete(origin):
            return True
        if s.complete(origin):
            return seq <= max(closing.last(), self.raised.get(origin, 0))
        return seq <= max(closing.last(), self.limit.get(origin, 0))

    def is_below_floor(self, delta):
        origin, seq = delta.stamp
        return not geq(self.context_of(delta) | {origin: seq - 1}, meet(self.s.floor, self.s.forgotten))

    def note_needs(self, delta, context):
        """R1: who must acknowledge and depends on it has applied it before its acknowledgement. C2:
        or had to take more before it had seen all of them."""
        seen = context | {delta.stamp[0]: delta.stamp[1] - 1}
        for origin, seq in context.items():
            closing = self.s.closings.get(origin)
            if not closing or delta.region not in closing.required:
                continue
            if not self.s.complete(origin):
                self.limit[origin] = max(self.limit.get(origin, 0), seq)
            elif "raise" not in self.world.without and self.may_raise(delta.region, origin, closing, seen):
                self.raised[origin] = max(self.raised.get(origin, 0), seq)

    def may_raise(self, region, origin, closing, seen):
        if "whose" in self.world.without:
            return True
        return region != self.region_of(origin) and region in closing.acks and all(
            covers(seen, stamp) or stamp[0] in self.s.settled for last, stamp, is_first in closing.acks[region])

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
                    closing = s.closings.setdefault(args[0], Closing(self.world.without))
                    # Requests differ in new members only, whom R5 keeps below F.
                    closing.required = set(args[1]) & (closing.required or set(args[1]))
            elif verb == "ack":
                self.ack_applied(args[0], delta.region, args[1], stamp, seen)
            elif verb == "add":
                s.added.setdefault(args[0], stamp)
            elif verb == "remove":
                s.removed.add(args[0])

    def ack_applied(self, origin, region, last, stamp, seen):
        closing = self.s.closings.get(origin)
        if closing is None:
            return
        acks = closing.acks.setdefault(region, [])
        acks.append((last, stamp, not any(seen(other) for _, other, is_first in acks)))
        if region == self.region:
            # C3: what it has more, it had before.
            closing.overtaken = region if last < self.s.V.get(origin, 0) else None

    # --- two leaders of one region (C1 to C4)

    def is_overtaken(self):
        """C3: it has more of another region's run than another leader of its own has said, and others
        may have settled that. What it stamps would raise the end."""
        return any(closing.overtaken == self.region and self.s.V.get(origin, 0) > closing.last()
                   and self.region_of(origin) != self.region and "overtaken" not in self.world.without
                   for origin, closing in self.s.closings.items() if origin not in self.s.settled)

    def says_again(self, origin, closing):
        has = self.s.V.get(origin, 0)
        if origin == self.origin or closing.last_of(self.region) >= has or "again" in self.world.without:
            return False
        overtaken = closing.overtaken == self.region or self.region_of(origin) == self.region and \
            not any(stamp[0] == self.origin for stamp in closing.stamps())
        if overtaken and "overtaken" not in self.world.without:
            return False
        return not self.s.complete(origin) or has > closing.last() and "raise" not in self.world.without

    def region_of(self, origin):
        return self.world.region_of(origin)

    def void(self):
        """What it has behind an end, and nobody takes."""
        return {origin: closing.last() for origin, closing in self.s.closings.items()
                if origin not in self.s.settled and self.s.complete(origin)
                and self.s.V.get(origin, 0) > closing.last()
                and not (self.region in closing.acks and self.says_again(origin, closing))}

    def is_being_ended(self):
        closing = self.s.closings.get(self.origin)
        return closing is not None and any(region != self.region for region in closing.acks)

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
        if not self.ready or self.is_overtaken() or self.void() or self.is_being_ended():
            return
        s = self.s
        ended = [o for o in s.V if self.world.region_of(o) == self.region and o != self.origin]
        ended += [o for o in s.V if self.world.region_of(o) in s.removed] + list(s.removed)
        for name in sorted(set(ended) - s.closings.keys() - s.settled.keys()):
            if self.world.is_heard(self, name):
                continue
            self.stamp(("close", name, tuple(sorted(self.everyone()))))
        for origin, closing in sorted(s.closings.items()):
            if self.region not in closing.required or origin in s.settled or origin == self.origin:
                continue
            mine = closing.acks.get(self.region)
            if mine is None and (self.world.is_heard(self, origin) or "ask" not in self.world.without
                                 and not self.has_what_members_have(origin, closing)):
                continue
            if mine is None or self.says_again(origin, closing):
                self.stamp(("ack", origin, s.V.get(origin, 0)))

    def has_what_members_have(self, origin, closing):
        mine = lambda o: o == origin or self.world.region_of(o) == self.region
        return all(region in self.heard and all(seq <= self.s.V.get(o, 0) for o, seq in self.heard[region].items() if mine(o))
                   for region in closing.required - self.s.removed - {self.region})

    # --- stability and the log

    def hear(self, region, speaker, vector, is_quiet):
        if region in self.s.removed:
            return
        vector = self.expand(vector)
        self.heard[region] = vector
        for origin, closing in self.s.closings.items():
            if origin != speaker and region in closing.required and not self.s.complete(origin):
                self.limit[origin] = max(self.limit.get(origin, 0), vector.get(origin, 0))
        if geq(self.s.V, vector) and not is_quiet:
            self.reports[region] = vector

    def earlier_runs_ended(self):
        """Nothing of them is on its way any more: all members said what they have, all of it is
        here, and has an end."""
        s, mine = self.s, lambda o: self.world.region_of(o) == self.region and o != self.origin
        return all(region in self.heard and all(seq <= s.V.get(o, 0) for o, seq in self.heard[region].items() if mine(o))
                   for region in self.members() - {self.region}) and all(map(s.complete, filter(mine, s.V)))

    def collect(self):
        s = self.s
        if self.is_quiet and self.earlier_runs_ended():
            self.is_quiet = False
        if self.is_quiet:
            return
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
            if s.V.get(origin, 0) > closing.last():
                continue  # C4
            known = s.floor if "final" in self.world.without else meet(s.floor, self.stable)
            if all(t[0] in s.settled or covers(known, t) for t in closing.stamps()):
                s.settled[origin] = closing.last()
                for vector in (s.V, s.floor, s.forgotten, self.stable, s.deps, *s.deps.values(),
                               *self.reports.values()):
                    vector.pop(origin, None)
