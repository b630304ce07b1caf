#!/usr/bin/python3
"""Three leaders behind bad links, under a steady load on keys that do not become more, for as
long as you like. In the end all leaders must be equal, every counter exact, and nothing may
have grown: the last third of the run is compared with the third before it.

    tests/soak/soak.py --minutes 60 --csv soak.csv

Every few seconds a link is cut, slowed or stalled for a moment, or a leader paused; one region's
leader is stopped or killed and started again now and then, and the other two run throughout.
Runs under half an hour show the figures and do not judge them: the log is still filling up.
"""
import argparse
import csv
import os
import random
import statistics
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "e2e"))
from cluster import Cluster  # noqa: E402
from load import Background  # noqa: E402
import processes  # noqa: E402
from resp import Disconnected, ReplyError, encode  # noqa: E402

JUDGED_FROM_MINUTES = 30
RESTARTED = "dallas"
PIPELINE = 10
SHARED = 0.03  # of the writes go to keys that all regions write
# What may differ between two thirds of a run in which nothing grows: a share, and an amount.
# Means of a third; what is not named here has to stay below its own limit.
TOLERANCES = {
    "rss": (0.05, 3 << 20),
    "descriptors": (0.02, 1),
    "threads": (0, 0.1),
    "log.db": (0.10, 1 << 20),
    "log.db-wal": (0.10, 1 << 20),
    "state.db": (0.05, 1 << 20),
    "state.db-wal": (0.10, 1 << 20),
    "vector_entries": (0, 1.5),
    "unstable_increments_max": (0.5, 500),
    "deletes_max": (0.5, 500),
    "log_batches": (0.25, 2000),
}


class Load:
    """One writer at one leader. Its own keys are few; its counters are exact: one whose
    increment was sent and not answered is put aside, with both sums that it may have."""

    def __init__(self, leader, rate, seed):
        self.leader, self.rate = leader, rate
        self.rng = random.Random(seed)
        self.counters = {}  # key -> acknowledged sum
        self.unsure = {}    # key -> (sum, amounts sent and not answered)
        self.next_counter = 0
        self.commands = 0
        self.due = time.monotonic()
        for _ in range(50):
            self._new_counter()
        self.background = Background(leader, self._round)

    def _new_counter(self):
        self.next_counter += 1
        self.counters["exact:%s:%d" % (self.leader.region, self.next_counter)] = 0

    def _round(self, client):
        self.due = max(self.due + PIPELINE / self.rate, time.monotonic() - 1)
        time.sleep(max(0, self.due - time.monotonic()))
        sent = [self._draw() for _ in range(PIPELINE)]
        try:
            self._send(client, sent)
        except Disconnected:
            self._put_aside(sent)
            raise

    def _send(self, client, sent):
        client.send_bytes(b"".join(encode(command) for command in sent))
        while sent:
            reply = client.read()
            command = sent.pop(0)
            if isinstance(reply, ReplyError):
                raise AssertionError("%s: %s" % (command, reply))
            self.commands += 1
            if command[0] == "INCRBY":
                self.counters[command[1]] += command[2]

    def _put_aside(self, unanswered):
        for command in unanswered:
            if command[0] == "INCRBY" and command[1] in self.counters:
                key = command[1]
                amounts = [other[2] for other in unanswered if other[:2] == ("INCRBY", key)]
                self.unsure[key] = (self.counters.pop(key), amounts)
                self._new_counter()

    def _draw(self):
        rng = self.rng
        home = "shared" if rng.random() < SHARED else self.leader.region
        key = "%s:%d" % (home, rng.randrange(1000))
        value = "v" * rng.randint(20, 200)
        return rng.choice((
            lambda: ("INCRBY", rng.choice(list(self.counters)), rng.randint(1, 9)),
            lambda: ("INCRBY", rng.choice(list(self.counters)), rng.randint(1, 9)),
            lambda: ("SET", "s:" + key, value),
            lambda: ("SET", "s:" + key, value),
            lambda: ("DEL", "s:" + key),
            lambda: ("HSET", "h:%s:%d" % (home, rng.randrange(50)), rng.randrange(20), value),
            lambda: ("HDEL", "h:%s:%d" % (home, rng.randrange(50)), rng.randrange(20)),
            lambda: ("HINCRBY", "n:%s:%d" % (home, rng.randrange(50)), rng.randrange(20), 1),
            lambda: ("SADD", "m:%s:%d" % (home, rng.randrange(50)), rng.randrange(30)),
            lambda: ("SREM", "m:%s:%d" % (home, rng.randrange(50)), rng.randrange(30)),
            lambda: ("DEL", "n:%s:%d" % (home, rng.randrange(50))),
            lambda: ("GET", "s:" + key),
            lambda: ("HGETALL", "h:%s:%d" % (home, rng.randrange(50))),
            lambda: ("SMEMBERS", "m:%s:%d" % (home, rng.randrange(50))),
        ))()

    def problems(self, leader):
        """What is wrong at a leader that has everything."""
        found = {key: int(leader.call("GET", key) or 0) for key in (*self.counters, *self.unsure)}
        wrong = ["%s is %d, not %d" % (key, found[key], total)
                 for key, total in self.counters.items() if found[key] != total]
        for key, (total, amounts) in self.unsure.items():
            allowed = {total}
            for amount in amounts:  # in the order sent: what follows a lost one is lost, too
                allowed.add(max(allowed) + amount)
            if found[key] not in allowed:
                wrong.append("%s is %d, not one of %s" % (key, found[key], sorted(allowed)))
        return ["%s at %s: %s" % (self.leader.region, leader.region, one) for one in wrong]


