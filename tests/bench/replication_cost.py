#!/usr/bin/python3
"""What replication costs: bytes on the wire per write, live and catching up, beside a Redis
primary and its replica; and how many deltas a second a leader catches up with.

    tests/bench/replication_cost.py
"""
import argparse
import os
import statistics
import subprocess
import time

import measuring
from measuring import CountingProxy, Resp, thousands

WRITE_BYTES = 81  # key and value


def write(port, count, clients):
    """Different keys, so that nothing can be left out as overwritten."""
    pipeline = 1 if clients == 1 else 4
    subprocess.run(["redis-benchmark", "-p", str(port), "-q", "-n", str(count), "-c", str(clients), "-P", str(pipeline),
                    "-r", str(10**9), "SET", "key:__rand_int__", "x" * (WRITE_BYTES - 16)],
                   check=True, capture_output=True, timeout=300)


class ProxiedLeaders:
    """paris and tokyo, each of which hears the other through counting proxies."""

    def __init__(self, root):
        os.makedirs(os.path.join(root, "proxied"))
        self.cluster = measuring.leaders("paris", "tokyo", root=os.path.join(root, "proxied"))
        self.paris, self.tokyo = self.cluster
        self.proxies = []
        for leader, peer in ((self.paris, self.tokyo), (self.tokyo, self.paris)):
            pair = CountingProxy(peer.gossip_port), CountingProxy(peer.pull_port)
            leader.peers = {peer.region: "127.0.0.1:%d,127.0.0.1:%d" % (pair[0].port, pair[1].port)}
            self.proxies += pair
        self.cluster.start()

    def bytes(self, action):
        self.cluster.wait_converged()
        before = sum(proxy.total for proxy in self.proxies)
        action()
        self.cluster.wait_converged()
        return sum(proxy.total for proxy in self.proxies) - before

    def live(self, count, clients):
        return self.bytes(lambda: write(self.paris.resp_port, count, clients)) / count

    def catching_up(self, count):
        self.tokyo.stop()
        write(self.paris.resp_port, count, 50)
        before = sum(proxy.total for proxy in self.proxies)
        self.tokyo.start()
        self.cluster.wait_converged()
        return (sum(proxy.total for proxy in self.proxies) - before) / count


class ProxiedRedis:
    def __init__(self, root):
        self.primary = measuring.RedisServer(root, "primary")
        self.proxy = CountingProxy(self.primary.port)
        self.replica = measuring.RedisServer(root, "replica", self.proxy.port)

    def live(self, count, clients):
        self.wait_same()
        before = self.proxy.total
        write(self.primary.port, count, clients)
        self.wait_same()
        return (self.proxy.total - before) / count

    def wait_same(self):
        def same():
            offsets = set()
            for port, field in ((self.primary.port, "master_repl_offset:"), (self.replica.port, "slave_repl_offset:")):
                with Resp(port) as client:
                    info = client.call("INFO", "replication")
                offsets.add(info[info.index(field) + len(field):].split("\r\n")[0])
            return len(offsets) == 1
        measuring.processes.until(same, 60, "the replica has everything")


def bytes_on_the_wire(root, count):
    leaders, redis = ProxiedLeaders(root), ProxiedRedis(root)
    rows = [("live, 1 client", "%.0f" % leaders.live(count // 10, 1), "%.0f" % redis.live(count // 10, 1)),
            ("live, 50 clients", "%.0f" % leaders.live(count, 50), "%.0f" % redis.live(count, 50)),
            ("catching up", "%.0f" % leaders.catching_up(count), "-")]
    print("bytes on the wire per write of %d bytes, to one peer, both directions, all frames counted\n" % WRITE_BYTES)
    print(measuring.table(("", "turnstone", "redis"), rows) + "\n")
    leaders.cluster.close()


def catch_up(root, count, rounds):
    cluster = measuring.leaders("paris", "tokyo", root=root).start()
    paris, tokyo = cluster["paris"], cluster["tokyo"]

    def rate(leave, come_back):
        cluster.wait_converged()
        leave()
        write(paris.resp_port, count, 50)
        started = time.monotonic()
        come_back()
        cluster.wait_converged(seconds=120)
        return count / (time.monotonic() - started)

    rows = []
    absences = {"after a pause": (tokyo.pause, tokyo.resume), "after a restart": (tokyo.stop, tokyo.start)}
    for name, (leave, come_back) in absences.items():
        rates = [rate(leave, come_back) for _ in range(rounds)]
        rows.append((name, *map(thousands, (min(rates), statistics.median(rates), max(rates)))))
    print("deltas a second, from the return to equality, %d deltas behind\n" % count)
    print(measuring.table(("catching up", "slowest", "median", "fastest"), rows))
    cluster.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", help="the server to measure (default: build/release/regions/turnstone)")
    parser.add_argument("--writes", type=int, default=50000, help="for the bytes on the wire")
    parser.add_argument("--deltas", type=int, default=300000, help="to be behind before catching up")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    measuring.use(options.binary)
    root = measuring.processes.scratch_directory("bench")
    bytes_on_the_wire(root, options.writes)
    catch_up(root, options.deltas, options.rounds)


if __name__ == "__main__":
    main()
