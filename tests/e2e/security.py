#!/usr/bin/python3
"""Leaders that know each other by keys: who has none is let in nowhere, and who has one
speaks for its own region alone."""
import contextlib
import os
import socket

import zmq

import case
import keys
import processes
from fake_peer import FakePeer, put_string, record
from processes import until

CONFIG = 78


class KeyedTest(case.ClusterTest):
    start_all = False

    def setUp(self):
        super().setUp()
        self.keys = keys.give_keys(self.cluster, self.cluster.root)

    def stats(self, leader, name):
        found = [line.split(":", 1)[1] for line in leader.call("INFO", "stats").splitlines()
                 if line.startswith(name + ":")]
        return int(found[0])

    def wait_log(self, leader, *texts):
        until(lambda: all(text in leader.log_text() for text in texts), 20,
              lambda: "%s's log says %s:\n%s" % (leader.region, texts, leader.log_tail()))


class Keyed(KeyedTest):
    """Everything goes on as it does in clear."""

    def test_a_write_is_seen_everywhere_and_relayed_around_a_cut(self):
        self.cluster.start()
        self.paris.call("SET", "k", "direct")
        self.cluster.wait_converged()
        self.cluster.cut("paris", "tokyo")
        self.paris.call("SET", "k", "around")
        self.tokyo.call("INCRBY", "c", "3")
        self.cluster.wait_converged()
        self.assertEqual(self.cluster.everywhere("MGET", "k", "c"), ["around", "3"])
        self.cluster.heal("paris", "tokyo")
        self.cluster.wait_converged()
        for leader in self.cluster:
            self.assertIn("encrypted", leader.log_text())
            self.assertEqual(self.stats(leader, "links_refused"), 0)

    def test_a_restarted_leader_catches_up(self):
        self.cluster.start()
        self.tokyo.kill9()
        self.paris.pipeline(("SET", "k%d" % number, "x" * 100) for number in range(2000))
        self.tokyo.start()
        self.cluster.wait_converged()
        self.assertEqual(self.cluster.everywhere("DBSIZE"), 2000)

    def test_nothing_travels_in_clear(self):
        """What a subscriber without CURVE reads from the raw socket is no data."""
        self.cluster.start()
        self.paris.call("SET", "k", "v")
        context = zmq.Context()
        self.addCleanup(context.destroy, linger=0)
        subscriber = context.socket(zmq.SUB)
        subscriber.setsockopt(zmq.LINGER, 0)
        subscriber.setsockopt(zmq.SUBSCRIBE, b"")
        subscriber.connect("tcp://127.0.0.1:%d" % self.paris.gossip_port)
        until(lambda: self.stats(self.paris, "link_handshakes_failed") > 0, 20, "the plain subscriber is noticed")
        self.assertEqual(subscriber.poll(300), 0)
        subscriber.close()
        self.wait_log(self.paris, "link_handshake_failed")


