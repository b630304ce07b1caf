"""Load: redis-benchmark for speed, and writers that know what was acknowledged."""
import re
import shutil
import subprocess
import threading

import processes
from resp import Disconnected, ReplyError

BENCHMARK = shutil.which("redis-benchmark")


def benchmark(port, *args, seconds=120):
    """Runs redis-benchmark to its end; its output. Fails on errors and on lost replies."""
    done = subprocess.run([BENCHMARK, "-p", str(port), *map(str, args)], capture_output=True, text=True,
                          timeout=seconds * processes.PATIENCE)
    output = done.stdout + done.stderr
    problem = re.search(r"error|ERR|WRONGTYPE|closed the connection", output, re.IGNORECASE)
    if done.returncode != 0 or problem:
        raise AssertionError("redis-benchmark %s: exit %d\n%s" % (args, done.returncode, output[-2000:]))
    return output


def increments(port, count, keys=1000):
    """`count` acknowledged INCRs, spread over `keys` counters."""
    assert count % 16 == 0  # redis-benchmark rounds up to whole pipelines
    benchmark(port, "-q", "-t", "incr", "-r", keys, "-n", count, "-c", 20, "-P", 16)


def sum_of_counters(leader):
    keys = sorted(leader.call("KEYS", "counter:*"))
    return sum(int(value) for value in leader.call("MGET", *keys)) if keys else 0


class Background:
    """Repeats `work(client)` on its own connection until stopped; reconnects when the
    leader is gone. `work` may raise ReplyError only if `tolerate` names its code."""

    def __init__(self, leader, work, tolerate=()):
        self.leader = leader
        self.work = work
        self.tolerate = tolerate
        self.error = None
        self.rounds = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        client = None
        while not self._stop.is_set():
            try:
                client = client or self.leader.connect(timeout=20)
                self.work(client)
                self.rounds += 1
            except Disconnected:
                client = None
                self._stop.wait(0.02)
            except ReplyError as error:
                if error.code not in self.tolerate:
                    self.error = error
                    return
                self._stop.wait(0.02)
            except Exception as error:  # for the test to see, not for a thread to swallow
                self.error = error
                return
        if client is not None:
            client.close()

    def stop(self):
        """Waits for the round in progress; raises what went wrong."""
        self._stop.set()
        self._thread.join()
        if self.error is not None:
            raise self.error
        return self.rounds
