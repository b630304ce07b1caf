#!/usr/bin/python3
"""Leaders change their keys while they serve: nothing stops, nothing gets lost, and what was
the key is none afterwards."""
import os
import random
import shutil
import signal

import case
import keys
import ledger
import processes
from fake_peer import FakePeer, put_string
from processes import until
from security import KeyedTest

SEED = case.number("TURNSTONE_SEED", random.randrange(10**6))


class RotationTest(KeyedTest):
    def wait_seen_everywhere(self, leaders, key):
        """A write at each leader, at every leader."""
        for leader in leaders:
            leader.call("SET", "%s:%s" % (key, leader.region), "v")
        until(lambda: all(leader.call("EXISTS", *("%s:%s" % (key, one.region) for one in leaders)) == len(leaders)
                          for leader in leaders), 30, lambda: "%s is seen everywhere:\n%s" % (key, self.logs()))

    def logs(self):
        return "\n".join(leader.log_tail(12) for leader in self.cluster)

    def others(self, region):
        return [one for name, one in self.keys.items() if name != region]

    def announce(self, region):
        """The first step: the others take the next key, too."""
        following = self.keys[region].make_next()
        for other in self.others(region):
            other.peers[region] = [self.keys[region].public, following]
            other.reload()

    def change(self, region):
        """The second step: the leader uses it."""
        self.keys[region].use_next()
        self.keys[region].reload()

    def withdraw(self, region):
        """The third step: to the others the old key is one of the past."""
        for other in self.others(region):
            other.earlier.append((region, other.peers[region].pop(0)))
            other.reload()


class Rotation(RotationTest):
    def test_all_regions_change_their_keys_under_load(self):
        print("TURNSTONE_SEED=%d" % SEED)
        self.cluster.start()
        writers = [ledger.Writer(leader.region, [leader], "%d %s" % (SEED, leader.region)) for leader in self.cluster]
        relay = ledger.Relay(list(self.cluster), writers, SEED)
        old = {}
        for one in [*writers, relay]:
            one.start()
        for region in self.cluster.leaders:
            old[region] = keys.Secrets(self.keys[region].file)
            for step in (self.announce, self.change, self.withdraw):
                step(region)
                self.wait_seen_everywhere(list(self.cluster), "%s %s" % (step.__name__, region))
        for one in [*writers, relay]:
            one.stop()
        self.cluster.wait_converged()
        for leader in self.cluster:
            self.assertEqual(sum((writer.check(leader) for writer in writers), []), [])
            self.assertEqual(self.stats(leader, "batches_forged"), 0)
            self.assertIn("the keys are renewed", leader.log_text())
            self.assertNotIn("is not taken any more", leader.log_text())
        for writer in writers:
            # Every single write was answered: no connection broke.
            self.assertFalse(writer.increments_maybe | writer.removed_maybe)
            self.assertLessEqual(writer.members_maybe, writer.removed_done)
            self.assertGreater(writer.operations, 0)
        self.check_late_leader()
        self.check_old_keys(old)

    def check_late_leader(self):
        """One that has nothing takes what was signed with all the keys since."""
        self.dallas.stop()
        shutil.rmtree(self.dallas.data)
        self.dallas.start()
        self.cluster.wait_converged()
        self.assertEqual(self.stats(self.dallas, "batches_forged"), 0)

    def check_old_keys(self, old):
        """Who has an old key comes in nowhere with it."""
        for region, secrets in old.items():
            for leader in self.cluster:
                if leader.region == region:
                    continue
                refused = self.stats(leader, "links_refused")
                fake = FakePeer(region, leader, *processes.free_ports(2), secrets=secrets,
                                leader_key=self.keys[leader.region].public)
                until(lambda: self.stats(leader, "links_refused") >= refused + 2, 20, "both connections are refused")
                leader.call("SET", "secret", region)
                self.assertIsNone(fake.hear(100))
                fake.close()
            # And nobody mistakes it for the leader that it was the key of.
            leader = self.cluster[region]
            failed = self.stats(leader, "link_handshakes_failed")
            stranger = FakePeer("paris", leader, *processes.free_ports(2), secrets=secrets,
                                leader_key=self.keys[region].earlier[0][1])
            until(lambda: self.stats(leader, "link_handshakes_failed") > failed, 20, "the old key opens nothing")
            stranger.close()

    def test_a_leader_that_was_away_meanwhile(self):
        self.cluster.start()
        self.wait_seen_everywhere(list(self.cluster), "before")
        self.dallas.kill9()
        self.paris.pipeline(("SET", "old%d" % number, "v") for number in range(500))
        here = [self.paris, self.tokyo]
        following = self.keys["paris"].make_next()
        self.keys["tokyo"].peers["paris"].append(following)
        self.keys["tokyo"].reload()
        self.change("paris")
        self.wait_seen_everywhere(here, "between")
        self.paris.pipeline(("SET", "new%d" % number, "v") for number in range(500))
        # dallas knows nothing of it yet: it takes what it can, and the rest once it is told.
        self.dallas.start()
        self.wait_log(self.dallas, "batch_forged", "'paris' has not signed")
        self.dallas.call("SET", "k", "v")
        until(lambda: self.tokyo.call("GET", "k") == "v", 30, "tokyo hears dallas")
        self.keys["dallas"].earlier.append(("paris", self.keys["dallas"].peers["paris"][0]))
        self.keys["dallas"].peers["paris"] = [following]
        self.keys["dallas"].reload()
        self.cluster.wait_converged()
        self.assertEqual(self.cluster.everywhere("DBSIZE"), 1000 + 3 + 2 + 1)

    def test_the_wrong_order_stops_links_and_not_writes(self):
        """paris changes first: the others hear it again as soon as they know its key."""
        self.cluster.start()
        self.wait_seen_everywhere(list(self.cluster), "before")
        old = self.keys["paris"].public
        following = self.keys["paris"].make_next()
        self.change("paris")
        self.paris.call("SET", "k", "meanwhile")
        self.wait_log(self.paris, "link_refused_by_peer")
        self.assertIsNone(self.tokyo.call("GET", "k"))
        for other in self.others("paris"):
            other.peers["paris"] = [following]
            other.earlier.append(("paris", old))
            other.reload()
        self.cluster.wait_converged()
        self.assertEqual(self.cluster.everywhere("GET", "k"), "meanwhile")

    def test_the_way_back(self):
        """A change that is taken back between its steps."""
        self.cluster.start()
        file, public = self.keys["paris"].file, self.keys["paris"].public
        self.announce("paris")
        self.change("paris")
        self.wait_seen_everywhere(list(self.cluster), "new key")
        self.keys["paris"].earlier = [("paris", self.keys["paris"].public)]
        self.keys["paris"].file, self.keys["paris"].public = file, public
        self.keys["paris"].reload()
        self.wait_seen_everywhere(list(self.cluster), "old key")
        self.cluster.wait_converged()


