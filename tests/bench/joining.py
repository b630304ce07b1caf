#!/usr/bin/python3
"""What the other leaders' clients notice while a region that lost its disk takes a copy of all
data from one of them: latencies of writes, a client at each leader, before and meanwhile.

    tests/bench/joining.py --keys 1000000
"""
import argparse
import shutil
import subprocess
import time

import measuring
from load import Background
from measuring import percentile
from resp import Disconnected, ReplyError

VALUE = "v" * 100


class Writer:
    """One write after the other, with a short pause; how long each took, in milliseconds."""

    def __init__(self, leader, keys):
        self.leader, self.keys = leader, keys
        self.times = []
        self.background = Background(leader, self._write)

    def _write(self, client):
        started = time.perf_counter()
        client.call("SET", "k:%d" % (len(self.times) * 7919 % self.keys), VALUE + self.leader.region)
        self.times.append(1000 * (time.perf_counter() - started))
        time.sleep(0.005)

    def stop(self):
        self.background.stop()
        return self.times


def row(name, writers):
    times = [one for writer in writers for one in writer.stop()]
    return (name, len(times), *("%.2f" % percentile(times, p) for p in (50, 99, 99.9)), "%.1f" % max(times))


def log_floor(leader):
    return int(leader.call("INFO").split("log_floor_lsn:")[1].split("\r\n")[0])


def takes_writes(leader):
    try:
        return leader.call("SET", "written", "yes") == "OK"
    except (Disconnected, ReplyError):
        leader._drop_client()
        return False


def fill(leaders, keys):
    for number, leader in enumerate(leaders):
        subprocess.run(["redis-benchmark", "-p", str(leader.resp_port), "-q", "-n", str(keys), "-c", "50", "-P", "16",
                        "-r", str(keys), "SET", "k:%d:__rand_int__" % number, VALUE],
                       check=True, capture_output=True, timeout=900)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", help="the server to measure (default: build/release/regions/turnstone)")
    parser.add_argument("--keys", type=int, default=1000000)
    parser.add_argument("--seconds", type=float, default=10, help="of the measurement without a copy")
    parser.add_argument("--bytes-per-second", default="64MiB", help="the setting of that name")
    options = parser.parse_args()
    measuring.use(options.binary)
    root = measuring.processes.scratch_directory("bench")
    cluster = measuring.leaders("paris", "tokyo", "dallas", "oslo", root=root)
    for leader in cluster:
        leader.options = ["--log-retain-bytes", "0", "--checkpoint-interval-ms", "1000",
                          "--mirror-bytes-per-second", options.bytes_per_second]
    cluster.start()
    busy, oslo = [leader for leader in cluster if leader.region != "oslo"], cluster["oslo"]
    # About two thirds of random keys are different ones.
    fill(busy, options.keys // 2)
    cluster.wait_converged(seconds=600)
    measuring.processes.until(lambda: [leader.call("SET", "tick", "1") for leader in cluster]
                              and all(log_floor(leader) > 0 for leader in busy), 120, "the logs are cut", every=0.2)
    measuring.processes.until(lambda: all("cells_to_checkpoint:0" in leader.call("INFO", "persistence")
                                          for leader in busy), 120, "all is stored", every=0.2)
    print("%d keys" % busy[0].call("DBSIZE"))
    writers = [Writer(leader, options.keys) for leader in busy]
    time.sleep(options.seconds)
    rows = [row("without a copy", writers)]
    oslo.kill9()
    shutil.rmtree(oslo.data)
    writers = [Writer(leader, options.keys) for leader in busy]
    started = time.monotonic()
    oslo.start("--join")
    measuring.processes.until(lambda: takes_writes(oslo), 600, "oslo takes writes", every=0.1)
    took = time.monotonic() - started
    rows.append(row("while oslo takes it", writers))
    copied = max(int(leader.call("INFO").split("mirror_bytes_given:")[1].split("\r\n")[0]) for leader in busy)
    print("oslo has all and takes writes after %.1f s; %.0f MiB were copied\n" % (took, copied / 2**20))
    print("writes at the three others, milliseconds\n")
    print(measuring.table(("", "writes", "p50", "p99", "p99.9", "max"), rows))
    cluster.wait_converged(seconds=120)
    cluster.close()


if __name__ == "__main__":
    main()