class Strangers(KeyedTest):
    """Keys that nobody was told of."""
    regions = ("paris", "tokyo")

    def setUp(self):
        super().setUp()
        path = os.path.join(self.cluster.root, "stranger.key")
        keys.keygen(path)
        self.stranger = keys.Secrets(path)
        self.cluster.start()

    def test_a_stranger_hears_nothing_and_gets_no_answer(self):
        fake = FakePeer("tokyo", self.paris, *processes.free_ports(2), secrets=self.stranger,
                        leader_key=self.keys["paris"].public)
        self.addCleanup(fake.close)
        fake.dealer.send(fake.head(3, 1, 2**20) + record())
        self.paris.call("SET", "k", "v")
        until(lambda: self.stats(self.paris, "links_refused") >= 2, 20, "both connections are refused")
        self.assertIsNone(fake.hear(300))
        self.assertEqual(fake.dealer.poll(300), 0)
        self.wait_log(self.paris, "link_refused", "127.0.0.1", fake_key(self.stranger))
        self.cluster.wait_converged()

    def test_refusals_do_not_flood_the_log(self):
        for number in range(10):
            fake = FakePeer("tokyo", self.paris, *processes.free_ports(2), secrets=self.stranger,
                            leader_key=self.keys["paris"].public)
            until(lambda: self.stats(self.paris, "links_refused") >= 2 * number, 30, "it is refused")
            fake.close()
        lines = self.paris.log_text().count("link_refused")
        self.assertLess(lines, self.stats(self.paris, "links_refused"))

    def test_a_leader_whose_key_the_peer_does_not_know_is_told(self):
        self.tokyo.stop()
        os.rename(self.keys["tokyo"].file, self.keys["tokyo"].file + ".old")
        keys.keygen(self.keys["tokyo"].file)
        self.tokyo.start()
        self.wait_log(self.tokyo, "link_refused_by_peer", "paris")
        self.wait_log(self.paris, "link_refused")
        self.paris.call("SET", "k", "v")
        refused = self.stats(self.paris, "links_refused")
        until(lambda: self.stats(self.paris, "links_refused") > refused, 20, "tokyo tries again")
        self.assertIsNone(self.tokyo.call("GET", "k"))

    def test_a_peer_that_was_no_leader_for_a_while_is_found_again(self):
        """ZeroMQ gives a connection up when the other side speaks another protocol."""
        self.tokyo.stop()
        with socket.create_server(("127.0.0.1", self.tokyo.gossip_port)) as server:
            client, _ = server.accept()
            client.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n" + b" " * 100)
            with contextlib.suppress(ConnectionResetError):
                until(lambda: not client.recv(4096), 20, "paris hangs up")
        client.close()
        self.tokyo.start()
        self.tokyo.call("SET", "k", "v")
        self.cluster.wait_converged()

    def test_a_server_with_another_key_is_not_heard(self):
        """One who sits at tokyo's address without tokyo's secret."""
        self.tokyo.stop()
        fake = FakePeer("tokyo", self.paris, self.tokyo.gossip_port, self.tokyo.pull_port,
                        secrets=self.stranger, leader_key=self.keys["paris"].public)
        self.addCleanup(fake.close)
        origin = fake.origin(5)
        batch, _ = fake.batch(origin, 1, 1, put_string("k", "intruder"), signer=self.stranger)
        for _ in range(20):
            fake.publish(fake.publication(batch), fake.beacon(origin, {origin: 1}))
            self.assertIsNone(fake.asked(50))
        self.assertIsNone(self.paris.call("GET", "k"))


def fake_key(secrets):
    return zmq.utils.z85.decode(secrets.curve_public).hex()


