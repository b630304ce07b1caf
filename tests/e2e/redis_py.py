#!/usr/bin/python3
"""redis-py, as Debian ships it, does its ordinary work."""
import threading
import unittest

import case
from processes import until

try:
    import redis
except ImportError:
    redis = None


@unittest.skipUnless(redis, "redis-py is not installed (package python3-redis)")
class RedisPy(case.ClusterTest):
    regions = ("paris", "tokyo")
    shared = True

    def setUp(self):
        self.paris.call("FLUSHALL")
        self.redis = redis.Redis(port=self.paris.resp_port, decode_responses=True)
        self.addCleanup(self.redis.close)

    def test_strings(self):
        client = self.redis
        self.assertTrue(client.ping())
        self.assertTrue(client.set("k", "v"))
        self.assertIsNone(client.set("k", "w", nx=True))
        self.assertEqual(client.set("k", "w", get=True), "v")
        self.assertTrue(client.set("k", "x", xx=True))
        self.assertEqual(client["k"], "x")
        self.assertIsNone(client.get("absent"))
        self.assertTrue(client.mset({"a": 1, "b": 2}))
        self.assertEqual(client.mget("a", "b", "c"), ["1", "2", None])
        self.assertEqual(client.incr("n"), 1)
        self.assertEqual(client.incrby("n", 9), 10)
        self.assertEqual(client.decr("n", 3), 7)
        self.assertEqual(client.incrbyfloat("n", 0.5), 7.5)
        self.assertEqual(client.append("k", "yz"), 3)
        self.assertEqual(client.strlen("k"), 3)
        self.assertEqual(client.getdel("k"), "xyz")
        self.assertFalse(client.exists("k"))
        self.assertEqual(client.type("a"), "string")
        self.assertTrue(client.rename("a", "z"))
        self.assertEqual(sorted(client.keys()), ["b", "n", "z"])
        self.assertEqual(client.delete("z", "b", "absent"), 2)
        self.assertEqual(client.dbsize(), 1)

    def test_bytes(self):
        client = redis.Redis(port=self.paris.resp_port)
        value = bytes(range(256)) * 10 + b"\r\n$5\r\n"
        client.set(value[:50], value)
        self.assertEqual(client.get(value[:50]), value)
        self.assertEqual(client.sadd("s", value, b"", "é"), 3)
        self.assertEqual(client.smembers("s"), {value, b"", "é".encode()})
        self.assertEqual(client.hset("h", mapping={b"": b"", b"\xff\xfe": value}), 2)
        self.assertEqual(client.hgetall("h"), {b"": b"", b"\xff\xfe": value})
        client.close()

    def test_sets(self):
        client = self.redis
        self.assertEqual(client.sadd("s", "a", "b", "c"), 3)
        self.assertEqual(client.sadd("s", "a", "d"), 1)
        self.assertEqual(client.smembers("s"), {"a", "b", "c", "d"})
        self.assertTrue(client.sismember("s", "a"))
        self.assertEqual(client.smismember("s", ["a", "x"]), [1, 0])
        self.assertEqual(client.scard("s"), 4)
        self.assertEqual(client.srem("s", "a", "x"), 1)
        client.sadd("t", "c", "d", "e")
        self.assertEqual(client.sinter("s", "t"), {"c", "d"})
        self.assertEqual(client.sunion("s", "t"), {"b", "c", "d", "e"})
        self.assertEqual(client.sdiff("s", "t"), {"b"})
        self.assertEqual(client.sinterstore("u", "s", "t"), 2)
        self.assertTrue(client.smove("s", "t", "b"))
        self.assertIn(client.srandmember("t"), {"b", "c", "d", "e"})
        self.assertEqual(len(client.srandmember("t", 3)), 3)
        popped = client.spop("t", 2)
        self.assertEqual(client.scard("t"), 4 - len(set(popped)))
        self.assertEqual(set(client.sscan_iter("u")), {"c", "d"})

    def test_hashes(self):
        client = self.redis
        self.assertEqual(client.hset("h", mapping={"name": "ada", "age": 36}), 2)
        self.assertEqual(client.hset("h", "age", 37), 0)
        self.assertEqual(client.hgetall("h"), {"name": "ada", "age": "37"})
        self.assertEqual(client.hmget("h", "age", "absent"), ["37", None])
        self.assertEqual(client.hincrby("h", "age", 3), 40)
        self.assertEqual(client.hincrbyfloat("h", "weight", 1.5), 1.5)
        self.assertFalse(client.hsetnx("h", "name", "x"))
        self.assertTrue(client.hexists("h", "name"))
        self.assertEqual(sorted(client.hkeys("h")), ["age", "name", "weight"])
        self.assertEqual(sorted(client.hvals("h")), ["1.5", "40", "ada"])
        self.assertEqual(client.hlen("h"), 3)
        self.assertEqual(client.hstrlen("h", "name"), 3)
        self.assertEqual(dict(client.hscan_iter("h")), client.hgetall("h"))
        self.assertEqual(client.hdel("h", "age", "weight", "absent"), 2)

    def test_scan_iter_sees_every_key(self):
        with self.redis.pipeline(transaction=False) as pipe:
            for number in range(5000):
                pipe.set("k:%d" % number, number)
                pipe.sadd("many", number)
                pipe.hset("fields", number, number)
            pipe.execute()
        self.assertEqual(set(self.redis.scan_iter("k:*", count=100)), {"k:%d" % number for number in range(5000)})
        self.assertEqual(set(self.redis.scan_iter(_type="hash")), {"fields"})
        self.assertEqual({int(member) for member in self.redis.sscan_iter("many", count=50)}, set(range(5000)))
        self.assertEqual(len(dict(self.redis.hscan_iter("fields", count=50))), 5000)

    def test_pipelines(self):
        pipe = self.redis.pipeline()  # MULTI ... EXEC
        pipe.set("a", 1).incr("a").sadd("s", "x").hset("h", "f", "v").get("a")
        self.assertEqual(pipe.execute(), [True, 2, 1, 1, "2"])
        pipe = self.redis.pipeline()
        pipe.set("a", "text").incr("a").set("b", "still done")
        with self.assertRaisesRegex(redis.ResponseError, "not an integer"):
            pipe.execute()
        self.assertEqual(self.redis.get("b"), "still done")
        replies = self.redis.pipeline(transaction=False).get("a").lpush("a", 1).ping().execute(raise_on_error=False)
        self.assertEqual((replies[0], replies[2]), ("text", True))
        self.assertIsInstance(replies[1], redis.ResponseError)

    def test_a_watched_transaction_is_tried_again(self):
        self.redis.set("watched", 0)

        def add(_):
            other = redis.Redis(port=self.paris.resp_port)
            for _ in range(30):
                other.transaction(lambda pipe: bump(pipe), "watched")
            other.close()

        def bump(pipe):
            value = int(pipe.get("watched"))
            pipe.multi()
            pipe.set("watched", value + 1)

        threads = [threading.Thread(target=add, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(self.redis.get("watched"), "120")

    def test_a_write_of_another_region_breaks_a_watch(self):
        self.redis.set("w", 0)
        self.cluster.wait_converged()
        with self.redis.pipeline() as pipe:
            pipe.watch("w")
            self.tokyo.call("SET", "w", "from tokyo")
            until(lambda: self.paris.call("GET", "w") == "from tokyo", 20, "tokyo's write arrives")
            pipe.multi()
            pipe.set("w", "from paris")
            with self.assertRaises(redis.WatchError):
                pipe.execute()
        self.assertEqual(self.redis.get("w"), "from tokyo")

    def test_info_and_clients(self):
        info = self.redis.info()
        self.assertTrue(info["redis_version"].startswith("7."))
        self.assertEqual(info["loading"], 0)
        self.redis.client_setname("worker")
        self.assertEqual(self.redis.client_getname(), "worker")
        self.assertIn("worker", [client["name"] for client in self.redis.client_list()])
        self.assertIn("worker", self.redis.client_info()["name"])
        seconds, _ = self.redis.time()
        self.assertGreater(seconds, 1600000000)
        self.assertEqual(self.redis.config_get("appendonly").get("appendonly", "yes"), "yes")
        self.assertGreater(self.redis.command_count(), 60)
        self.assertEqual(self.redis.echo("x"), "x")
        with self.assertRaises(redis.ResponseError):
            redis.Redis(port=self.paris.resp_port, db=1).ping()

    def test_a_pool_reconnects_after_a_restart(self):
        self.redis.set("k", "v")
        pool = redis.BlockingConnectionPool(port=self.tokyo.resp_port, max_connections=8, decode_responses=True)
        clients = [redis.Redis(connection_pool=pool) for _ in range(16)]
        self.cluster.wait_converged()
        self.assertEqual({client.get("k") for client in clients}, {"v"})
        self.tokyo.kill9()
        with self.assertRaises(redis.ConnectionError):
            clients[0].get("k")
        self.tokyo.start()
        until(lambda: self.reads(clients[0]), 20, "the pool's connections are replaced")
        values = []
        threads = [threading.Thread(target=lambda one=client: values.append(one.incr("n"))) for client in clients]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(sorted(values), list(range(1, 17)))
        pool.disconnect()

    def reads(self, client):
        try:
            return client.get("k") == "v"
        except redis.ConnectionError:
            return False


if __name__ == "__main__":
    case.main()
