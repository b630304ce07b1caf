#!/usr/bin/python3
"""MULTI ... EXEC and other many-key writes show wholly or not at all, on every leader; and
what one connection has read never goes back."""
import time

import case
import load

KEYS = ["a:%d" % index for index in range(8)]


class Atomicity(case.ClusterTest):
    shared = True
    seconds = 5

    def watch(self, look):
        return [load.Background(leader, look) for leader in self.cluster for _ in range(2)]

    def run_watched(self, write, look):
        writer = load.Background(self.paris, write)
        watchers = self.watch(look)
        time.sleep(self.seconds)
        writes = writer.stop()
        looks = sum(watcher.stop() for watcher in watchers)
        self.assertGreater(writes, 50)
        self.assertGreater(looks, 500)
        self.cluster.wait_converged()

    def test_a_transaction_shows_wholly_or_not_at_all(self):
        state = {"n": 0}

        def write(client):
            state["n"] += 1
            commands = [("SET", key, state["n"]) for key in KEYS]
            commands += [("HSET", "h", "f", state["n"]), ("INCR", "count")]
            replies = client.pipeline([("MULTI",), *commands, ("EXEC",)])
            assert replies[-1][-1] == state["n"], replies

        def look(client):
            replies = client.pipeline([("MULTI",), ("MGET", *KEYS), ("HGET", "h", "f"), ("GET", "count"), ("EXEC",)])
            values, field, count = replies[-1]
            assert {*values, field, count} == {count}, "part of a transaction shows: %s" % replies[-1]

        self.run_watched(write, look)

    def test_a_member_that_moves_is_always_in_one_of_both_sets(self):
        self.paris.call("SADD", "left", *range(20))
        self.cluster.wait_converged()
        state = {"n": 0}

        def write(client):
            state["n"] += 1
            source, target = ("left", "right") if state["n"] % 40 < 20 else ("right", "left")
            client.call("SMOVE", source, target, state["n"] % 20)

        def look(client):
            assert len(client.call("SUNION", "left", "right")) == 20
            assert client.call("SINTER", "left", "right") == []

        self.run_watched(write, look)

    def test_a_store_command_and_a_rename_replace_at_once(self):
        self.paris.call("SADD", "u1", "a", "b")
        self.paris.call("SADD", "u2", "c", "d")
        self.paris.call("SUNIONSTORE", "d", "u1")
        self.cluster.wait_converged()
        state = {"n": 0}

        def write(client):
            state["n"] += 1
            if state["n"] % 2:
                client.call("SUNIONSTORE", "d", "u2")
            else:
                client.pipeline([("SUNIONSTORE", "t", "u1"), ("RENAME", "t", "d")])

        def look(client):
            members = client.call("SMEMBERS", "d")
            assert sorted(members) in (["a", "b"], ["c", "d"]), members

        self.run_watched(write, look)

    def test_what_a_connection_has_read_never_goes_back(self):
        numbers = {}

        def write(client):
            client.pipeline([("INCR", "m"), ("SADD", "ms", write_number(numbers)), ("HINCRBY", "mh", "f", 1)])

        def look(client):
            seen = getattr(client, "seen", (0, 0, 0))
            now = (int(client.call("GET", "m") or 0), client.call("SCARD", "ms"),
                   int(client.call("HGET", "mh", "f") or 0))
            assert all(new >= old for new, old in zip(now, seen)), "%s after %s" % (now, seen)
            client.seen = now

        self.run_watched(write, look)

    def test_a_connection_reads_its_own_writes_at_once(self):
        for number in range(200):
            replies = self.tokyo.client().pipeline([
                ("SET", "own", number), ("GET", "own"), ("SADD", "owns", number), ("SISMEMBER", "owns", number)])
            self.assertEqual(replies[1::2], [str(number), 1])


def write_number(state):
    state["n"] = state.get("n", 0) + 1
    return state["n"]


if __name__ == "__main__":
    case.main()
