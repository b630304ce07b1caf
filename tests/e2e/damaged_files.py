#!/usr/bin/python3
"""Files that were damaged, lost or cut short while a leader was down."""
import contextlib
import os
import random
import shutil
import sqlite3
import time

import case
from processes import until


class DamagedFiles(case.ClusterTest):
    """A leader whose files were damaged while it was down either refuses to start and names
    the file, or serves the right data: never wrong data, never a crash."""
    start_all = False
    options = ("--checkpoint-interval-ms", "200")

    def prepare(self, *regions, stop):
        for region in regions:
            self.cluster[region].start()
        self.paris.pipeline(("SET", "k:%d" % number, "v%d" % number) for number in range(3000))
        self.paris.pipeline([("INCRBY", "c", "1")] * 500)
        self.cluster.wait_converged(*regions)
        time.sleep(1.5)  # let the checkpointer have some of it
        self.paris.pipeline([("INCRBY", "c", "1")] * 500)
        self.cluster.wait_converged(*regions)
        stop()
        self.backup = self.paris.copy_data(os.path.join(self.cluster.root, "backup"))

    def refuses_or_is_right(self, file_name, *regions):
        """What it did; `regions` are up and have everything."""
        self.paris.start(wait=False)
        try:
            self.paris.wait_ready()
        except AssertionError:
            code = self.paris.process.poll()
            self.assertIsNotNone(code, "neither serves nor ends")
            self.paris.expected_down = True
            self.assertGreater(code, 0, "died by a signal: %s" % self.paris.log_tail())
            self.assertIn(file_name, self.paris.log_tail(5))
            return "refused (%d)" % code
        self.cluster.wait_converged("paris", *regions)
        self.assertEqual(self.paris.call("GET", "c"), "1000")
        values = self.paris.call("MGET", *["k:%d" % number for number in range(3000)])
        self.assertEqual([number for number, value in enumerate(values) if value != "v%d" % number], [])
        self.assertEqual(self.paris.call("DBSIZE"), 3001)
        return "right"

    def damage(self, name, how):
        path = os.path.join(self.paris.data, name)
        self.assertTrue(os.path.exists(path), "%s is there to be damaged: %s" % (name, os.listdir(self.paris.data)))
        how(path)

    def try_each(self, damages, *regions):
        for name, how, *label in damages:
            with self.subTest("%s %s %s" % (name, how.__name__, label)):
                self.paris.restore_data(self.backup)
                self.damage(name, how)
                outcome = self.refuses_or_is_right(name.removesuffix("-wal"), *regions)
                print("%s %s%s: %s" % (name, how.__name__, label or "", outcome))
                if self.paris.is_running():
                    self.paris.kill9()

    def test_alone_after_a_clean_stop(self):
        self.prepare("paris", stop=lambda: self.paris.stop())
        self.try_each([("state.db", os.remove), ("state.db", truncate), ("log.db", truncate),
                       *[("state.db", flip_a_bit, number) for number in range(8)],
                       *[("log.db", flip_a_bit, number) for number in range(8)]])

    def test_alone_after_a_crash(self):
        """Without the newest part of the log: it holds less than it acknowledged, and must
        not serve that as if it were all."""
        self.prepare("paris", stop=lambda: self.paris.kill9())
        self.try_each([("state.db-wal", os.remove), ("state.db", os.remove), ("log.db", os.remove),
                       ("log.db-wal", os.remove)])

    def test_with_peers_that_have_everything(self):
        self.prepare("paris", "tokyo", stop=lambda: self.paris.kill9())
        self.try_each([("log.db-wal", os.remove), ("state.db-wal", os.remove), ("log.db-wal", truncate),
                       ("log.db-wal", flip_a_bit), ("state.db", os.remove)], "tokyo")

    def test_a_damaged_batch_is_not_sent_and_comes_from_another_peer(self):
        self.prepare("paris", "dallas", stop=lambda: self.paris.stop())
        with contextlib.closing(sqlite3.connect(os.path.join(self.paris.data, "log.db"))) as log, log:
            lsn, batch = log.execute("SELECT lsn, bytes FROM batch WHERE instr(bytes, ?)", (b"k:1234",)).fetchone()
            log.execute("UPDATE batch SET bytes = ? WHERE lsn = ?", (batch.replace(b"k:1234", b"k:4321"), lsn))
        self.dallas.pause()
        self.paris.start()
        self.tokyo.start()
        until(lambda: "checksum" in self.paris.log_text(), 20, "paris says that its log is damaged")
        self.assertEqual(self.tokyo.call("EXISTS", "k:4321", "c"), 0)
        self.dallas.resume()
        self.cluster.wait_converged()
        self.assertEqual(self.tokyo.call("GET", "c"), "1000")

    def test_a_lost_directory_is_filled_from_the_peers(self):
        self.prepare("paris", "tokyo", stop=lambda: self.paris.kill9())
        shutil.rmtree(self.paris.data)
        self.assertEqual(self.refuses_or_is_right("", "tokyo"), "right")


def truncate(path):
    os.truncate(path, os.path.getsize(path) // 2)


def flip_a_bit(path):
    at = random.randrange(os.path.getsize(path))
    with open(path, "r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ (1 << random.randrange(8))]))


if __name__ == "__main__":
    case.main()
