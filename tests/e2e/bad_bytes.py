#!/usr/bin/python3
"""Bytes that no client should send, at the RESP port: the leader answers with an error or
closes, goes on serving, keeps its data and its size."""
import contextlib
import os
import random
import socket
import time

import case
from processes import open_files, until
from resp import Disconnected, ReplyError, Resp, encode

GROWTH_LIMIT = 100 * 2**20
SEED = case.number("TURNSTONE_SEED", random.randrange(10**6))
MALFORMED = [
    (b"*1000000000\r\n", "a count beyond every limit"),
    (b"*-5\r\n*x\r\n", "a negative count, which is nothing, and a word for a count"),
    (b"*99999999999999999999999\r\n", "a count beyond 64 bits"),
    (b"*1\r\n$1000000000000\r\n", "a length beyond every limit"),
    (b"*1\r\n$-7\r\nPING\r\n", "a negative length"),
    (b"*1\r\n$99999999999999999999\r\n", "a length beyond 64 bits"),
    (b"*1\r\n$4\r\nPINGxx", "a bulk string without its end"),
    (b"*2\r\n$4\r\nPING\r\n:5\r\n", "an integer where a bulk string must be"),
    (b"*2\r\n*1\r\n$4\r\nPING\r\n", "an array in an array"),
    (b"%1\r\n+a\r\n+b\r\n", "a map as a request"),
    (b"*1\n$4\nPING\n", "line feeds only"),
    (b"*x\r\n", "a word for a count"),
    (b"$4\r\nPING\r\n", "a bulk string alone"),
    (b"\x00\x00\x00\x00\r\n", "zero bytes"),
    (b"\xff\xfe\xfd" * 100 + b"\r\n", "bytes that are no text"),
    (b"A" * 200000, "a line without an end"),
    (b"SET k \"unbalanced\r\n", "an inline command with an open quote"),
    (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "a browser"),
    (b"POST / HTTP/1.1\r\nHost: localhost\r\n\r\nFLUSHALL\r\n", "a browser that posts commands"),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "a TLS greeting"),
    (b"\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f\x03\x00NULL", "a ZeroMQ greeting"),
]


class BadBytes(case.ClusterTest):
    regions = ("paris",)

    def setUp(self):
        super().setUp()
        self.paris.pipeline([("SET", "k", "v"), ("SADD", "s", "a", "b"), ("HSET", "h", "f", "1"), ("INCR", "c")])
        self.digest = self.paris.digest()
        self.rss = self.paris.rss()
        self.files = open_files(self.paris.process.pid)

    def tearDown(self):
        self.check_unharmed()
        super().tearDown()

    def check_unharmed(self):
        self.assertTrue(self.paris.is_running(), "the leader ended")
        with self.paris.connect(timeout=10) as client:
            self.assertEqual(client.call("PING"), "PONG")
            self.assertEqual(client.call("TS.DIGEST"), self.digest)
        growth = self.paris.rss() - self.rss
        self.assertLess(growth, GROWTH_LIMIT, "RSS grew by %d MiB" % (growth / 2**20))

    def check_sockets_closed(self):
        until(lambda: open_files(self.paris.process.pid) <= self.files + 3, 20,
              lambda: "sockets closed: %d open" % open_files(self.paris.process.pid))

    def raw(self):
        return socket.create_connection(("127.0.0.1", self.paris.resp_port), timeout=5)

    def exchange(self, payload):
        """What is answered; nothing when the leader would not hear all of it."""
        with self.raw() as client:
            try:
                client.sendall(payload)
                client.shutdown(socket.SHUT_WR)
                return read_all(client)
            except OSError as error:
                self.assertNotIsInstance(error, TimeoutError)
                return b""

    def test_malformed_requests(self):
        for payload, what in MALFORMED:
            with self.subTest(what):
                answer = self.exchange(payload)
                self.assertTrue(answer == b"" or answer.startswith(b"-") or b"\r\n-ERR" in answer, answer[:200])
                self.assertEqual(self.paris.call("PING"), "PONG")
        self.check_sockets_closed()

    def test_a_protocol_error_is_answered_and_ends_the_connection(self):
        for payload, error in ((b"*1\r\n$4x\r\n", b"-ERR Protocol error: invalid bulk length\r\n"),
                               (b"*x\r\n", b"-ERR Protocol error: invalid multibulk length\r\n"),
                               (b"*1\r\n:1\r\n", b"-ERR Protocol error: expected '$', got ':'\r\n")):
            with self.raw() as client:
                client.sendall(b"PING\r\n" + payload + b"PING\r\n")
                self.assertEqual(read_all(client), b"+PONG\r\n" + error)

    def test_random_bytes(self):
        print("TURNSTONE_SEED=%d" % SEED)
        rng = random.Random(SEED)
        alphabet = [b"\r\n", b"*", b"$", b"3", b"-1", b"PING", b"\x00", b" ", b":", b"\xff", b"*1\r\n$4\r\n",
                    b"MULTI\r\n"]
        for _ in range(400):
            payload = (rng.randbytes(rng.randint(1, 3000)) if rng.random() < 0.4
                       else b"".join(rng.choices(alphabet, k=rng.randint(1, 300))))
            self.exchange(payload)
        self.check_sockets_closed()

    def test_damaged_commands(self):
        """One byte of a well-formed pipeline of reads is changed, cut out or doubled."""
        rng = random.Random(SEED)
        good = b"".join(encode(command) for command in (
            ("GET", "k"), ("SMEMBERS", "s"), ("HGETALL", "h"), ("MULTI",), ("GET", "c"), ("EXEC",), ("SCAN", "0")))
        for _ in range(400):
            at = rng.randrange(len(good))
            payload = good[:at] + rng.choice((b"", rng.randbytes(1), good[at:at + 1] * 2)) + good[at + 1:]
            self.exchange(payload)
        self.check_sockets_closed()

    def test_a_request_in_single_bytes_is_a_request(self):
        with self.raw() as client:
            for byte in encode(("GET", "k")):
                client.sendall(bytes([byte]))
                time.sleep(0.001)
            self.assertEqual(client.recv(100), b"$1\r\nv\r\n")

    def test_slow_clients_do_not_hold_up_others(self):
        slow = [self.raw() for _ in range(300)]
        for client in slow:
            client.sendall(b"*3\r\n$3\r\nSET\r\n$1\r\nz\r\n$1000000\r\nx")
        for _ in range(20):
            for client in slow:
                client.sendall(b"x")
            self.assertEqual(self.paris.call("GET", "k"), "v")
        for client in slow:
            client.close()
        self.check_sockets_closed()

    def test_clients_that_do_not_read_cost_little(self):
        """Each asks for 100 MB and reads nothing; the leader holds a few output buffers of
        8 MiB. Then they get their answers, or find themselves disconnected."""
        self.paris.call("SET", "big", "x" * 1000000)
        self.digest = self.paris.digest()
        clients = [self.raw() for _ in range(5)]
        for client in clients:
            client.sendall(encode(("GET", "big")) * 100)
        for _ in range(20):
            self.assertEqual(self.paris.call("GET", "k"), "v")
            time.sleep(0.05)
        self.check_unharmed()
        for client in clients:
            client.shutdown(socket.SHUT_WR)
            client.settimeout(20)
            self.assertLessEqual(self.bytes_until_closed(client), 100 * 1000012)
            client.close()
        self.paris.call("DEL", "big")
        self.digest = self.paris.digest()
        self.check_sockets_closed()

    @staticmethod
    def bytes_until_closed(client):
        count = 0
        with contextlib.suppress(ConnectionError):
            while chunk := client.recv(1 << 20):
                count += len(chunk)
        return count

    def test_a_value_too_big_is_refused_by_its_length(self):
        with self.raw() as client:
            client.sendall(b"*3\r\n$3\r\nSET\r\n$1\r\nz\r\n$1073741824\r\n")
            self.assertRegex(read_all(client), rb"^-ERR Protocol error: invalid bulk length.*\r\n$")

    def test_a_key_too_long_is_refused(self):
        with self.paris.connect() as client:
            with self.assertRaises(ReplyError):
                client.call("SET", "k" * 100000, "v")
            self.assertEqual(client.call("PING"), "PONG")

    def test_a_thousand_connections_come_and_go(self):
        for _ in range(3):
            clients = [self.paris.connect() for _ in range(300)]
            self.assertTrue(all(client.call("PING") == "PONG" for client in clients))
            for client in clients[::2]:
                client.send("GET", "k")  # and gone before the answer
            for client in clients:
                client.close()
        self.check_sockets_closed()


