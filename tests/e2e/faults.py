#!/usr/bin/python3
"""What an operator's bad day brings: a full disk, a directory that cannot be written, the
wrong files, the wrong settings, a stop in the middle of everything."""
import contextlib
import os
import random
import signal
import socket
import subprocess
import time

import case
import load
from ledger import Writer
from processes import until
from resp import Disconnected, ReplyError

USAGE, UNAVAILABLE, IO, IN_USE, CONFIG = 64, 69, 74, 75, 78
MIB = 2**20


class Refusals(case.ClusterTest):
    """What turnstone serve says, and how it exits, when it cannot serve."""
    regions = ("paris",)
    start_all = False

    def refused(self, code, *texts, options=()):
        found, output = self.paris.run_to_end(*options)
        self.assertEqual(found, code, output)
        for text in texts:
            self.assertIn(text, output)
        self.assertLess(len(output.splitlines()), 12, output)

    def test_a_second_process_on_the_same_directory(self):
        self.paris.start()
        self.paris.call("SET", "k", "v")
        other = type(self.paris)("paris", self.cluster.root)  # the same directory, other ports
        code, output = other.run_to_end()
        self.assertEqual(code, IN_USE, output)
        self.assertIn(self.paris.data, output)
        self.assertEqual(self.paris.call("GET", "k"), "v")
        self.paris.kill9()
        self.paris.start()  # the lock died with its owner
        self.assertEqual(self.paris.call("GET", "k"), "v")

    def test_the_directory_of_another_region_or_cluster(self):
        self.paris.start()
        self.paris.call("SET", "k", "v")
        self.paris.stop()
        self.paris.region = "tokyo"
        self.refused(CONFIG, "paris", "tokyo", self.paris.data)
        self.paris.region = "paris"
        self.paris.cluster_name = "staging"
        self.refused(CONFIG, "cluster", self.paris.data)
        self.paris.cluster_name = "turnstone"
        self.paris.start()
        self.assertEqual(self.paris.call("GET", "k"), "v")

    def test_a_port_that_is_taken(self):
        for port in (self.paris.resp_port, self.paris.gossip_port, self.paris.pull_port):
            with socket.socket() as taken:
                taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                taken.bind(("127.0.0.1", port))
                taken.listen()
                self.refused(UNAVAILABLE, str(port))
        self.paris.start()

    def test_wrong_flags(self):
        self.refused(USAGE, "--bogus", options=("--bogus",))
        for options in (("--resp", "127.0.0.1:99999"), ("--resp", "nonsense"), ("--peer", "tokyo"),
                        ("--peer", "=127.0.0.1:7111"), ("--log-level", "loud"), ("--region", "")):
            code, output = self.paris.run_to_end(*options)
            self.assertIn(code, (USAGE, CONFIG), "%s: %s" % (options, output))
            self.assertTrue(output.strip())
        self.refused(CONFIG, "paris", options=("--peer", "paris=127.0.0.1:7111"))

    def test_a_wrong_file_is_refused_with_the_line(self):
        path = os.path.join(self.cluster.root, "turnstone.toml")
        for text, line, word in (("\n\nregion = = 1\n", "3", "turnstone.toml"), ("\nbogus = 1\n", "2", "bogus"),
                                 ("\n\n\nlog_level = 5\n", "4", "log_level")):
            with open(path, "w") as file:
                file.write(text)
            self.refused(CONFIG, word, line, options=("--config", path))
            self.refused(CONFIG, word, line, options=("--config", path, "--check"))
        self.refused(CONFIG, "absent.toml", options=("--config", path + "/absent.toml"))

    def test_check_says_what_would_be_used_and_starts_nothing(self):
        code, output = self.paris.run_to_end("--check")
        self.assertEqual(code, 0, output)
        self.assertIn("paris", output)
        self.assertIn(str(self.paris.resp_port), output)
        self.assertFalse(os.path.exists(self.paris.data))

    def test_an_address_that_the_world_can_reach_is_refused(self):
        self.refused(CONFIG, "0.0.0.0", options=("--resp", "0.0.0.0:%d" % self.paris.resp_port))
        self.refused(CONFIG, "0.0.0.0", options=("--gossip", "0.0.0.0:%d" % self.paris.gossip_port))

    def test_a_directory_that_cannot_be_written(self):
        os.makedirs(self.paris.data, mode=0o555)
        os.chmod(self.cluster.root, 0o755)
        if os.getuid() == 0:
            self.paris.user = "nobody"
        code, output = self.paris.run_to_end()
        self.assertIn(code, (IO, 77, CONFIG), output)
        self.assertIn(self.paris.data, output)

    def test_a_file_where_the_directory_should_be(self):
        with open(self.paris.data, "w") as file:
            file.write("not a directory")
        code, output = self.paris.run_to_end()
        self.assertIn(code, (IO, CONFIG), output)
        self.assertIn(self.paris.data, output)


