#!/usr/bin/python3
"""The same random commands to one leader and to redis-server: every reply is the same, its
type and its error's words included. What differs on purpose is in OnPurpose below."""
import os
import random
import shutil
import unittest

import case
import processes
from processes import until
from random_commands import UNORDERED, Generator
from resp import Disconnected, ReplyError, Resp

REDIS = shutil.which("redis-server")
BATCHES = case.number("TURNSTONE_DIFFERENTIAL_BATCHES", 1500)
SEED = case.number("TURNSTONE_SEED", random.randrange(10**6))


def canonical(command, reply):
    """The reply without what has no meaning: order, and a scan's cursor."""
    name = command[0].upper()
    if isinstance(reply, ReplyError) or not isinstance(reply, (list, dict, set)):
        return reply
    if name in ("SCAN", "SSCAN", "HSCAN") and isinstance(reply, list) and len(reply) == 2:
        items = reply[1]
        if name == "HSCAN":
            items = list(zip(items[::2], items[1::2]))
        # With a small COUNT servers may stop at different places.
        return None if "1000" not in command else (reply[0], sorted(items))
    if name in UNORDERED:
        if isinstance(reply, (dict, set)):
            return reply
        if name == "HGETALL" or "WITHVALUES" in command:
            flat = reply if reply and not isinstance(reply[0], list) else [item for pair in reply for item in pair]
            return sorted(zip(flat[::2], flat[1::2]))
        return sorted(reply)
    return reply


def canonical_batch(commands, replies):
    """Replies inside EXEC are put in order by the command that was queued."""
    result, queued, in_multi = [], [], False
    for command, reply in zip(commands, replies):
        name = command[0].upper()
        if in_multi and name == "EXEC":
            if isinstance(reply, list):
                reply = [canonical(*pair) for pair in zip(queued, reply)]
            in_multi = False
        elif in_multi and name == "DISCARD" and reply == "OK":
            in_multi = False
        elif in_multi:
            if reply == "QUEUED":
                queued.append(command)
        elif name == "MULTI" and reply == "OK":
            in_multi, queued = True, []
        else:
            reply = canonical(command, reply)
        result.append(reply)
    return result


@unittest.skipUnless(REDIS, "redis-server is not installed (package redis-server)")
class BesideRedis(case.ClusterTest):
    regions = ("paris",)

    def setUp(self):
        super().setUp()
        self.redis_port, = processes.free_ports(1)
        log = os.path.join(self.cluster.root, "redis.log")
        self.redis_process = processes.spawn(
            [REDIS, "--port", str(self.redis_port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
             "--dir", self.cluster.root], log)
        self.addCleanup(processes.kill, self.redis_process)
        until(self.redis_answers, 20, "redis-server answers")

    def redis_answers(self):
        try:
            with Resp(self.redis_port) as client:
                return client.call("PING") == "PONG"
        except Disconnected:
            return False


class Differential(BesideRedis):
    def compare(self, protocol, floats):
        rng = random.Random("%d/%d/%s" % (SEED, protocol, floats))
        print("TURNSTONE_SEED=%d" % SEED)
        generator = Generator(rng, floats)
        theirs, ours = Resp(self.redis_port, raw=True), Resp(self.paris.resp_port, raw=True)
        for client in (theirs, ours):
            client.call("HELLO", protocol)
        history, differences, compared = [], {}, 0
        for _ in range(BATCHES):
            commands = generator.batch()
            history = (history + commands)[-400:]
            expected = canonical_batch(commands, theirs.pipeline(commands))
            found = canonical_batch(commands, ours.pipeline(commands))
            for command, one, other in zip(commands, expected, found):
                compared += 1
                if same(one, other):
                    continue
                shape = (command[0].upper(), kind(one), kind(other))
                differences.setdefault(shape, (command, one, other, history[-60:]))
            if len(differences) > 15 or self.states_differ(theirs, ours):
                break
        print("%d commands compared" % compared)
        report = ["%s\n    redis:     %r\n    turnstone: %r" % (command, one, other)
                  for command, one, other, _ in differences.values()]
        if report:
            first = next(iter(differences.values()))
            keys = set(first[0][1:])
            report.append("what came before the first:\n    " + "\n    ".join(
                str(command) for command in first[3] if keys & set(command[1:]) or len(command) == 1))
        self.assertEqual(report, [], "\n" + "\n".join(report))
        self.assertFalse(self.states_differ(theirs, ours))
        self.assertGreater(compared, BATCHES * 40 - 1)

    def states_differ(self, theirs, ours):
        """One difference in the data would show as many more: stop at the first."""
        return self.state(theirs) != self.state(ours)

    @staticmethod
    def state(client):
        keys = sorted(client.call("KEYS", "*"))
        reads = {"string": "GET", "set": "SMEMBERS", "hash": "HGETALL"}
        kinds = client.pipeline([("TYPE", key) for key in keys])
        values = client.pipeline([(reads[str(one)], key) for key, one in zip(keys, kinds)])
        return [(key, str(one), canonical((reads[str(one)],), value)) for key, one, value in zip(keys, kinds, values)]

    def test_integers_in_resp2(self):
        self.compare(2, floats=False)

    def test_integers_in_resp3(self):
        self.compare(3, floats=False)

    def test_floats_in_resp2(self):
        self.compare(2, floats=True)

    def test_floats_in_resp3(self):
        self.compare(3, floats=True)


class OnPurpose(BesideRedis):
    """Few, and each with its reason."""

    def replies(self, *commands):
        pair = []
        for port in (self.redis_port, self.paris.resp_port):
            with Resp(port) as client:
                pair.append(client.pipeline(commands)[-1])
        return pair

    def test_decimal_fractions_are_exact(self):
        """Counters are sums that must not depend on the order of their parts."""
        theirs, ours = self.replies(("SET", "k", "1000"), ("INCRBYFLOAT", "k", "0.1"))
        self.assertEqual((theirs, ours), ("1000.09999999999999998", "1000.1"))

    def test_numbers_with_a_fraction_end_at_the_limits_of_integers(self):
        theirs, ours = self.replies(("SET", "k", "9223372036854775807"), ("INCRBYFLOAT", "k", "100"))
        self.assertEqual(theirs, "9223372036854775907")
        self.assertEqual(ours, ReplyError("ERR increment would produce NaN or Infinity"))

    def test_one_reply_has_at_most_a_million_random_members(self):
        theirs, ours = self.replies(("SADD", "s", "m"), ("SRANDMEMBER", "s", "-1000001"))
        self.assertEqual(len(theirs), 1000001)
        self.assertIn("random_repeats_max is 1000000", str(ours))


def same(one, other):
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(same(*pair) for pair in zip(one, other))
    return type(one) is type(other) and one == other


def kind(reply):
    return str(reply)[:25] if isinstance(reply, ReplyError) else type(reply).__name__


if __name__ == "__main__":
    case.main()
