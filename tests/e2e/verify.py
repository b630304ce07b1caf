#!/usr/bin/python3
"""Leaders prove to each other that they hold the same data; `turnstone verify` shows what
differs and mends it."""
import json
import os
import subprocess
import threading
import time
import unittest

import case
import cluster
import load
import processes
from processes import until

DAMAGE_ROW = os.environ.get("TURNSTONE_DAMAGE_ROW")


def verify(leaders, *flags):
    """Runs it; its exit code, the JSON lines, and what it complained of."""
    at = [word for leader in leaders for word in ("--at", "127.0.0.1:%d" % leader.resp_port)]
    done = subprocess.run([cluster.binary(), "verify", *at, *flags], capture_output=True, text=True,
                          timeout=180 * processes.PATIENCE, env=processes.clean_environment())
    lines = [json.loads(line) for line in done.stdout.splitlines()] if "--json" in flags else done.stdout
    return done.returncode, lines, done.stderr


def comparison(leader, peer):
    return leader.region_views()[peer.region]


def differing(leader):
    return sum(view["buckets_differing"] for view in leader.region_views().values())


def has_alarm(leader):
    return '"alarm":"divergence"' in leader.log_text()


class Verifying(case.ClusterTest):
    options = ("--sweep-ms", "1000", "--checkpoint-interval-ms", "300")

    def fill(self):
        self.paris.pipeline([("SET", "k%d" % i, "v%d" % i) for i in range(3000)])
        self.tokyo.pipeline([("SADD", "set", *range(i, i + 100)) for i in range(0, 5000, 100)])
        self.dallas.pipeline([("INCRBY", "n%d" % (i % 100), str(i)) for i in range(1000)])
        self.paris.pipeline([("HSET", "h%d" % (i % 10), "f%d" % i, "x") for i in range(1000)])
        self.cluster.wait_converged()

    def damage(self, leader, *row):
        # A clean stop stores the state; what is not in it would be replayed over the damage.
        key = row[0]
        until(lambda: "cells_to_checkpoint:0" in leader.call("INFO", "persistence"), 20, "a checkpoint")
        leader.stop()
        done = subprocess.run([DAMAGE_ROW, leader.data, leader.cluster_name, leader.region, *row],
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        leader.start()
        self.assertEqual(leader.call("GET", key), row[1] if len(row) > 1 else None)

    def swept(self):
        """Waits until everybody has compared everything with everybody, anew."""
        before = {(a, b): comparison(a, b)["buckets_compared"] for a in self.cluster for b in self.cluster if a is not b}

        def done():
            return all(comparison(a, b)["buckets_compared"] >= count + 65536 for (a, b), count in before.items())
        until(done, 180, "a sweep")

    def test_damage_is_found_shown_and_mended_for_good(self):
        self.fill()
        self.swept()
        code, lines, complaints = verify(self.cluster, "--json")
        self.assertEqual((code, complaints), (0, ""))
        self.assertEqual(lines[-1]["buckets_compared"], 65536)
        self.damage(self.dallas, "k7", "damaged")
        for leader in self.cluster:
            until(lambda leader=leader: has_alarm(leader), 180, "%s alarms by itself" % leader.region)
        self.assertEqual(comparison(self.paris, self.dallas)["buckets_differing"], 1)
        self.assertEqual(comparison(self.paris, self.tokyo)["buckets_differing"], 0)

        code, lines, _ = verify(self.cluster, "--json")
        self.assertEqual(code, 1)
        self.assertEqual(lines[-1]["rows_differing"], 1)
        self.assertEqual((lines[0]["key"], lines[0]["kind"], lines[0]["field"]), ("k7", "string", ""))
        self.assertRegex(lines[0]["paris"], '^"v7" by ')
        self.assertEqual(lines[0]["tokyo"], lines[0]["paris"])
        self.assertRegex(lines[0]["dallas"], '^"damaged" by ')
        code, table, _ = verify(self.cluster)
        self.assertEqual(code, 1)
        self.assertRegex(table, r'k7 +string +paris +"v7" by [0-9a-f]{16}:\d+\.0 at \d+\n +tokyo ')

        kept = os.path.join(self.cluster.root, "kept.jsonl")
        code, lines, complaints = verify(self.cluster, "--repair", "--keep", kept, "--json")
        self.assertEqual((code, complaints), (0, ""))
        self.assertEqual((lines[-1]["rows_replaced"], lines[-1]["buckets_still_differing"]), (1, 0))
        with open(kept) as file:
            row = json.loads(file.read())
        self.assertEqual((row["region"], row["key"]), ("dallas", "k7"))
        self.assertIn(b"damaged", bytes.fromhex(row["image_hex"]))
        self.assertEqual(self.dallas.call("GET", "k7"), "v7")
        self.cluster.wait_converged()
        # It was stored before the command ended.
        self.dallas.kill9()
        self.dallas.start()
        self.cluster.wait_converged()
        self.assertEqual(verify(self.cluster)[0], 0)
        until(lambda: not any(differing(leader) for leader in self.cluster), 180, "nobody sees a difference any more")

    def test_a_lost_row_comes_back_and_two_leaders_need_a_word(self):
        self.fill()
        self.damage(self.tokyo, "k8")
        pair = (self.paris, self.tokyo)
        kept = ("--keep", os.path.join(self.cluster.root, "kept.jsonl"))
        code, _, complaints = verify(pair, "--repair", *kept)
        self.assertEqual(code, 1)
        self.assertIn("--from REGION", complaints)
        self.assertIsNone(self.tokyo.call("GET", "k8"))
        self.assertEqual(verify(pair, "--repair", "--from", "paris", *kept)[0], 0)
        self.assertEqual(self.tokyo.call("GET", "k8"), "v8")
        self.assertEqual(verify(self.cluster)[0], 0)

    def test_what_cannot_be_compared_is_said(self):
        self.fill()
        self.cluster.cut("paris", "tokyo")
        self.cluster.cut("paris", "dallas")
        self.paris.call("SET", "k9", "here alone")
        code, lines, _ = verify(self.cluster, "--wait", "1", "--json")
        self.assertEqual(code, 2)
        self.assertGreater(lines[-1]["buckets_not_compared"], 0)
        self.assertEqual(lines[-1]["buckets_differing"], 0)
        self.cluster.heal_all()
        self.cluster.wait_converged()
        self.assertEqual(verify(self.cluster)[0], 0)

    def test_what_it_refuses(self):
        self.assertEqual(verify([self.paris])[0], 64)
        self.assertEqual(verify([self.paris, self.paris])[0], 64)
        self.assertEqual(verify(self.cluster, "--from", "paris")[0], 64)
        self.assertEqual(verify(self.cluster, "--repair", "--from", "lima")[0], 64)
        self.assertEqual(verify(self.cluster, "--wait", "soon")[0], 64)
        self.dallas.stop()
        code, _, complaints = verify(self.cluster)
        self.assertEqual(code, 2)
        self.assertIn("cannot be reached", complaints)


@unittest.skipUnless(load.BENCHMARK, "redis-benchmark is not installed (package redis-tools)")
class UnderLoad(case.ClusterTest):
    options = ("--sweep-ms", "1000", "--checkpoint-interval-ms", "1000")

    def test_no_false_alarm_with_a_flapping_link(self):
        flapping = threading.Event()

        def flap():
            while not flapping.wait(0.15):
                self.cluster.cut("paris", "tokyo")
                flapping.wait(0.15)
                self.cluster.heal("paris", "tokyo")

        before = comparison(self.dallas, self.paris)["buckets_compared"]
        thread = threading.Thread(target=flap)
        thread.start()
        try:
            for leader in self.cluster:
                load.benchmark(leader.resp_port, "-q", "-t", "set,incr,sadd,hset", "-n", 40000, "-c", 20, "-P", 8,
                               "-r", 20000)
            code, lines, _ = verify(self.cluster, "--wait", "1", "--json")
        finally:
            flapping.set()
            thread.join()
        self.assertIn(code, (0, 2))
        self.assertEqual(lines[-1]["buckets_differing"], 0)
        self.cluster.heal_all()
        self.cluster.wait_converged()
        self.assertGreater(comparison(self.dallas, self.paris)["buckets_compared"], before)
        converged = time.monotonic()

        def compared_since():
            since_ms = (time.monotonic() - converged) * 1000
            ages = [comparison(a, b)["sweep_age_ms"] for a in self.cluster for b in self.cluster if a is not b]
            return all(0 <= age < since_ms for age in ages)
        until(compared_since, 180, "everybody has compared everything with everybody")
        for leader in self.cluster:
            self.assertFalse(has_alarm(leader), leader.log_tail())
            self.assertEqual(differing(leader), 0)
        self.assertEqual(verify(self.cluster)[0], 0)


if __name__ == "__main__":
    case.main()
