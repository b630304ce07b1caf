#!/usr/bin/python3
"""Batches that cannot be applied, from a peer and in the leader's own log: they are kept aside
and named, the origin's later ones wait, everything else goes on, and a restart changes nothing,
until a program comes that knows them."""
import contextlib
import ctypes
import os
import sqlite3
import struct

import case
import processes
from fake_peer import FakePeer, _xxhash, hash64, put_string, record
from processes import until

_xxhash.XXH3_64bits_withSeed.restype = ctypes.c_uint64
_xxhash.XXH3_64bits_withSeed.argtypes = (ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint64)
UNKNOWN = record(60, 0, "k", "v")  # an effect that no version has yet


def signed(number):
    """As SQLite stores unsigned numbers."""
    return struct.unpack("<q", struct.pack("<Q", number))[0]


def row_checksum(lsn, origin, first_seq, last_seq, batch):
    place = struct.pack("<4Q", lsn, origin, first_seq, last_seq)
    return _xxhash.XXH3_64bits_withSeed(place, len(place), hash64(batch))


def info(leader):
    lines = leader.call("INFO").splitlines()
    return dict(line.split(":", 1) for line in lines if ":" in line)


class FromPeers(case.ClusterTest):
    """paris and dallas are real; tokyo is ours."""
    regions = ("paris", "dallas")
    start_all = False

    def setUp(self):
        super().setUp()
        gossip, pull = processes.free_ports(2)
        for leader in self.cluster:
            leader.peers["tokyo"] = "127.0.0.1:%d,127.0.0.1:%d" % (gossip, pull)
        self.fake = FakePeer("tokyo", self.paris, gossip, pull)
        self.addCleanup(self.fake.close)
        self.cluster.start()
        self.publish_until_heard()

    def publish_until_heard(self):
        def asks():
            self.fake.publish(self.fake.beacon(99, {99: 1}))
            return self.fake.asked(100)
        until(asks, 20, "paris hears the fake tokyo")

    def quarantined(self, leader):
        facts = info(leader)
        return [facts["quarantined%d" % number] for number in range(int(facts["quarantined_origins"]))]

    def test_an_unknown_effect_and_a_later_version_are_kept_aside_through_restarts(self):
        first, chain = self.fake.batch(5, 1, 1, put_string("known", "v"))
        unknown, chain = self.fake.batch(5, 2, 1, UNKNOWN, previous_chain=chain)
        behind, _ = self.fake.batch(5, 3, 1, put_string("behind", "v"), previous_chain=chain)
        later, _ = self.fake.batch(6, 1, 1, put_string("later", "v"), version=9)
        for batch in (first, unknown, behind, later, unknown, later):
            self.fake.publish(self.fake.publication(batch))
        until(lambda: kept_aside(self.paris) == 2, 20, "two batches are kept aside")
        self.assertIn("kept aside", self.paris.log_text())
        self.fake.close()  # from here on nobody tells paris of it again
        for end in (self.paris.kill9, self.paris.stop):
            end()
            self.paris.start()
            five, six = self.quarantined(self.paris)
            self.assertRegex(five, "^origin=0000000000000005,region=tokyo,first_seq=2,reason=.*effects")
            self.assertRegex(six, "^origin=0000000000000006,region=tokyo,first_seq=1,reason=.*version 9")
            self.assertRegex(info(self.paris)["quarantine_bytes_max"], "^now=%d," % len(unknown + later))
            self.assertEqual(self.paris.call("MGET", "known", "k", "behind", "later"), ["v", None, None, None])
            self.dallas.call("INCR", "c")
            self.paris.call("INCR", "c")
            self.cluster.wait_converged()
        self.assertEqual(self.cluster.everywhere("GET", "c"), "4")

    def test_the_rest_of_its_origin_is_taken_when_the_program_knows_the_batch(self):
        """As if an earlier version had kept what this one knows."""
        first, chain = self.fake.batch(5, 1, 1, put_string("first", "v"))
        second, _ = self.fake.batch(5, 2, 1, put_string("second", "v"), previous_chain=chain)
        self.paris.stop()
        with log_of(self.paris) as log:
            log.execute("INSERT INTO aside VALUES(7, 0, 5, 1, 1, ?, 1, 'not known', ?)",
                        (signed(row_checksum(0, 5, 1, 1, first)), first))
        self.paris.start()
        self.assertEqual(self.paris.call("GET", "first"), "v")
        self.publish_until_heard()
        self.fake.publish(self.fake.publication(second))
        until(lambda: self.dallas.call("GET", "second") == "v", 20, "dallas has what came behind it")
        self.cluster.wait_converged()
        until(lambda: kept_aside(self.paris) == 0, 20, "what was taken is kept no longer")