class TakingACopy(RotationTest):
    """A leader that starts anew on a copy of another one's state does so with the keys of now."""
    regions = ("paris", "tokyo")

    def test_keys_change_while_a_copy_is_taken(self):
        for leader in self.cluster:
            leader.options += ["--checkpoint-interval-ms", "100", "--log-retain-bytes", "0",
                               "--mirror-bytes-per-second", "1MiB"]
        self.cluster.start()
        self.paris.pipeline(("SET", "k%d" % number, "v" * 300) for number in range(8000))

        def cut():
            self.paris.call("INCR", "ticks")
            return "log_floor_lsn:0\r" not in self.paris.call("INFO")
        until(cut, 60, "the log of paris is cut")
        self.tokyo.kill9()
        shutil.rmtree(self.tokyo.data)
        self.tokyo.start("--join")
        for step in (self.announce, self.change, self.withdraw):
            step("paris")
        until(lambda: "caught up" in self.tokyo.log_text(), 60, lambda: "tokyo has caught up:\n" + self.logs())
        self.assertIn("starts anew on the copy", self.tokyo.log_text())
        self.tokyo._drop_client()
        self.cluster.wait_converged()
        # And it still listens.
        for step in (self.announce, self.change, self.withdraw):
            step("tokyo")
        self.wait_seen_everywhere(list(self.cluster), "k")