class Stopping(case.ClusterTest):
    def test_sigterm_under_load_stops_in_time_and_loses_nothing(self):
        for round_number in range(3):
            writers = [Writer("%s-%d" % (leader.region, round_number), [leader], round_number)
                       for leader in self.cluster]
            for writer in writers:
                writer.start()
            time.sleep(1)
            for leader in self.cluster:
                self.assertEqual(leader.stop(), 0, leader.log_tail())
            for writer in writers:
                writer.stop()
                self.assertGreater(writer.operations, 20)
            self.cluster.start()
            self.cluster.wait_converged()
            self.assertEqual([problem for writer in writers for leader in self.cluster
                              for problem in writer.check(leader)], [])

    def test_signals_interrupt_nothing_that_is_under_way(self):
        """A signal in the middle of a call of ZeroMQ made it fail, and the leader end, once in some
        hundred stops. SIGHUP comes the same way, and may come often."""
        writers = [Writer(leader.region, [leader], 7, pause=0.001) for leader in self.cluster]
        for writer in writers:
            writer.start()
        for _ in range(1500):
            for leader in self.cluster:
                leader.process.send_signal(signal.SIGHUP)
            time.sleep(0.001)
        for writer in writers:
            writer.stop()
        self.cluster.wait_converged()
        self.assertEqual([problem for writer in writers for leader in self.cluster
                          for problem in writer.check(leader)], [])

    def test_sigint_and_idle_clients(self):
        idle = [self.paris.connect() for _ in range(50)]
        half = self.paris.connect()
        half.send_bytes(b"*3\r\n$3\r\nSET\r\n")
        self.paris.expected_down = True
        self.paris.process.send_signal(signal.SIGINT)
        self.assertEqual(self.paris.process.wait(5), 0)
        for client in idle:
            with self.assertRaises(Disconnected):
                client.call("PING")

    def test_a_stop_while_a_peer_is_paused(self):
        self.dallas.pause()
        load.increments(self.paris.resp_port, 50000)
        self.assertEqual(self.paris.stop(), 0)
        self.dallas.resume()


class FullDisk(case.ClusterTest):
    """paris has a small disk; tokyo, which only one test starts, an ordinary one."""
    regions = ("paris", "tokyo")
    start_all = False
    size = 64 * MIB

    def setUp(self):
        super().setUp()
        os.makedirs(self.paris.data)
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=%d" % self.size, "tmpfs", self.paris.data],
                                 capture_output=True, text=True)
        if mounted.returncode != 0:
            self.skipTest("cannot mount a small tmpfs: %s" % mounted.stderr.strip())
        self.addCleanup(self.unmount)

    def unmount(self):
        with contextlib.suppress(AssertionError):
            self.cluster.close()
        subprocess.run(["umount", "-l", self.paris.data], check=True)

    def fill_the_disk(self):
        with open(os.path.join(self.paris.data, "ballast"), "ab", buffering=0) as file:
            with contextlib.suppress(OSError):
                while file.write(b"\0" * 4096):
                    pass

    def test_writes_are_refused_reads_go_on_and_nothing_acknowledged_is_lost(self):
        self.paris.start()
        self.paris.call("SET", "before", "there")
        done, error = self.write_until_refused()
        self.assertGreater(done, 100)
        print("refused after %d writes of 10 kB: %s" % (done, error))
        self.assertRegex(str(error), "(?i)disk|space|full")
        self.assertTrue(self.paris.is_running())
        self.assertEqual(self.paris.call("GET", "before"), "there")
        self.assertEqual(self.paris.call("GET", "k:0"), self.value(0))
        self.check_acknowledged(done)
        self.paris.kill9()
        self.paris.start()
        self.check_acknowledged(done)

    def test_it_takes_writes_again_when_there_is_space_again(self):
        self.paris.start()
        self.paris.call("SET", "k:0", self.value(0))
        self.fill_the_disk()
        _, error = self.write_until_refused()
        self.assertIsInstance(error, ReplyError)
        os.remove(os.path.join(self.paris.data, "ballast"))
        until(self.takes_writes, 30, "writes are taken again")
        self.paris.kill9()
        self.paris.start()
        self.assertEqual(self.paris.call("GET", "again"), "v")

    def takes_writes(self):
        try:
            return self.paris.call("SET", "again", "v") == "OK"
        except ReplyError:
            return False

    def test_it_starts_and_stops_on_a_full_disk(self):
        self.paris.start()
        self.paris.pipeline(("SET", "k:%d" % number, self.value(number)) for number in range(100))
        self.paris.kill9()
        self.fill_the_disk()
        self.paris.start()
        self.check_acknowledged(100)
        self.paris.stop()
        os.remove(os.path.join(self.paris.data, "ballast"))
        self.paris.start()
        self.check_acknowledged(100)

    def test_replication_goes_out_and_comes_in_again_later(self):
        self.paris.start()
        self.tokyo.start()
        self.cluster.cut("paris", "tokyo")
        self.paris.call("SET", "from paris", "v")
        self.fill_the_disk()
        self.write_until_refused()
        self.cluster.heal("paris", "tokyo")
        until(lambda: self.tokyo.call("GET", "from paris") == "v", 20, "what paris has goes out")
        self.tokyo.pipeline(("SET", "t:%d" % number, self.value(number)) for number in range(300))
        time.sleep(2)
        self.assertTrue(self.paris.is_running(), self.paris.log_tail())
        self.assertEqual(self.paris.call("GET", "from paris"), "v")
        os.remove(os.path.join(self.paris.data, "ballast"))
        self.cluster.wait_converged()
        self.paris.kill9()
        self.paris.start()
        self.cluster.wait_converged()
        self.assertEqual(self.paris.call("GET", "t:299"), self.value(299))

    def write_until_refused(self):
        for number in range(100000):
            try:
                self.paris.call("SET", "k:%d" % number, self.value(number))
            except ReplyError as error:
                return number, error
        raise AssertionError("the disk has %d bytes and takes more" % self.size)

    @staticmethod
    def value(number):
        return random.Random(number).randbytes(5000).hex()

    def check_acknowledged(self, count):
        wrong = [number for number in range(count) if self.paris.call("GET", "k:%d" % number) != self.value(number)]
        self.assertEqual(wrong, [])


if __name__ == "__main__":
    case.main()