class OwnLog(case.ClusterTest):
    """A log that the program itself cannot read to its end."""
    options = ("--checkpoint-interval-ms", "600000")
    regions = ("paris", "tokyo")

    def test_a_batch_of_the_own_log_that_cannot_be_applied_does_not_stop_the_leader(self):
        self.paris.call("SET", "before", "v")
        self.tokyo.call("SET", "there", "v")
        self.cluster.wait_converged()
        self.paris.stop()
        with log_of(self.paris) as log:
            lsn, = log.execute("SELECT max(lsn) FROM batch").fetchone()
            self.append_unknown(log, lsn + 1)
        for _ in range(3):
            self.paris.start()
            self.assertEqual(info(self.paris)["quarantined_origins"], "1")
            self.assertEqual(self.paris.call("MGET", "before", "there", "k"), ["v", "v", None])
            self.paris.call("INCR", "c")
            self.cluster.wait_converged()
            self.paris.kill9()
        self.assertEqual(self.paris.log_text().count("each start tries again"), 1)
        self.assertEqual(self.tokyo.call("GET", "c"), "3")

    def append_unknown(self, log, lsn):
        head = record(1, hash64(b"turnstone"), 77, 1, 1, 0, 1 << 16, "paris")
        body = head + record() + UNKNOWN
        batch = body + hash64(body).to_bytes(8, "little")
        log.execute("INSERT INTO batch VALUES(?, 77, 1, 1, ?, ?)",
                    (lsn, signed(row_checksum(lsn, 77, 1, 1, batch)), batch))

    def test_a_damaged_end_is_refused_and_set_aside_when_told_so(self):
        # The one checkpoint for long is over before what is to be damaged is written.
        self.paris.call("SET", "first", "v")
        until(lambda: info(self.paris)["checkpoints_stored"] != "0", 30, "a checkpoint")
        for number in range(20):
            self.paris.call("INCRBY", "c", 4**number)
            self.paris.call("SET", "k:%d" % number, "x" * 100)
        self.cluster.wait_converged()
        self.paris.stop()
        with log_of(self.paris) as log:
            last, = log.execute("SELECT max(lsn) FROM batch").fetchone()
            log.execute("UPDATE batch SET bytes = zeroblob(length(bytes)) WHERE lsn IN (?, ?)", (last - 10, last - 4))
        code, output = self.paris.run_to_end()
        self.assertEqual(code, 74, output)
        self.assertIn("batch %d" % (last - 10), output)
        self.assertIn("--set-damaged-aside", output)
        self.paris.start("--set-damaged-aside")
        self.cluster.wait_converged()
        self.assertEqual(self.paris.call("GET", "c"), str(sum(4**number for number in range(20))))
        self.paris.call("INCR", "c")
        self.paris.kill9()
        self.paris.start()
        self.cluster.wait_converged()


@contextlib.contextmanager
def log_of(leader):
    with contextlib.closing(sqlite3.connect(os.path.join(leader.data, "log.db"), timeout=10)) as log, log:
        yield log


def kept_aside(leader):
    with log_of(leader) as log:
        return log.execute("SELECT count(*) FROM aside").fetchone()[0]


if __name__ == "__main__":
    case.main()