class Reloading(RotationTest):
    """What is read on SIGHUP, and what is not taken."""
    regions = ("paris", "tokyo")

    def setUp(self):
        super().setUp()
        self.cluster.start()

    def refused(self, *texts, write=None):
        """The reading is refused with these words, and the keys in force stay."""
        before = self.paris.log_text().count("the keys are not renewed")
        if write is not None:
            with open(self.keys["paris"].path, "w") as file:
                file.write(write)
        self.paris.process.send_signal(signal.SIGHUP)
        until(lambda: self.paris.log_text().count("the keys are not renewed") > before, 20, self.logs)
        line = [line for line in self.paris.log_text().splitlines() if "the keys are not renewed" in line][-1]
        for text in ("those in use stay in force", *texts):
            self.assertIn(text, line)
        self.wait_seen_everywhere(list(self.cluster), "refused %d" % before)

    def test_bad_files_leave_the_keys_in_force(self):
        mine = self.keys["paris"]
        with open(mine.path) as file:
            good = file.read()
        self.refused(mine.path + ":1:", write="key_file =")
        self.refused("tokyo has no key", write='key_file = "%s"\n' % mine.file)
        self.refused("has a key and this leader has none",
                     write=good.replace("key_file", "# key_file"))
        self.refused("name no key_file any more", write="")
        self.refused("unknown key", write=good + "kye_file = 1\n")
        self.refused("is a secret key", write=good.replace("=tspub1-", "=tssec1-"))
        self.refused("every region needs keys of its own",
                     write='key_file = "%s"\npeer_key = ["tokyo=%s"]\n' % (mine.file, mine.public))
        self.refused("No such file", write=good.replace(mine.file, mine.file + ".gone"))
        os.chmod(mine.file, 0o644)
        self.refused(mine.file, "mode 0644", write=good)
        os.chmod(mine.file, 0o600)
        mine.reload()
        self.assertIn("the keys were read again and are the same", self.paris.log_tail(5))

    def test_nothing_is_opened_again_when_the_keys_are_the_same(self):
        failed = self.tokyo.log_text()
        self.keys["paris"].reload()
        self.keys["paris"].earlier.append(("lima", keys.keygen(self.keys["paris"].file + ".lima")))
        self.keys["paris"].reload()
        self.assertIn("earlier of lima: +tspub1-", self.paris.log_text())
        self.assertNotIn("the links are open", self.paris.log_text())
        self.wait_seen_everywhere(list(self.cluster), "k")
        self.assertEqual(self.tokyo.log_text(), failed)

    def test_it_says_what_changed_and_what_to_mind(self):
        following = self.keys["tokyo"].make_next()
        old = self.keys["tokyo"].public
        self.keys["paris"].peers["tokyo"] = [following]
        self.keys["paris"].reload()
        for text in ("peer tokyo: +" + following, "peer tokyo: -" + old,
                     "what tokyo has signed with %s is not taken any more" % old):
            self.assertIn(text, self.paris.log_text())

    def test_other_settings_wait_for_a_start(self):
        write = self.keys["paris"].write

        def write_more():
            write()
            with open(self.keys["paris"].path, "a") as file:
                file.write("sweep_ms = 1234\n")
        self.keys["paris"].write = write_more
        self.keys["paris"].reload()
        self.assertIn("they count from the next start", self.paris.log_text())

    def test_a_leader_in_clear_goes_on_in_clear(self):
        self.tokyo.stop()
        self.tokyo.options = []
        self.tokyo.start()
        self.tokyo.process.send_signal(signal.SIGHUP)
        self.wait_log(self.tokyo, "the keys are not renewed", "started without a key_file")
        self.assertEqual(self.tokyo.call("SET", "k", "v"), "OK")


class OldKeys(RotationTest):
    """tokyo is ours. It has changed its key, and paris knows."""
    regions = ("paris", "dallas")

    def setUp(self):
        case.ClusterTest.setUp(self)
        self.files = [os.path.join(self.cluster.root, "tokyo%d.key" % number) for number in (1, 2)]
        self.public = [keys.keygen(file) for file in self.files]
        self.old, self.new = map(keys.Secrets, self.files)
        self.keys = keys.give_keys(self.cluster, self.cluster.root, ("tokyo", self.public[0]))
        self.ports = processes.free_ports(2)
        for leader in self.cluster:
            leader.peers["tokyo"] = "127.0.0.1:%d,127.0.0.1:%d" % tuple(self.ports)
        self.cluster.start()

    def become(self, secrets):
        """tokyo's leader, with these keys."""
        fake = FakePeer("tokyo", self.paris, *self.ports, secrets=secrets, leader_key=self.keys["paris"].public)
        self.addCleanup(fake.close)
        return fake

    def know(self, valid, earlier=()):
        self.keys["paris"].peers["tokyo"] = list(valid)
        self.keys["paris"].earlier = [("tokyo", key) for key in earlier]
        self.keys["paris"].reload()

    def publish_until(self, fake, batch, condition):
        def done():
            fake.publish(fake.publication(batch))
            return condition()
        until(done, 20, lambda: "the batch arrives:\n" + self.paris.log_tail())

    def test_what_the_old_key_signed_counts_while_it_is_known(self):
        fake = self.become(self.new)
        batches, chain = [], 0
        for number in (1, 2, 3):
            batch, chain = fake.batch(fake.origin(5), number, 1, put_string("k", str(number)), previous_chain=chain,
                                      signer=self.old)
            batches.append(batch)
        self.know(self.public)
        self.publish_until(fake, batches[0], lambda: self.paris.call("GET", "k") == "1")
        self.know(self.public[1:], earlier=self.public[:1])
        self.publish_until(fake, batches[1], lambda: self.paris.call("GET", "k") == "2")
        self.know(self.public[1:])
        self.publish_until(fake, batches[2], lambda: self.stats(self.paris, "batches_forged") > 0)
        self.assertEqual(self.paris.call("GET", "k"), "2")
        self.wait_log(self.paris, "batch_forged", "'tokyo' has not signed")
        # Nothing is lost by that: it counts again as soon as the key is known again.
        self.know(self.public[1:], earlier=self.public[:1])
        self.publish_until(fake, batches[2], lambda: self.paris.call("GET", "k") == "3")

    def test_a_connection_ends_when_its_key_is_withdrawn(self):
        fake = self.become(self.old)
        until(lambda: fake.hear(100), 20, "tokyo hears paris")
        self.know(self.public[1:], earlier=self.public[:1])
        until(lambda: self.stats(self.paris, "links_refused") > 0, 20, "tokyo is refused")
        while fake.hear(0):
            pass
        self.paris.call("SET", "k", "v")
        self.assertIsNone(fake.hear(1500))


if __name__ == "__main__":
    case.main()