class Trouble:
    """What happens to links and leaders, a moment at a time."""

    def __init__(self, cluster, rng, restart_seconds):
        self.cluster, self.network, self.rng = cluster, cluster.network, rng
        self.restart_seconds = restart_seconds
        self.next_restart = time.monotonic() + restart_seconds
        self.counts = {}

    def next(self):
        if time.monotonic() >= self.next_restart:
            self.next_restart += self.restart_seconds
            return self.note("restart", self.restart)
        a, b = self.rng.sample(self.network.regions(), 2)
        seconds = self.rng.uniform(0.2, 3)
        rate = self.rng.uniform(8e3, 200e3)
        faults = {
            "cut": lambda: self.network.cut(a, b),
            "stall one way": lambda: self.network.stall(a, b),
            "delay": lambda: self.network.delay(a, b, seconds / 10),
            "throttle": lambda: self.network.throttle(a, b, rate),
            "half close": lambda: self.network.half_close(a, b),
            "flap": lambda: self.network.flap(a, b, 3, seconds / 30),
            "isolate": lambda: [self.network.cut(a, other) for other in self.network.regions() if other != a],
        }
        name = self.rng.choice(["pause", *faults])
        if name == "pause":
            return self.note(name, lambda: self.pause(a, seconds))
        self.note(name, faults[name])
        time.sleep(seconds)
        self.network.heal_all()

    def note(self, name, happen):
        self.counts[name] = self.counts.get(name, 0) + 1
        happen()

    def pause(self, region, seconds):
        self.cluster[region].pause()
        time.sleep(seconds)
        self.cluster[region].resume()

    def restart(self):
        leader = self.cluster[RESTARTED]
        if self.rng.random() < 0.5:
            leader.kill9()
        elif leader.stop() != 0:
            raise AssertionError("%s did not stop cleanly:\n%s" % (leader.region, leader.log_tail()))
        time.sleep(self.rng.uniform(0, 5))
        leader.start()


def file_size(leader, name):
    try:
        return os.path.getsize(os.path.join(leader.data, name))
    except OSError:
        return 0


def cpu_seconds(pid):
    with open("/proc/%s/stat" % pid) as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def bounds_of(leader):
    """INFO bounds: name -> (now, max or None, reached)."""
    found = {}
    for line in leader.call("INFO", "bounds").splitlines():
        name, colon, value = line.partition(":")
        if not colon:
            continue
        parts = dict(part.split("=") for part in value.split(",")) if "=" in value else {"now": value}
        found[name] = (int(parts["now"]), int(parts["max"]) if "max" in parts else None, int(parts.get("reached", 0)))
    return found


def sample(leader):
    """What the leader takes of the machine, and what it holds; None while it is down."""
    pid = leader.process.pid
    try:
        row = {"rss": processes.rss_bytes(pid), "descriptors": processes.open_files(pid),
               "threads": len(os.listdir("/proc/%d/task" % pid)), "cpu_seconds": cpu_seconds(pid)}
        bounds = bounds_of(leader)
    except (Disconnected, OSError):
        return None
    for name in ("log.db", "log.db-wal", "state.db", "state.db-wal"):
        row[name] = file_size(leader, name)
    for name, (now, most, reached) in bounds.items():
        row[name] = now
        if most is not None:
            row[name + " reached"] = reached
            row[name + " max"] = most
    return row