class Impostors(KeyedTest):
    """tokyo is ours, with keys that paris and dallas trust; it says that it is dallas."""
    regions = ("paris", "dallas")

    def setUp(self):
        case.ClusterTest.setUp(self)
        path = os.path.join(self.cluster.root, "tokyo.key")
        public = keys.keygen(path)
        self.keys = keys.give_keys(self.cluster, self.cluster.root, ("tokyo", public))
        self.secrets = keys.Secrets(path)
        gossip, pull = processes.free_ports(2)
        for leader in self.cluster:
            leader.peers["tokyo"] = "127.0.0.1:%d,127.0.0.1:%d" % (gossip, pull)
        self.cluster.start()
        self.fake = FakePeer("tokyo", self.paris, gossip, pull, secrets=self.secrets,
                             leader_key=self.keys["paris"].public)
        self.addCleanup(self.fake.close)

    def say_until_logged(self, frames, *texts):
        """Again and again: who has not subscribed yet hears nothing."""
        def said():
            self.fake.publish(*frames)
            return all(text in self.paris.log_text() for text in texts)
        until(said, 20, lambda: "paris's log says %s:\n%s" % (texts, self.paris.log_tail()))

    def check_unharmed(self):
        self.dallas.call("SET", "honest", "work")
        self.cluster.wait_converged()
        self.assertEqual(self.cluster.everywhere("GET", "honest"), "work")

    def test_frames_in_the_name_of_dallas(self):
        origin = self.fake.origin(5, "dallas")
        batch, _ = self.fake.batch(origin, 1, 1, put_string("k", "intruder"))
        self.say_until_logged([self.fake.publication(batch, region="dallas"),
                               self.fake.beacon(origin, {origin: 9}, region="dallas")],
                              "region_mismatch", "'tokyo' sent a frame that names region 'dallas'")
        self.assertIsNone(self.paris.call("GET", "k"))
        self.check_unharmed()

    def test_questions_in_the_name_of_dallas(self):
        """The name that a socket gives itself is worth nothing: neither does the question pass,
        nor do the answers for dallas go astray."""
        dealer = self.fake.context.socket(zmq.DEALER)
        dealer.setsockopt(zmq.LINGER, 0)
        dealer.setsockopt(zmq.ROUTING_ID, b"dallas")
        self.secrets.use(dealer, server=self.keys["paris"].public)
        dealer.connect("tcp://127.0.0.1:%d" % self.paris.pull_port)
        dealer.send(self.fake.head(3, 1, 2**20, region="dallas") + record())
        self.wait_log(self.paris, "region_mismatch", "'tokyo' sent a frame that names region 'dallas'")
        self.assertEqual(dealer.poll(300), 0)
        self.cluster.cut("paris", "dallas")
        self.paris.pipeline(("SET", "k%d" % number, "v") for number in range(500))
        self.cluster.heal("paris", "dallas")
        self.cluster.wait_converged()
        self.assertEqual(self.dallas.call("DBSIZE"), 500)
        self.assertEqual(dealer.poll(0), 0)
        self.check_unharmed()

    def forged(self, batch, *texts):
        """It is refused, as a publication and in a page, and tokyo is named."""
        self.say_until_logged([self.fake.publication(batch)], "batch_forged", "'tokyo' sent a batch of origin", *texts)
        before = self.stats(self.paris, "batches_forged")
        def asked():
            self.fake.publish(self.fake.beacon(self.fake.origin(99), {self.fake.origin(99): 1}))
            return self.fake.asked(100)
        def answered():
            request = asked()
            if request:
                self.fake.router.send_multipart([*request[:-1], self.fake.page(1, [batch])])
            return self.stats(self.paris, "batches_forged") > before
        until(answered, 20, "the forged batch is refused in a page, too")
        self.assertIsNone(self.paris.call("GET", "k"))
        self.assertNotIn("quarantined", self.paris.log_text())
        self.assertEqual(self.stats(self.paris, "batches_quarantined"), 0)
        self.check_unharmed()

    def dallas_writes(self):
        """Its origin and how far it has come."""
        self.dallas.call("SET", "by", "dallas")
        self.cluster.wait_converged()
        return int(self.dallas.region_views()["dallas"]["origin"], 16), 1

    def test_the_next_batch_of_dallas_signed_by_tokyo(self):
        origin, written = self.dallas_writes()
        self.forged(self.fake.batch(origin, written + 1, 1, put_string("k", "intruder"), signer=self.secrets)[0],
                    "%016x" % origin, "'dallas' has not signed")

    def test_the_next_batch_of_dallas_signed_by_nobody(self):
        origin, written = self.dallas_writes()
        self.forged(self.fake.batch(origin, written + 1, 1, put_string("k", "intruder"))[0], "'dallas'")

    def test_a_new_origin_that_says_it_is_of_dallas(self):
        self.forged(self.fake.batch(self.fake.origin(77, "dallas"), 1, 1, put_string("k", "intruder"), region="dallas",
                                    signer=self.secrets)[0],
                    "'dallas' has not signed")

    def test_the_next_origin_of_dallas_begun_by_tokyo(self):
        """One that nobody has heard of yet, so that nobody knows better."""
        self.forged(self.fake.batch(self.fake.origin(77, "dallas"), 1, 1, put_string("k", "intruder"),
                                    signer=self.secrets)[0], "'tokyo' cannot have begun")

    def test_who_calls_the_origin_of_dallas_its_own_does_not_silence_dallas(self):
        origin, _ = self.dallas_writes()
        self.say_until_logged([self.fake.beacon(origin, {origin: 10**9})], "beacon_refused", "%016x" % origin)
        self.check_unharmed()
        self.assertEqual(self.stats(self.paris, "batches_forged"), 0)

    def test_a_signature_of_other_bytes(self):
        batch, _ = self.fake.batch(self.fake.origin(5), 1, 1, put_string("k", "intruder"), signer=self.secrets)
        other, _ = self.fake.batch(self.fake.origin(5), 1, 1, put_string("k", "another"), signer=self.secrets)
        self.forged(batch[:-64] + other[-64:], "'tokyo' has not signed")

    def test_its_own_batches_are_taken_and_relayed(self):
        batch, _ = self.fake.batch(self.fake.origin(5), 1, 1, put_string("k", "v"), signer=self.secrets)
        self.cluster.cut("paris", "dallas")
        def heard():
            self.fake.publish(self.fake.publication(batch))
            return self.paris.call("GET", "k") == "v"
        until(heard, 20, "paris takes tokyo's batch")
        self.fake.close()
        self.cluster.heal("paris", "dallas")
        self.cluster.wait_converged()
        self.assertEqual(self.dallas.call("GET", "k"), "v")
        self.dallas.kill9()
        self.dallas.start()
        self.cluster.wait_converged()
        self.assertEqual(self.stats(self.dallas, "batches_forged"), 0)

    def test_its_own_questions_are_answered(self):
        self.paris.call("SET", "k", "v")
        self.fake.dealer.send(self.fake.head(3, 1, 2**20) + record())
        self.assertGreater(self.fake.dealer.poll(10000), 0)


