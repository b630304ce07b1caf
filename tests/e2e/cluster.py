"""Leaders as real processes on this machine, and what a test does to them.

    cluster = Cluster("paris", "tokyo", "dallas").start()
    cluster["paris"].call("SET", "k", "v")
    cluster.cut("paris", "tokyo")
    cluster.wait_converged()
"""
import contextlib
import itertools
import os
import shutil
import signal
import subprocess
import time

import processes
import proxy
from processes import until
from resp import Disconnected, ReplyError, Resp

REGIONS = ("paris", "tokyo", "dallas")
STOP_LIMIT_SECONDS = 5


def binary():
    path = os.environ.get("TURNSTONE_BINARY")
    if not path:
        here = os.path.dirname(os.path.abspath(__file__))
        path = os.path.join(here, "..", "..", "build", "dev", "regions", "turnstone")
    path = os.path.abspath(path)
    if not os.access(path, os.X_OK):
        raise SystemExit("no server at %s: build it, or set TURNSTONE_BINARY" % path)
    return path


class Leader:
    """One region's server: its ports, its data directory, its process when it runs."""

    def __init__(self, region, root, cluster_name="turnstone"):
        self.region = region
        self.cluster_name = cluster_name
        self.data = os.path.join(root, region)
        self.log = os.path.join(root, region + ".log")
        self.resp_port, self.gossip_port, self.pull_port = processes.free_ports(3)
        self.peers = {}    # region -> "HOST:PORT[,HOST:PULLPORT]"
        self.options = []  # further flags of every start
        self.env = {}
        self.user = None   # run as this user
        self.link_control = True
        self.process = None
        self.expected_down = True
        self._client = None

    def command(self, *more):
        """What starts it; a flag in `more` takes the place of the usual one."""
        usual = {"--region": self.region, "--data": self.data, "--resp": "127.0.0.1:%d" % self.resp_port,
                 "--gossip": "127.0.0.1:%d" % self.gossip_port, "--cluster": self.cluster_name}
        words = [word for flag, value in usual.items() if flag not in more for word in (flag, value)]
        peers = itertools.chain.from_iterable(
            ("--peer", "%s=%s" % item) for item in self.peers.items())
        words += ["--allow-link-control"] * self.link_control
        return [binary(), "serve", *words, *peers, *self.options, *more]

    def start(self, *more, wait=True):
        assert self.process is None or self.process.poll() is not None
        self.process = processes.spawn(self.command(*more), self.log, self.env, self.user)
        self.expected_down = False
        if wait:
            self.wait_ready()
        return self

    def wait_ready(self, seconds=30):
        def answers():
            if self.process.poll() is not None:
                raise AssertionError("%s ended with %s instead of serving:\n%s"
                                     % (self.region, self.process.returncode, self.log_tail(20)))
            try:
                with self.connect(timeout=2) as client:
                    return client.call("PING") == "PONG"
            except (Disconnected, ReplyError):
                return False
        until(answers, seconds, "%s answers PING" % self.region, every=0.005)
        return self

    def run_to_end(self, *more, seconds=20):
        """Starts it where it is expected to refuse; its exit code and what it printed."""
        done = subprocess.run(self.command(*more), capture_output=True, text=True, errors="replace",
                              timeout=seconds * processes.PATIENCE, env=processes.clean_environment(self.env),
                              user=self.user, stdin=subprocess.DEVNULL)
        return done.returncode, done.stdout + done.stderr

    # --- what happens to it

    def kill9(self):
        self.expected_down = True
        processes.kill(self.process)
        self._drop_client()

    def stop(self):
        """SIGTERM; the exit code. It must end within the promised time."""
        self.expected_down = True
        self._drop_client()
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(STOP_LIMIT_SECONDS * processes.PATIENCE)
        except subprocess.TimeoutExpired:
            processes.kill(self.process)
            raise AssertionError("%s did not stop within %d s of SIGTERM"
                                 % (self.region, STOP_LIMIT_SECONDS)) from None

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def copy_data(self, to):
        """What a snapshot of the disk would hold at this instant."""
        paused = self.is_running()
        if paused:
            self.pause()
        shutil.rmtree(to, ignore_errors=True)
        shutil.copytree(self.data, to)
        if paused:
            self.resume()
        return to

    def restore_data(self, copy):
        assert not self.is_running()
        shutil.rmtree(self.data)
        shutil.copytree(copy, self.data)

    # --- talking to it

    def connect(self, **options):
        return Resp(self.resp_port, **options)

    def client(self):
        """One connection that is kept; for tests that do not count what is in flight."""
        if self._client is None:
            self._client = self.connect()
        return self._client

    def _drop_client(self):
        if self._client is not None:
            self._client.close()
            self._client = None

    def call(self, *args):
        return self.client().call(*args)

    def pipeline(self, commands, slice_size=500):
        commands = list(commands)
        replies = []
        for start in range(0, len(commands), slice_size):
            replies += self.client().pipeline(commands[start:start + slice_size])
        return replies

    def region_views(self):
        """TS.REGIONS: region -> what this leader knows of it."""
        return {view["region"]: view for view in map(as_dict, self.call("TS.REGIONS"))}

    def vector(self):
        """The version vector, as text: what this leader has applied."""
        return self.region_views()[self.region]["vector"]

    def digest(self):
        """Digest of the whole state, with its vector; takes time in proportion to the data."""
        return self.call("TS.DIGEST")

    def conflicts(self, key=None):
        """TS.CONFLICTS as a list of dicts, newest first; of one key if given. `values` are
        the values of both sides, "" for a delete."""
        records = [as_dict(record) for record in self.call("TS.CONFLICTS", "COUNT", "100000")]
        for record in records:
            record["sides"] = [as_dict(side) for side in record["values"]]
            record["values"] = sorted(side["value"] or "" for side in record["sides"])
        return [record for record in records if key is None or record["key"] == key]

    def rss(self):
        return processes.rss_bytes(self.process.pid)

    def log_text(self):
        if not os.path.exists(self.log):
            return ""
        with open(self.log, errors="replace") as log:
            return log.read()

    def log_tail(self, lines=40):
        return "\n".join(self.log_text().splitlines()[-lines:])


