#!/usr/bin/python3
"""SET and GET beside Redis 7 at the same durability (appendonly yes, appendfsync always), by
redis-benchmark on both, turn by turn on the same machine and disk:

    tests/bench/compare_redis.py [--rounds 5] [--seconds 2]
"""
import argparse
import csv
import io
import itertools
import os
import statistics
import subprocess

import measuring

VALUE_BYTES = 64
KEYS = 100000


def run(port, test, clients, pipeline, count):
    """(requests per second, p50 ms, p99 ms)"""
    done = subprocess.run(["redis-benchmark", "-p", str(port), "--csv", "-t", test, "-n", str(count),
                           "-c", str(clients), "-P", str(pipeline), "-r", str(KEYS), "-d", str(VALUE_BYTES)],
                          capture_output=True, text=True, check=True, timeout=300)
    row, = csv.DictReader(io.StringIO(done.stdout))
    return float(row["rps"]), float(row["p50_latency_ms"]), float(row["p99_latency_ms"])


def compare(ports, test, clients, pipeline, rounds, seconds):
    """name -> measurements; each round asks every server once, in turning order."""
    counts = {name: max(1000, int(run(port, test, clients, pipeline, 2000 * pipeline)[0] * seconds))
              for name, port in ports.items()}
    results = {name: [] for name in ports}
    for number in range(rounds):
        order = list(ports) if number % 2 == 0 else list(reversed(list(ports)))
        for name in order:
            results[name].append(run(ports[name], test, clients, pipeline, counts[name]))
    return results


def median(results, column):
    return statistics.median(result[column] for result in results)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", help="the server to measure (default: build/release/regions/turnstone)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2, help="of each measurement")
    parser.add_argument("--tests", default="set,get")
    options = parser.parse_args()
    measuring.use(options.binary)
    root = measuring.processes.scratch_directory("bench")
    print("one append and fdatasync here: %.0f us; %d cores; %d rounds of %g s, medians; values of %d bytes\n"
          % (measuring.sync_microseconds(root), os.cpu_count(), options.rounds, options.seconds, VALUE_BYTES))
    paris = measuring.leaders("paris", root=root).start()["paris"]
    redis = measuring.RedisServer(root)
    ports = {"turnstone": paris.resp_port, "redis": redis.port}
    rows = []
    for test, clients, pipeline in itertools.product(options.tests.split(","), (1, 50), (1, 16)):
        results = compare(ports, test, clients, pipeline, options.rounds, options.seconds)
        ours, theirs = results["turnstone"], results["redis"]
        ratios = [a[0] / b[0] for a, b in zip(ours, theirs)]
        rows.append((test.upper(), clients, pipeline, measuring.thousands(median(ours, 0)),
                     measuring.thousands(median(theirs, 0)), "%.2f" % (median(ours, 0) / median(theirs, 0)),
                     "%.2f-%.2f" % (min(ratios), max(ratios)),
                     "%.2f/%.2f" % (median(ours, 1), median(theirs, 1)),
                     "%.2f/%.2f" % (median(ours, 2), median(theirs, 2))))
        print("%s, %d clients, pipeline %d: done" % rows[-1][:3], flush=True)
    print("\n" + measuring.table(("command", "clients", "pipeline", "turnstone/s", "redis/s", "ratio", "range",
                                  "p50 ms", "p99 ms"), rows))
    print("\np50 and p99: turnstone/redis")


if __name__ == "__main__":
    main()
