#!/usr/bin/python3
"""Limits that a test can reach: each refuses with its name or slows down, and harms nobody."""
import os
import re
import threading
import time

import case
import load
from processes import until
from resp import Disconnected, ReplyError, encode


class Limits(case.ClusterTest):
    regions = ("paris", "tokyo")
    start_all = False

    def start(self, *options):
        self.paris.options = list(options)
        self.cluster.start()

    def test_too_many_clients(self):
        self.start("--clients-max", "20")
        self.paris.client()
        others = [self.paris.connect() for _ in range(19)]
        self.assertTrue(all(client.call("PING") == "PONG" for client in others))
        late = self.paris.connect()
        self.assertEqual(late.read(), ReplyError("ERR max number of clients reached"))
        with self.assertRaises(Disconnected):
            late.read()
        others.pop().close()
        until(self.connects, 10, "there is room again")

    def connects(self):
        try:
            with self.paris.connect() as client:
                return client.call("PING") == "PONG"
        except (Disconnected, ReplyError):
            return False

    def test_values_up_to_the_limit(self):
        self.start("--value-bytes-max", "2KiB")
        with self.paris.connect() as client:
            self.assertEqual(client.call("SET", "k", "x" * 2048), "OK")
            with self.assertRaisesRegex(ReplyError, "(?i)exceeds|max|limit"):
                client.call("APPEND", "k", "x")
            self.assertEqual(client.call("STRLEN", "k"), 2048)
            client.send("SET", "k", "x" * 2049)
            self.assertRegex(str(client.read()), "Protocol error: invalid bulk length")
        self.cluster.wait_converged()
        self.assertEqual(self.cluster.everywhere("STRLEN", "k"), 2048)

    def test_a_reply_that_exceeds_the_output_buffer(self):
        self.start("--value-bytes-max", "32KiB", "--client-output-bytes-max", "64KiB")
        self.paris.pipeline(("SADD", "s", "%06d" % number + "x" * 1000) for number in range(1000))
        with self.paris.connect() as client:
            self.assertEqual(len(client.call("SMEMBERS", "s")), 1000)
            replies = client.pipeline([("SMEMBERS", "s")] * 30)
            self.assertEqual([len(reply) for reply in replies], [1000] * 30)

    def test_many_changed_cells_wait_for_the_checkpoint(self):
        self.start("--dirty-cells-max", "1000", "--checkpoint-interval-ms", "100")
        load.benchmark(self.paris.resp_port, "-q", "-t", "set", "-r", 10**6, "-n", 40000, "-c", 20, "-P", 16)
        written = 0

        def peers_had_to_wait():
            nonlocal written
            load.increments(self.tokyo.resp_port, 32000, keys=20000)
            written += 32000
            return re.search(r"dirty_cells_max:.*reached=[1-9]", self.paris.call("INFO", "bounds"))
        until(peers_had_to_wait, 120, "what comes from peers has to wait, too")
        self.cluster.wait_converged()
        self.assertEqual(load.sum_of_counters(self.paris), written)
        self.paris.kill9()
        self.paris.start()
        self.cluster.wait_converged()
        self.assertEqual(load.sum_of_counters(self.paris), written)

    def test_writes_that_outrun_the_disk_wait_at_the_door(self):
        """Ten clients send 100 MB each without waiting for an answer."""
        self.start()
        before = peak = self.paris.rss()
        answers = []
        senders = [threading.Thread(target=self.send_sets, args=(100, answers), daemon=True) for _ in range(10)]
        for sender in senders:
            sender.start()
        while any(sender.is_alive() for sender in senders):
            peak = max(peak, self.paris.rss())
            time.sleep(0.02)
        print("RSS grew by %d MiB" % ((peak - before) / 2**20))
        self.assertLess(peak - before, 300 * 2**20)
        self.assertEqual(answers, [{"OK"}] * 10)

    def send_sets(self, megabytes, answers):
        with self.paris.connect(timeout=60) as client:
            for _ in range(megabytes):
                client.send_bytes(encode(("SET", "k", "x" * 1000)) * 1000)
            answers.append({client.read() for _ in range(1000 * megabytes)})

    def test_every_limit_that_is_shown_is_documented(self):
        self.start()
        with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "docs", "limits.md")) as file:
            documented = file.read()
        lines = [line.split(":") for line in self.paris.call("INFO", "bounds").splitlines() if "max=" in line]
        self.assertGreater(len(lines), 15)
        self.assertEqual([name for name, _ in lines if "`%s`" % name not in documented], [])

    def test_links_are_not_cut_unless_that_was_enabled(self):
        self.paris.link_control = False
        self.start()
        for verb in ("CUT", "HEAL"):
            with self.assertRaisesRegex(ReplyError, "allow-link-control"):
                self.paris.call("TS.LINK", verb, "tokyo")

    def test_random_members_and_transactions_have_bounds(self):
        self.start()
        with self.paris.connect() as client:
            client.call("SADD", "s", "m")
            with self.assertRaisesRegex(ReplyError, "random_repeats_max"):
                client.call("SRANDMEMBER", "s", "-100000000")
            replies = client.pipeline([("MULTI",), *[("SET", "k", "x" * 1000000)] * 80, ("EXEC",)])
            refused = [reply for reply in replies[:-1] if isinstance(reply, ReplyError)]
            self.assertRegex(str(refused[0]), "(?i)max|limit")
            self.assertEqual(replies[-1].code, "EXECABORT")
            self.assertEqual(client.call("EXISTS", "k"), 0)


if __name__ == "__main__":
    case.main()
