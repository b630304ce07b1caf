#!/usr/bin/python3
"""A leader that is started on an old copy of its data directory: no number is used twice,
nothing is lost that a peer has, counters stay exact; with the peers in reach and not."""
import os

import case


class Restore(case.ClusterTest):
    """paris: written and copied, written and seen by the peers, written and seen by
    nobody; then the copy is put back. What nobody else had is gone, as it must be."""
    options = ("--checkpoint-interval-ms", "50")

    def setUp(self):
        super().setUp()
        self.paris.pipeline([("SET", "k", "copied"), ("INCRBY", "c", "10"), ("INCRBY", "d", "10"),
                             ("INCRBY", "e", "10"), ("SADD", "s", "copied"), ("HINCRBY", "h", "f", "1")])
        self.paris.pipeline(("SADD", "many", number) for number in range(5000))
        self.cluster.wait_converged()
        self.copy = self.paris.copy_data(os.path.join(self.cluster.root, "copy"))
        self.paris.pipeline([("SET", "k", "seen"), ("INCRBY", "c", "5"), ("INCRBY", "d", "5"),
                             ("INCRBY", "e", "5"), ("SADD", "s", "seen"), ("HINCRBY", "h", "f", "1")])
        self.tokyo.pipeline([("INCRBY", "c", "100"), ("SADD", "s", "tokyo's")])
        self.cluster.wait_converged()
        self.cluster.cut_all()
        self.paris.pipeline([("INCRBY", "c", "1000"), ("SADD", "s", "unseen"), ("HINCRBY", "h", "f", "7")])

    def put_back(self, stop):
        stop()
        self.paris.restore_data(self.copy)

    def peers(self):
        return (self.tokyo, self.dallas)

    def heal_peers(self):
        """The restored leader forgot its cut links; the peers have not. Only after the copy
        is back, or what paris wrote last would be seen after all."""
        for peer in self.peers():
            peer.call("TS.LINK", "HEAL", "paris")
        self.cluster.heal("tokyo", "dallas")

    def write_at_paris(self):
        """Enough to pass every number that the lost writes had."""
        self.paris.pipeline([("INCRBY", "c", "10000"), ("SADD", "s", "isolated"), ("HINCRBY", "h", "f", "1"),
                             ("DEL", "d"), ("SET", "e", "100")])
        self.paris.pipeline(("SADD", "more", number) for number in range(3000))

    def check(self):
        self.cluster.wait_converged()
        everywhere = self.cluster.everywhere
        self.assertEqual(everywhere("GET", "c"), str(10 + 5 + 100 + 10000))
        self.assertEqual(sorted(everywhere("SMEMBERS", "s")), ["copied", "isolated", "seen", "tokyo's"])
        self.assertEqual(everywhere("HGET", "h", "f"), "3")
        self.assertEqual(everywhere("GET", "k"), "seen")
        self.assertEqual(everywhere("SCARD", "many"), 5000)
        self.assertEqual(everywhere("SCARD", "more"), 3000)

    def test_with_the_peers_in_reach(self):
        self.put_back(self.paris.stop)
        self.heal_peers()
        self.paris.start()
        self.cluster.wait_converged()
        self.assertEqual(self.paris.call("GET", "c"), "115")
        self.write_at_paris()
        self.check()
        self.assertIsNone(self.cluster.everywhere("GET", "d"))
        self.assertEqual(self.cluster.everywhere("GET", "e"), "100")

    def test_with_the_peers_paused_and_writes_meanwhile(self):
        self.put_back(self.paris.kill9)
        self.heal_peers()
        for peer in self.peers():
            peer.pause()
        self.paris.start()
        self.assertEqual(self.paris.call("GET", "c"), "10")
        self.write_at_paris()
        for peer in self.peers():
            peer.resume()
        self.check()
        self.check_unseen_increments_survived()

    def test_with_the_peers_down_and_writes_meanwhile(self):
        self.put_back(self.paris.stop)
        self.heal_peers()
        self.tokyo.stop()
        self.dallas.kill9()
        self.paris.start()
        self.write_at_paris()
        self.dallas.start()
        self.cluster.wait_converged("paris", "dallas")
        self.tokyo.start()
        self.check()
        self.check_unseen_increments_survived()

    def check_unseen_increments_survived(self):
        """paris's DEL d and SET e had not seen its own lost increments by 5."""
        self.assertEqual(self.cluster.everywhere("GET", "d"), "5")
        self.assertEqual(self.cluster.everywhere("GET", "e"), "105")

    def test_the_same_copy_three_times_over(self):
        for number in range(3):
            self.put_back(self.paris.kill9)
            self.heal_peers()
            for peer in self.peers():
                peer.pause()
            self.paris.start()
            self.paris.pipeline([("INCRBY", "c", "10000"), ("SADD", "s", "run %d" % number),
                                 ("SET", "run:%d" % number, number)])
            for peer in self.peers():
                peer.resume()
            self.cluster.wait_converged()
        self.assertEqual(self.cluster.everywhere("GET", "c"), str(10 + 5 + 100 + 30000))
        self.assertEqual(self.cluster.everywhere("MGET", "run:0", "run:1", "run:2"), ["0", "1", "2"])
        self.assertEqual(self.cluster.everywhere("SCARD", "s"), 6)

    def test_restored_while_it_stays_cut_from_one_peer(self):
        """Its own lost writes come back through the one that it reaches."""
        self.put_back(self.paris.kill9)
        self.tokyo.call("TS.LINK", "HEAL", "paris")
        self.paris.start()
        self.paris.call("TS.LINK", "CUT", "dallas")
        self.cluster.wait_converged("paris", "tokyo")
        self.write_at_paris()
        self.cluster.heal("tokyo", "dallas")
        self.check()


class RestoreAll(case.ClusterTest):
    def test_all_restored_to_different_ages_become_the_union(self):
        copies = {}
        for step, leader in enumerate(self.cluster):
            for writer in self.cluster:
                writer.pipeline([("SADD", "s", "%s-%d" % (writer.region, step)), ("INCRBY", "c", 4**step)])
            self.cluster.wait_converged()
            copies[leader.region] = leader.copy_data(os.path.join(self.cluster.root, "copy-" + leader.region))
        self.cluster.cut_all()
        for leader in self.cluster:
            leader.call("SADD", "s", leader.region + "-lost")
        for leader in self.cluster:
            leader.kill9()
            leader.restore_data(copies[leader.region])
        for leader in self.cluster:
            leader.start()
            leader.call("INCRBY", "c", 1000)
        self.cluster.wait_converged()
        expected = sorted("%s-%d" % (leader.region, step) for leader in self.cluster for step in range(3))
        self.assertEqual(sorted(self.cluster.everywhere("SMEMBERS", "s")), expected)
        self.assertEqual(self.cluster.everywhere("GET", "c"), str(3 * (1 + 4 + 16) + 3000))


if __name__ == "__main__":
    case.main()
