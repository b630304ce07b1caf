"""The leaders of returning.py and what happens to them: old copies, second runs, removals, returns."""
import random
from collections import Counter

from returning_leader import covers, geq, Leader, State, UNENDED


class Waits(Exception):
    """A leader that does not come home by itself: nothing is lost or doubled, somebody has to decide."""


class World:
    def __init__(self, seed, without=()):
        self.random = random.Random(seed)
        self.without = without
        self.deltas, self.born, self.clock = {}, {}, 0
        self.ends = {}       # origin -> F
        self.removed = set()
        self.past = {r: {r} for r in "ABCD"}
        self.keep = self.random.choice((0, 2, 8))
        self.leaders = {r: Leader(self, r, State()) for r in "ABCD"}
        self.away = {}       # region -> a run that nobody hears, on another copy of the directory
        self.links = {}      # region -> who hears its run that is away all the same
        self.cut_off = {}    # removed, and without knowing it: they hear each other
        self.copies, self.acknowledged = {}, set()
        self.orphans, self.lost = set(), set()  # gone from their own directory, and from everywhere
        self.linked = self.random.choice((0, .5, 1))
        self.busy = self.random.choice((.05, .3, .8))
        self.late = ["write"] * 20 + ["restart", "keep_copy", "restore", "second_run", "swap"] * self.random.randrange(4)
        self.random.shuffle(self.late)
        self.counts = Counter()
        self.weights = {event: weight * self.random.choice((.3, 1, 3)) for event, weight in (
            ("write", 30), ("deliver", 40), ("report", 15), ("collect", 8), ("proceed", 12), ("restart", 1.5),
            ("keep_copy", 3), ("restore", 1), ("second_run", 1), ("swap", 1.5), ("remove", .8),
            ("rejoin", 1.5), ("go_home", 1.5))}

    def region_of(self, origin):
        return origin.rstrip("0123456789")

    def lineage(self, region):
        return self.past[region]

    def new_origin(self, region):
        self.born[region] = self.born.get(region, 0) + 1
        return "%s%d" % (region, self.born[region])

    def tick(self):
        self.clock += 1
        return self.clock

    def members(self):
        return self.leaders.values()

    # --- the ends of origins: in one step here, closing.py has how

    def last(self, origin):
        return self.ends.get(origin, 0 if self.region_of(origin) in self.removed else UNENDED)

    def close(self, origin):
        if self.last(origin) == UNENDED:
            self.ends[origin] = max(x.s.V.get(origin, 0) for x in self.members())

    def lower_ends(self):
        """An acknowledgement that went down with the only one that had as much."""
        for origin in self.ends:
            self.ends[origin] = min(self.ends[origin], max(x.s.V.get(origin, 0) for x in self.members()))

    # --- the oracle: from the set of operations alone, and what each author had truly seen

    def check(self, leader, when):
        s = leader.s
        deltas = [self.deltas[(o, n)] for o, last in s.V.items() for n in range(1, last + 1)]
        effects = [(d, *e) for d in deltas for e in d.effects]
        rows, total = {}, {}
        for d, verb, field, *args in effects:
            if verb == "put" and not any(d.root in x.seen for x, v, f, *_ in effects
                                         if v in ("put", "del") and f == field):
                rows[d.root] = (field, args[0], self.deltas[d.root].clock)
            if verb == "inc" and not any(d.root in x.seen for x, v, f, *_ in effects if v == "rst" and f == field
                                         and (not x.was or x.stamp[0] == d.stamp[0])):
                total[field] = total.get(field, 0) + args[0]
        got = {self.deltas[r].root: row for r, row in s.rows.items()}
        assert got == rows, "%s: rows of %s:\n got %s\n not %s" % (when, leader.origin, got, rows)
        got = {f: n for f, n in s.total.items() if n}
        total = {f: n for f, n in total.items() if n}
        assert got == total, "%s: counters of %s:\n got %s\n not %s" % (when, leader.origin, got, total)

    def count_again(self, leader, delta):
        """How often it has less than its author had seen, and leaves increments that it had reset."""
        self.counts["stamped again"] += 1
        self.counts["less seen than then"] += not delta.truth <= leader.s.operations.keys()
        for verb, field, *_ in delta.effects:
            self.counts["resets"] += verb == "rst"
            self.counts["resets that leave what they had reset"] += verb == "rst" and any(
                stamp[0] != leader.origin and root in delta.truth and v == "inc" and f == field
                for root, stamp in leader.s.operations.items() for v, f, *_ in self.deltas[root].effects)

    # --- events

    def write(self, leader):
        if leader.is_returning() and leader.missing() or leader.missing_promise() or \
                self.is_heard(leader) and leader.has_void():
            return
        rnd = self.random
        field, kind = rnd.choice("pq"), rnd.random()
        effect = ("put", field, rnd.randrange(9)) if kind < .3 else ("del", field) if kind < .45 else \
            ("inc", field, rnd.choice((1, 4, 16))) if kind < .8 else ("rst", field)
        self.acknowledged.add(leader.stamp(effect).root)

    def offers(self, leader):
        if leader.region in self.cut_off:
            sources = self.cut_off.values()
        elif self.leaders.get(leader.region) is leader:
            sources = [*self.leaders.values(), *(x for r, x in self.away.items() if leader.region in self.links[r])]
        elif leader.region in self.away:
            sources = [x for r, x in self.leaders.items() if r in self.links[leader.region]]
        else:
            return
        have = leader.s.V
        for source in sources:
            if source is not leader:
                for origin, last in source.s.V.items():
                    delta = source.s.log.get((origin, have.get(origin, 0) + 1))
                    if delta:
                        yield delta

    def deliver(self, leader):
        found = [] if leader.has_void() else [d for d in self.offers(leader) if leader.deliverable(d)]
        if found:
            leader.apply(self.random.choice(found))
        return bool(found)

    def proceed(self, leader):
        return self.is_heard(leader) and leader.proceed()

    def is_heard(self, leader):
        """By everybody. Two runs of one region may be; they do not hear each other."""
        return self.leaders.get(leader.region) is leader or self.away.get(leader.region) is leader \
            and self.links[leader.region] >= self.leaders.keys() - {leader.region}

    def report(self, leader):
        returning = (leader.is_returning() or leader.missing()) and "quiet" not in self.without
        if self.is_heard(leader) and not returning:
            for other in self.members():
                if other.region != leader.region and self.random.random() < .7:
                    other.hear(leader.region, dict(leader.s.V))

    def collect(self, leader):
        if self.leaders.get(leader.region) is leader:
            leader.collect(self.keep)

    def replace(self, leader, state):
        fresh = Leader(self, leader.region, state)
        for place in (self.leaders, self.cut_off, self.away):
            if place.get(leader.region) is leader:
                place[leader.region] = fresh
        return fresh

    def restart(self, leader):
        self.replace(leader, leader.s)

    def keep_copy(self, leader):
        self.copies[leader.region] = leader.s.copy() if self.random.random() < .9 else State()

    def is_calm(self, region):
        """Losing a directory while others return loses what only it had for them."""
        return not any(x.is_returning() for x in self.members() if x.region != region)

    def restore(self, leader):
        region = leader.region
        if self.leaders.get(region) is not leader or region not in self.copies or not self.is_calm(region):
            return
        old = leader.s
        fresh = self.replace(leader, self.copies.pop(region))
        self.lower_ends()
        kept = [fresh.s] + ([self.away[region].s] if region in self.away else [])
        gone = old.operations.keys() | {d.root for log in old.old for d in log.values() if leader.is_mine(d.stamp[0])}
        gone -= set().union(*(s.holds() for s in kept))
        self.orphans |= gone
        self.lost |= gone - set().union(*(x.s.operations for x in self.members()))

    def second_run(self, leader):
        """On a copy of the directory, while the first one goes on without being heard."""
        region = leader.region
        if self.leaders.get(region) is leader and region in self.copies and region not in self.away \
                and self.is_calm(region):
            self.away[region] = leader
            self.leaders[region] = Leader(self, region, self.copies.pop(region))
            self.links[region] = {r for r in self.leaders if self.random.random() < self.linked}

    def swap(self, leader):
        region = leader.region
        if region in self.away and region in self.leaders:
            self.leaders[region], self.away[region] = self.away[region], self.leaders[region]
            self.go_home(self.leaders[region])

    def remove(self, leader):
        region = leader.region
        if self.leaders.get(region) is leader and len(self.leaders) > 2 and region not in self.away \
                and len(region) < 3:
            self.cut_off[region] = self.leaders.pop(region)
            for origin in {o for x in self.members() for o in x.s.V if self.region_of(o) == region}:
                self.close(origin)
            self.removed.add(region)
            self.lower_ends()
            self.lost |= self.orphans & leader.s.operations.keys() - set().union(*(
                x.s.operations for x in self.members()))
            for other in self.members():
                other.reports.pop(region, None)

    def rejoin(self, leader):
        region = leader.region
        if self.cut_off.get(region) is leader and self.sources(leader):
            name = region + "x"
            self.past[name] = self.past[region] | {name}
            self.copies.pop(region, None)
            source = self.random.choice(self.sources(leader))
            del self.cut_off[region]
            self.leaders[name] = Leader(self, name, leader.s.take_copy(source.s))
            # Nobody counts on what it reported under its old name.
            self.leaders[name].s.had = {o: n for o, n in leader.s.had.items() if leader.is_mine(o)}
            self.counts["returns"] += 1

    def sources(self, leader):
        """`cut`: what is no more in its log it cannot keep aside."""
        return [x for x in self.members() if x is not leader and not x.has_void()
                and ("cut" in self.without or self.has_what_was_cut(x, leader.s))]

    def has_what_was_cut(self, source, s):
        """Void ones under the name that they have now; or an older log still has them."""
        return all(n <= source.s.V.get(o, 0) or
                   all((o, i) in source.s.returned or any((o, i) in log for log in s.old)
                       for i in range(min(source.s.V.get(o, 0), self.last(o)) + 1, n + 1))
                   for o, n in s.cut.items())

    def go_home(self, leader, source=None):
        sources = [source] if source else self.sources(leader)
        if self.is_heard(leader) and sources:
            source = self.random.choice(sources)
            self.replace(leader, leader.s.take_copy(source.s))
            self.lower_ends()
            self.counts["returns"] += 1

    def step(self):
        leader = self.random.choice([*self.leaders.values(), *self.away.values(), *self.cut_off.values()])
        event = self.random.choices(list(self.weights), list(self.weights.values()))[0]
        getattr(self, event)(leader)
        return event

    # --- everything heals

    def is_stuck(self, leader):
        """Whom it has to take a copy of, if any: the rules are those of the C++ (too old, below floor)."""
        if leader.has_void():
            return self.random.choice(self.sources(leader) or [None])
        for other in self.sources(leader):
            offers = {d.stamp for d in self.offers(leader)}
            for origin, last in other.s.V.items():
                stamp = (origin, leader.s.V.get(origin, 0) + 1)
                if other is leader or stamp[1] > min(last, self.last(origin)) or origin == leader.origin:
                    continue
                if stamp not in offers:
                    return other
                delta = self.deltas[stamp]
                if geq(leader.s.V, delta.context) and leader.is_below_floor(delta) \
                        and other.region != self.region_of(origin):
                    return other
        mine = [t for t in leader.s.log if t[0] == leader.origin or leader.is_mine(t[0])]
        for other in self.members():
            for t in mine:
                if other is not leader and t[1] == other.s.V.get(t[0], 0) + 1 \
                        and geq(other.s.V, self.deltas[t].context) and other.is_below_floor(self.deltas[t]) \
                        and not any(covers(x.s.V, t) for x in self.members() if x is not leader) \
                        and other in self.sources(leader):
                    return other
        return None

    def settle(self):
        progress = True
        while progress:
            progress = False
            leaders = [*self.members(), *filter(self.is_heard, self.away.values())]
            for leader in self.random.sample(leaders, len(leaders)):
                event = self.deliver if self.random.random() < .8 else self.proceed
                if event(leader) or self.deliver(leader) or self.proceed(leader):
                    progress = True
                    self.write_on()

    def write_on(self):
        """What the others do meanwhile."""
        leaders = [*self.members(), *filter(self.is_heard, self.away.values())]
        chance = self.random.random()
        if chance < self.busy:
            for leader in leaders:
                self.report(leader)
                self.collect(leader)
        elif chance > .96 and self.late:
            getattr(self, self.late.pop())(self.random.choice(leaders))

    def finish(self):
        for _ in range(40):
            for region in list(self.cut_off):
                self.rejoin(self.cut_off[region])
            self.settle()
            home = [(x, self.is_stuck(x)) for x in list(self.members())]
            home = [(x, source) for x, source in home if source]
            if home:
                self.go_home(*self.random.choice(home))
            elif self.away:
                region = self.random.choice(sorted(self.away))
                self.go_home(self.leaders[region])  # Its own void ones first.
                self.settle()
                if self.leaders[region].is_returning():
                    self.swap(self.leaders[region])
                else:
                    self.leaders[region] = self.away.pop(region)
                    self.go_home(self.leaders[region])
            elif not any(self.sources(x) for x in self.cut_off.values()):
                break
        if self.cut_off or self.away:
            raise Waits("not home: %s" % sorted({**self.cut_off, **self.away}))
        leaders = list(self.members())
        for leader in leaders:
            if leader.is_returning():
                raise Waits("%s does not come home: lacks %s, waits with %s" % (
                leader.origin, leader.missing(), sorted(d.stamp for d in leader.old_deltas())))
            self.check(leader, "end")
            assert leader.s.V == leaders[0].s.V and leader.s.rows == leaders[0].s.rows, \
                "not equal at the end: %s %s" % (leader.s.V, leaders[0].s.V)
        # Of a directory that is lost: only who was not in service when its runs ended had them.
        self.lost |= {t for t in self.orphans if t[1] > self.last(t[0])}
        gone = self.acknowledged - self.lost - leaders[0].s.operations.keys()
        assert not gone, "lost: %s" % sorted(gone)