def as_dict(reply):
    """A map as RESP3 and as RESP2 (a flat list) bring it."""
    return reply if isinstance(reply, dict) else dict(zip(reply[::2], reply[1::2]))


class Cluster:
    def __init__(self, *regions, root=None, cluster_name="turnstone", options=(), proxied=False):
        """With `proxied` all that leaders say to each other goes through self.network."""
        self.root = root or processes.scratch_directory("e2e")
        self.network = proxy.Network() if proxied else None
        self.leaders = {region: Leader(region, self.root, cluster_name)
                        for region in regions or REGIONS}
        for leader in self:
            leader.options = list(options)
            leader.peers = {peer.region: self.address(leader, peer) for peer in self if peer is not leader}

    def address(self, leader, peer):
        """Where `leader` finds `peer`."""
        if self.network is None:
            return "127.0.0.1:%d" % peer.gossip_port
        ports = self.network.link(leader.region, peer.region, (peer.gossip_port, peer.pull_port))
        return "127.0.0.1:%d,127.0.0.1:%d" % tuple(ports)

    def __iter__(self):
        return iter(self.leaders.values())

    def __getitem__(self, region):
        return self.leaders[region]

    def start(self):
        for leader in self:
            leader.start(wait=False)
        for leader in self:
            leader.wait_ready()
        return self

    def close(self):
        """Ends all; complains about those that had ended by themselves."""
        gone = [leader for leader in self if not leader.expected_down and not leader.is_running()]
        for leader in self:
            if leader.process is not None:
                leader.kill9()
        if self.network is not None:
            self.network.close()
            self.network = None
        if gone:
            raise AssertionError("ended by itself: " + ", ".join(
                "%s (%s)" % (leader.region, leader.process.returncode) for leader in gone))

    # --- links

    def pairs(self):
        return list(itertools.combinations(self.leaders, 2))

    def cut(self, a, b):
        self[a].call("TS.LINK", "CUT", b)
        self[b].call("TS.LINK", "CUT", a)

    def heal(self, a, b):
        self[a].call("TS.LINK", "HEAL", b)
        self[b].call("TS.LINK", "HEAL", a)

    def cut_all(self):
        for pair in self.pairs():
            self.cut(*pair)

    def heal_all(self):
        for pair in self.pairs():
            self.heal(*pair)

    @contextlib.contextmanager
    def partition(self):
        """Every leader on its own inside the block; whole and converged behind it."""
        self.cut_all()
        try:
            yield
        finally:
            self.heal_all()
        self.wait_converged()

    # --- convergence

    def wait_converged(self, *regions, seconds=60):
        """Until the named leaders (all, if none is named) have equal state and vectors."""
        leaders = [self[region] for region in regions] or list(self)

        def equal(what):
            return len({str(what(leader)) for leader in leaders}) == 1

        def seen():
            return "\n".join("%s: %s, hears %s" % (
                leader.region, leader.digest(), {region: (view["link"], view["last_heard_ms_ago"])
                                                 for region, view in leader.region_views().items()})
                             for leader in leaders)

        started = time.monotonic()
        until(lambda: equal(Leader.vector) and equal(Leader.digest), seconds, lambda: "equal states: %s" % seen())
        return time.monotonic() - started

    def everywhere(self, *args):
        """One command's reply on every leader; all must be the same."""
        replies = {leader.region: leader.call(*args) for leader in self}
        first = next(iter(replies.values()))
        if any(comparable(reply) != comparable(first) for reply in replies.values()):
            raise AssertionError("%s differs: %s" % (" ".join(map(str, args)), replies))
        return first


def comparable(reply):
    return sorted(map(str, reply)) if isinstance(reply, list) else reply