class Unauthenticated(case.ClusterTest):
    regions = ("paris",)
    start_all = False
    password = "correct horse battery staple"

    def setUp(self):
        super().setUp()
        path = os.path.join(self.cluster.root, "password")
        with open(path, "w") as file:
            file.write(self.password + "\n")
        os.chmod(path, 0o600)
        self.paris.options = ["--requirepass-file", path]
        self.paris.start(wait=False)
        until(self.is_up, 20, "the port answers")

    def is_up(self):
        try:
            with self.paris.connect() as client:
                return isinstance(client.pipeline([("PING",)])[0], ReplyError)
        except Disconnected:
            return False

    def test_nothing_without_a_password(self):
        with self.paris.connect() as client:
            for command in (("GET", "k"), ("SET", "k", "v"), ("PING",), ("INFO",), ("TS.CONFLICTS",),
                            ("TS.DIGEST",), ("TS.LINK", "CUT", "tokyo"), ("MULTI",), ("CONFIG", "GET", "*"),
                            ("HELLO", "3")):
                with self.assertRaisesRegex(ReplyError, "^NOAUTH"):
                    client.call(*command)
            with self.assertRaisesRegex(ReplyError, "^WRONGPASS"):
                client.call("AUTH", "wrong")
            self.assertEqual(client.call("AUTH", self.password), "OK")
            self.assertEqual(client.call("SET", "k", "v"), "OK")
        with self.paris.connect() as client:
            reply = client.call("HELLO", "3", "AUTH", "default", self.password)
            self.assertEqual(reply["proto"], 3)
            self.assertEqual(client.call("GET", "k"), "v")

    def test_large_requests_are_refused_before_authentication(self):
        for payload in (b"*11\r\n", b"*1\r\n$16385\r\n"):
            with Resp(self.paris.resp_port) as client:
                client.send_bytes(payload)
                self.assertRegex(str(client.read()), "unauthenticated")
                with self.assertRaises(Disconnected):
                    client.read()

    def test_the_password_is_nowhere_to_be_seen(self):
        with self.paris.connect() as client:
            client.call("AUTH", self.password)
            self.assertNotIn(self.password, str(client.call("INFO")))
            self.assertNotIn(self.password, str(client.call("CONFIG", "GET", "*")))
        self.assertNotIn(self.password, self.paris.log_text())
        with open("/proc/%d/cmdline" % self.paris.process.pid) as line:
            self.assertNotIn(self.password, line.read())


def read_all(client):
    data = b""
    while chunk := client.recv(65536):
        data += chunk
    return data


if __name__ == "__main__":
    case.main()
