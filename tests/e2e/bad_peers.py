#!/usr/bin/python3
"""Bytes that no leader should send, at the gossip and the pull port, and from a peer that
paris itself listens to: paris refuses them, says so, goes on serving and replicating."""
import os
import random
import re
import socket
import struct
import time

import zmq

import case
import processes
from fake_peer import FakePeer, put_string, record
from processes import until

GROWTH_LIMIT = 150 * 2**20
LOG_LIMIT = 2 * 2**20  # a flood of bad frames must not fill the disk with complaints
SEED = case.number("TURNSTONE_SEED", random.randrange(10**6))
ZMTP_GREETING = b"\xff" + b"\0" * 8 + b"\x7f" + b"\x03\x00NULL" + b"\0" * 48
ZMTP_READY = b"\x04\x1c\x05READY\x0bSocket-Type\0\0\0\x06DEALER"


class BadPeers(case.ClusterTest):
    """paris and dallas are real; tokyo is ours."""
    regions = ("paris", "dallas")
    start_all = False

    def setUp(self):
        super().setUp()
        self.rng = random.Random(SEED)
        gossip, pull = processes.free_ports(2)
        for leader in self.cluster:
            leader.peers["tokyo"] = "127.0.0.1:%d,127.0.0.1:%d" % (gossip, pull)
        self.fake = FakePeer("tokyo", self.paris, gossip, pull)
        self.addCleanup(self.fake.close)
        self.cluster.start()
        self.paris.pipeline([("SET", "k", "v"), ("SADD", "s", "a"), ("INCRBY", "c", "7")])
        self.cluster.wait_converged()
        self.digest = self.paris.digest()
        self.rss = self.paris.rss()
        # Our publisher is heard: paris asks us once a beacon says that we have more.
        until(self.paris_asks, 20, "paris hears the fake tokyo")

    def paris_asks(self):
        self.fake.publish(self.fake.beacon(99, {99: 1}))
        return self.fake.asked(100)

    def check_unharmed(self):
        for leader in self.cluster:
            self.assertTrue(leader.is_running(), "%s ended" % leader.region)
            self.assertEqual(leader.digest(), self.digest, leader.region)
        self.assertLess(self.paris.rss() - self.rss, GROWTH_LIMIT)
        self.assertLess(os.path.getsize(self.paris.log), LOG_LIMIT)
        # Replication between the honest goes on.
        self.dallas.call("INCRBY", "c", "1")
        self.paris.call("SET", "k", "later")
        self.cluster.wait_converged()
        self.assertEqual(self.cluster.everywhere("GET", "c"), "8")
        self.paris.kill9()
        self.paris.start()
        self.cluster.wait_converged()
        self.assertEqual(self.cluster.everywhere("MGET", "k", "c"), ["later", "8"])

    def wait_log(self, *texts):
        until(lambda: all(text in self.paris.log_text() for text in texts), 15, lambda: "the log says %s" % (texts,))

    def mutations(self, frame, count):
        for _ in range(count):
            at = self.rng.randrange(len(frame))
            yield self.rng.choice((frame[:at], frame[:at] + self.rng.randbytes(1) + frame[at + 1:],
                                   frame[:at] + frame[at + 1:], frame + self.rng.randbytes(5)))

    # --- what paris subscribes to

    def test_garbage_from_a_publisher(self):
        for _ in range(5000):
            self.fake.publish(self.rng.randbytes(self.rng.randint(0, 400)))
        self.fake.publisher.send_multipart([b"two", b"parts"])
        self.fake.publish(b"", b"\x93" * 5000, b"\xdd\xff\xff\xff\xff", b"\xc6\xff\xff\xff\xff",
                          b"\x91\xc6\xff\xff\xff\xff")
        self.check_unharmed()

    def test_a_real_frame_with_damage(self):
        self.paris.call("SADD", "s", "a")
        frames = [frame for frame in (self.fake.hear() for _ in range(3)) if frame]
        self.assertTrue(frames)
        self.cluster.wait_converged()
        self.digest = self.paris.digest()
        for frame in frames:
            self.fake.publish(*self.mutations(frame, 1000))
            self.fake.publish(frame)  # and our own words back to us
        self.check_unharmed()

    # --- who comes to the doors

    def test_strangers_that_open_connections_without_an_end(self):
        def links():
            return re.search(r"link_connections_max:now=(\d+),max=(\d+),reached=(\d+)", self.paris.call("INFO", "bounds"))

        most = int(links().group(2))
        strangers = []
        self.addCleanup(lambda: [stranger.close() for stranger in strangers])
        for number in range(most + 100):
            port = (self.paris.gossip_port, self.paris.pull_port)[number % 2]
            strangers.append(socket.create_connection(("127.0.0.1", port), timeout=20))
        until(lambda: int(links().group(3)) > 0, 20, "there are too many")
        self.wait_log('"too_many_links"')
        self.assertLessEqual(int(links().group(1)), most)
        self.check_unharmed()

    def refuse(self, frame, *texts):
        for _ in range(3000):
            self.fake.publish(frame)
        self.wait_log(*texts)
        self.check_unharmed()

    def intruder(self, **head):
        return self.fake.batch(5, 1, 1, put_string("k", "intruder"), **head)[0]

    def test_a_frame_of_another_cluster(self):
        self.refuse(self.fake.publication(self.intruder(), cluster=12345), "another cluster")

    def test_a_frame_of_another_version(self):
        self.refuse(self.fake.publication(self.intruder(), version=2), "version 2")

    def test_a_frame_of_another_region(self):
        self.refuse(self.fake.publication(self.intruder(), region="atlantis"), "atlantis", "tokyo")

    def test_a_batch_of_another_cluster(self):
        self.refuse(self.fake.publication(self.intruder(cluster=12345)), "another cluster")

    def test_a_batch_of_another_version(self):
        self.refuse(self.fake.publication(self.intruder(version=3)), "version 3")

    def test_a_batch_that_cannot_be_applied_is_quarantined(self):
        for origin, effects, count in ((5, b"\x93\x01\x00\xc4\x01k", 1), (6, record(200, 0, "k", "v"), 1),
                                       (7, put_string("k", "v"), 2), (8, record(2, 0, "k"), 1),
                                       (9, record(64 + 1, "k", "v"), 1), (10, b"", 0),
                                       (11, put_string("k", "v"), 2**63)):
            batch, _ = self.fake.batch(origin, 1, count, effects)
            self.fake.publish(self.fake.publication(batch))
        self.wait_log("quarantine")
        self.check_unharmed()

    def test_two_contents_under_one_stamp(self):
        first, _ = self.fake.batch(5, 1, 1, put_string("fork", "one"))
        other, other_chain = self.fake.batch(5, 1, 1, put_string("fork", "two"))
        after_other, _ = self.fake.batch(5, 2, 1, put_string("fork", "three"), previous_chain=other_chain)
        self.fake.publish(self.fake.publication(first))
        until(lambda: self.paris.call("GET", "fork") == "one", 10, "a proper batch is applied")
        self.cluster.wait_converged()
        self.digest = self.paris.digest()
        self.fake.publish(self.fake.publication(other), self.fake.publication(after_other))
        self.wait_log("0000000000000005")
        self.check_unharmed()

    def test_beacons_that_promise_what_nobody_has(self):
        for number in range(300):
            vector = {self.rng.randrange(1, 2**64): self.rng.randrange(1, 2**64) for _ in range(100)}
            self.fake.publish(self.fake.beacon(number + 1, vector))
        self.fake.publish(self.fake.beacon(5, {5: 2**64 - 1}), self.fake.beacon(5, {0: 0}),
                          self.fake.beacon(2**64 - 1, {2**64 - 1: 2**64 - 1}),
                          self.fake.beacon(5, {origin: 1 for origin in range(1, 30000)}))
        self.check_unharmed()

    def test_answers_that_nobody_asked_for_or_that_are_wrong(self):
        deadline = time.monotonic() + 4
        answered = 0
        while time.monotonic() < deadline:
            self.fake.publish(self.fake.beacon(5, {5: 1000}))
            asked = self.fake.asked(200)
            if asked is None:
                continue
            identity = asked[:-1]
            answered += 1
            for frame in (self.fake.page(self.rng.randrange(1000), [self.rng.randbytes(300)] * 5, more=1),
                          self.fake.page(answered, [], more=1), self.rng.randbytes(200),
                          self.fake.page(answered, [self.fake.batch(5, 7, 1, put_string("k", "gap"))[0]])):
                self.fake.router.send_multipart([*identity, frame])
        self.assertGreater(answered, 0)
        self.fake.router.send_multipart([*identity, b"several", b"parts"])
        self.check_unharmed()

    def test_a_flood_of_batches_that_never_fit(self):
        value = "x" * 100000
        for number in range(3000):
            batch, _ = self.fake.batch(5, 10 + number, 1, put_string("k", value))
            self.fake.publish(self.fake.publication(batch))
        self.check_unharmed()

    # --- who connects to paris

    def test_garbage_at_the_pull_port(self):
        """From one who says that it is tokyo, and from strangers."""
        pull = self.fake.head(3, 1, 2**40) + record()
        for dealer in (self.fake.dealer, self.dealer(), self.dealer(b"dallas"), self.dealer(b"atlantis")):
            for _ in range(1000):
                dealer.send_multipart([self.rng.randbytes(self.rng.randint(0, 300))
                                       for _ in range(self.rng.randint(1, 5))])
            dealer.send(pull)
            for damaged in self.mutations(pull, 500):
                dealer.send(damaged)
            dealer.send(self.fake.head(3, 1, 2**63) + record(5, 2**63))
        self.check_unharmed()

    def dealer(self, name=None):
        dealer = self.fake.context.socket(zmq.DEALER)
        dealer.setsockopt(zmq.LINGER, 0)
        dealer.setsockopt(zmq.RCVHWM, 1)
        if name:
            dealer.setsockopt(zmq.ROUTING_ID, name)
        dealer.connect("tcp://127.0.0.1:%d" % self.paris.pull_port)
        return dealer

    def test_a_flood_of_pulls_that_takes_no_answers(self):
        self.paris.pipeline(("SADD", "s", "%d %s" % (number, "x" * 1000)) for number in range(5000))
        self.cluster.wait_converged()
        self.digest, self.rss = self.paris.digest(), self.paris.rss()
        greedy = [self.dealer(name) for name in (b"tokyo", b"tokyo", b"tokyo", None, None)]
        for dealer in greedy:
            for request in range(300):
                dealer.send(self.fake.head(3, request, 2**40) + record())
        time.sleep(2)
        self.check_unharmed()

    def test_a_stranger_gets_no_copy_of_the_state(self):
        stranger = self.dealer(b"atlantis")
        for request in range(100):
            stranger.send(self.fake.head(16, request, region="atlantis") + record())
        self.wait_log("atlantis")
        self.assertFalse(stranger.poll(500), "an answer")
        copies = os.path.join(self.paris.data, "copies")
        self.assertEqual(os.listdir(copies) if os.path.isdir(copies) else [], [])
        self.check_unharmed()

    def test_huge_frames(self):
        for dealer in (self.dealer(), self.dealer(b"tokyo")):
            for _ in range(3):
                dealer.send(b"\0" * (64 * 2**20))
        self.fake.publish(b"\0" * (64 * 2**20))
        time.sleep(1)
        self.check_unharmed()

    def test_raw_bytes_at_both_ports(self):
        for port in (self.paris.gossip_port, self.paris.pull_port):
            for _ in range(60):
                payload = self.rng.choice((
                    self.rng.randbytes(500), b"GET / HTTP/1.1\r\n\r\n", b"*1\r\n$4\r\nPING\r\n", ZMTP_GREETING,
                    ZMTP_GREETING + self.rng.randbytes(300),
                    ZMTP_GREETING + ZMTP_READY + b"\x02" + struct.pack(">Q", 2**62),
                    ZMTP_GREETING + b"\x06" + struct.pack(">Q", 2**63 - 1) + b"x" * 1000))
                with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
                    try:
                        client.sendall(payload)
                    except OSError:
                        pass
        self.check_unharmed()

    def test_subscriptions_without_end(self):
        subscriber = self.fake.context.socket(zmq.SUB)
        subscriber.setsockopt(zmq.LINGER, 0)
        subscriber.connect("tcp://127.0.0.1:%d" % self.paris.gossip_port)
        for _ in range(20000):
            subscriber.setsockopt(zmq.SUBSCRIBE, self.rng.randbytes(60))
        time.sleep(1)
        self.check_unharmed()


class AnotherCluster(case.ClusterTest):
    """Two leaders that were told of each other, and of different cluster names."""
    regions = ("paris", "tokyo")
    start_all = False

    def test_no_data_crosses_and_both_say_so(self):
        self.tokyo.cluster_name = "staging"
        self.cluster.start()
        self.paris.call("SET", "k", "production")
        self.tokyo.call("SET", "j", "staging")
        for leader in self.cluster:
            until(lambda leader=leader: "another cluster" in leader.log_text(), 15, "%s says so" % leader.region)
        time.sleep(1)
        self.assertIsNone(self.tokyo.call("GET", "k"))
        self.assertIsNone(self.paris.call("GET", "j"))
        for leader in self.cluster:
            self.assertLess(os.path.getsize(leader.log), LOG_LIMIT)
            self.assertEqual(leader.call("DBSIZE"), 1)


if __name__ == "__main__":
    case.main()