class Samples:
    def __init__(self, path):
        self.rows = []
        self.file = open(path, "w", newline="", buffering=1) if path else None
        self.writer = None

    def take(self, cluster, seconds):
        for leader in cluster:
            row = sample(leader)
            if row is None:
                continue
            row = {"seconds": round(seconds), "region": leader.region, **row}
            self.rows.append(row)
            if self.file:
                if self.writer is None:
                    self.writer = csv.DictWriter(self.file, list(row), extrasaction="ignore")
                    self.writer.writeheader()
                self.writer.writerow(row)

    def judge(self, seconds):
        """(lines of a table, what has grown)"""
        lines, grown = [], []
        for region in sorted({row["region"] for row in self.rows}):
            thirds = [[row for row in self.rows if row["region"] == region
                       and third * seconds / 3 <= row["seconds"] < (third + 1) * seconds / 3] for third in range(3)]
            if not all(thirds):
                grown.append("%s: a third of the run has no sample" % region)
                continue
            names = [name for name in thirds[0][0] if name not in ("seconds", "region", "cpu_seconds")
                     and not name.endswith((" reached", " max"))]
            for name in names:
                means = [statistics.fmean(row[name] for row in third) for third in thirds]
                most = max(row[name] for third in thirds for row in third)
                limit = thirds[0][0].get(name + " max")
                share, amount = TOLERANCES.get(name, (None, None))
                verdict = ""
                if share is not None:
                    grew = means[2] > means[1] * (1 + share) + amount
                    verdict = "GROWN" if grew else "flat"
                    if grew:
                        grown.append("%s %s: %.0f, then %.0f" % (region, name, means[1], means[2]))
                elif limit:
                    verdict = "bounded"
                    if name != "log_retain_bytes" and most > 1.1 * limit:
                        grown.append("%s %s: %d, and its limit is %d" % (region, name, most, limit))
                lines.append("%-8s %-24s %14.1f %14.1f %14.1f %14d  %s"
                             % (region, name, *means, most, verdict))
        return lines, grown


def run(options):
    rng = random.Random(options.seed)
    print("seed %d, %g minutes, %g commands a second at each leader" % (options.seed, options.minutes, options.rate))
    cluster = Cluster("paris", "tokyo", "dallas", proxied=True,
                      options=("--log-retain-bytes", "4MiB", "--checkpoint-interval-ms", "2000",
                               "--close-after-ms", str(options.close_seconds * 1000)))
    cluster.start()
    loads = [Load(leader, options.rate, rng.random()) for leader in cluster]
    trouble = Trouble(cluster, rng, options.restart_minutes * 60)
    samples = Samples(options.csv)
    started = time.monotonic()
    next_sample = started
    try:
        while time.monotonic() < started + options.minutes * 60:
            if time.monotonic() >= next_sample:
                samples.take(cluster, time.monotonic() - started)
                next_sample += options.sample_seconds
            trouble.next()
            for load in loads:
                if load.background.error:
                    raise load.background.error
            time.sleep(rng.uniform(1, 2 * options.calm_seconds))
    finally:
        seconds = time.monotonic() - started
        cluster.network.heal_all()
        for load in loads:
            load.background.stop()
    cpu = {leader.region: round(100 * cpu_seconds(leader.process.pid) / seconds, 1) for leader in cluster
           if leader.region != RESTARTED}
    took = cluster.wait_converged(seconds=120)
    problems = [problem for load in loads for leader in cluster for problem in load.problems(leader)]
    lines, grown = samples.judge(seconds)
    print("%-8s %-24s %14s %14s %14s %14s" % ("region", "what", "first third", "second third", "last third", "most"))
    print("\n".join(lines))
    print("trouble: %s" % trouble.counts)
    print("%d commands answered, %d counters exact, %d put aside; processor: %s %% of a core"
          % (sum(load.commands for load in loads), sum(len(load.counters) for load in loads),
             sum(len(load.unsure) for load in loads), cpu))
    print("converged within %.1f s of the last command" % took)
    cluster.close()
    if options.minutes < JUDGED_FROM_MINUTES:
        print("a short run: what grew is shown and not judged: %s" % grown)
        grown = []
    for problem in problems + grown:
        print("WRONG: %s" % problem)
    return 1 if problems or grown else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--rate", type=float, default=100, help="commands a second at each leader")
    parser.add_argument("--calm-seconds", type=float, default=8, help="between two faults, on average")
    parser.add_argument("--restart-minutes", type=float, default=5)
    parser.add_argument("--sample-seconds", type=float, default=10)
    parser.add_argument("--csv", help="where the samples go")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--close-seconds", type=int, default=60, help="when ended runs of leaders are closed")
    sys.exit(run(parser.parse_args()))


if __name__ == "__main__":
    main()
