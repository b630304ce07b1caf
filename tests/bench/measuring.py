"""What the measuring scripts share: servers to compare, tables, percentiles."""
import os
import socket
import statistics
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
import cluster  # noqa: E402
import processes  # noqa: E402
from resp import Disconnected, Resp  # noqa: E402


HERE = os.path.dirname(os.path.abspath(__file__))


def use(binary):
    """Measures this server; by default the optimized build, never a developer's."""
    release = os.path.join(HERE, "..", "..", "build", "release", "regions", "turnstone")
    os.environ["TURNSTONE_BINARY"] = binary or os.environ.get("TURNSTONE_BINARY") or release
    print("server: %s" % cluster.binary())


class RedisServer:
    """Redis as durable as a leader: every write is synced before it is answered."""

    def __init__(self, root, name="redis", replica_of=None):
        self.port, = processes.free_ports(1)
        directory = os.path.join(root, name)
        os.makedirs(directory)
        command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--dir", directory,
                   "--save", "", "--appendonly", "yes", "--appendfsync", "always",
                   "--auto-aof-rewrite-percentage", "0", "--repl-diskless-sync-delay", "0"]
        if replica_of:
            command += ["--replicaof", "127.0.0.1", str(replica_of)]
        self.process = processes.spawn(command, directory + ".log")
        processes.until(self._answers, 20, "redis-server answers")
        if replica_of:
            processes.until(self._has_its_primary, 20, "the replica is in sync")

    def _answers(self):
        try:
            with Resp(self.port) as client:
                return client.call("PING") == "PONG"
        except Disconnected:
            return False

    def _has_its_primary(self):
        with Resp(self.port) as client:
            return "master_link_status:up" in client.call("INFO", "replication")


def sync_microseconds(directory, count=200):
    """What one append and fdatasync of 100 bytes takes here: the floor of a durable write."""
    path = os.path.join(directory, "sync-probe")
    times = []
    with open(path, "wb", buffering=0) as file:
        for _ in range(count):
            started = time.perf_counter()
            file.write(b"x" * 100)
            os.fdatasync(file.fileno())
            times.append(time.perf_counter() - started)
    os.remove(path)
    return statistics.median(times) * 1e6


def percentile(values, percent):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def table(header, rows):
    """Columns as wide as they must be; the first to the left, numbers to the right."""
    cells = [[str(cell) for cell in row] for row in [header, *rows]]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    lines = ["  ".join(cell.ljust(width) if column == 0 else cell.rjust(width)
                       for column, (cell, width) in enumerate(zip(row, widths))).rstrip() for row in cells]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(lines)


def thousands(number):
    return "{:,.0f}".format(number)


class CountingProxy:
    """Forwards one TCP port to another and counts the bytes of each direction."""

    def __init__(self, target_port):
        self.to_target = 0
        self.from_target = 0
        self._target = target_port
        self.port, = processes.free_ports(1)
        self._listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            near, _ = self._listener.accept()
            try:
                far = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                near.close()
                continue
            for source, sink, direction in ((near, far, "to_target"), (far, near, "from_target")):
                source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self._pump, args=(source, sink, direction), daemon=True).start()

    def _pump(self, source, sink, direction):
        try:
            while data := source.recv(1 << 18):
                setattr(self, direction, getattr(self, direction) + len(data))
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    @property
    def total(self):
        return self.to_target + self.from_target


def leaders(*regions, root):
    return cluster.Cluster(*regions, root=root)