class KeyFiles(KeyedTest):
    """What a leader does not start with."""
    regions = ("paris", "tokyo")

    def refused(self, *texts, options=()):
        code, output = self.paris.run_to_end(*options)
        self.assertEqual(code, CONFIG, output)
        for text in texts:
            self.assertIn(text, output)

    def test_a_file_that_others_may_read(self):
        for mode in (0o640, 0o604, 0o660, 0o666):
            os.chmod(self.keys["paris"].file, mode)
            self.refused(self.keys["paris"].file, "mode %04o" % mode, "chmod 600")

    def test_a_file_of_another_user(self):
        if os.geteuid() != 0:
            self.skipTest("only root can give files away")
        os.chown(self.keys["paris"].file, 65534, 65534)
        self.refused(self.keys["paris"].file, "another user")

    def test_no_file_and_no_key_in_it(self):
        os.rename(self.keys["paris"].file, self.keys["paris"].file + ".gone")
        self.refused(self.keys["paris"].file, "No such file")
        with open(os.open(self.keys["paris"].file, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            file.write("# nothing\n")
        self.refused(self.keys["paris"].file, "no secret key")

    def test_secrets_where_public_keys_belong(self):
        with open(self.keys["tokyo"].file) as file:
            secret = file.read().split()[-1]
        self.keys["paris"].peers["tokyo"] = [secret]
        self.keys["paris"].write()
        code, output = self.paris.run_to_end()
        self.assertEqual(code, CONFIG, output)
        self.assertIn("is a secret key", output)
        self.assertNotIn(secret, output)

    def test_a_peer_without_a_key_or_with_our_own(self):
        self.keys["paris"].peers = {}
        self.keys["paris"].write()
        self.refused("peer tokyo has no key")
        self.keys["paris"].peers = {"tokyo": [self.keys["paris"].public]}
        self.keys["paris"].write()
        self.refused("peer tokyo has the key of", "every region needs keys of its own")

    def test_an_address_outside_loopback_needs_keys(self):
        outside = ("--gossip", "0.0.0.0:%d" % self.paris.gossip_port)
        self.paris.start(*outside)
        self.tokyo.start()
        self.paris.call("SET", "k", "v")
        self.cluster.wait_converged()
        self.paris.stop()
        self.paris.options = []
        self.refused("is not a loopback address and there is no key file", "turnstone keygen", options=outside)

    def test_the_secret_is_in_no_log_and_no_answer(self):
        self.cluster.start()
        for leader in self.cluster:
            with open(self.keys[leader.region].file) as file:
                secret = file.read().split()[-1]
            code, shown = leader.run_to_end("--check")
            self.assertEqual(code, 0)
            for text in (leader.log_text(), str(leader.call("INFO")), str(leader.call("CONFIG", "GET", "*")), shown):
                self.assertNotIn(secret, text)

    def test_keygen_never_overwrites(self):
        with self.assertRaises(Exception):
            keys.keygen(self.keys["paris"].file)
        self.assertEqual(os.stat(self.keys["paris"].file).st_mode & 0o777, 0o600)
        self.cluster.start()
        self.paris.call("SET", "k", "v")
        self.cluster.wait_converged()


if __name__ == "__main__":
    case.main()
