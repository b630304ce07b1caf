"""A small RESP client for tests: one connection, no pool, no retry, no magic.

A test that counts what was acknowledged must know of every byte sent, so nothing here
sends a command twice. Knows RESP2 and RESP3 replies and keeps their types apart.
"""
import socket


class ReplyError(Exception):
    """An error reply; `code` is its first word."""

    @property
    def code(self):
        return str(self).split(" ", 1)[0]

    def __eq__(self, other):
        return isinstance(other, ReplyError) and str(self) == str(other)

    __hash__ = Exception.__hash__


class Disconnected(Exception):
    """The server closed the connection: the fate of unanswered commands is unknown."""


class Simple(str):
    """A simple string (+OK), told from a bulk string where `raw` was asked for."""


class Pushed(list):
    """An out-of-band message of RESP3."""


def encode(args):
    out = [b"*%d\r\n" % len(args)]
    for arg in args:
        if not isinstance(arg, bytes):
            arg = str(arg).encode("utf-8", "surrogateescape")
        out.append(b"$%d\r\n%s\r\n" % (len(arg), arg))
    return b"".join(out)


class Resp:
    """`raw`: bulk strings as bytes, simple strings as Simple. Otherwise all are str."""

    def __init__(self, port, host="127.0.0.1", timeout=30, raw=False):
        self.raw = raw
        try:
            self.socket = socket.create_connection((host, port), timeout=timeout)
        except OSError as error:
            raise Disconnected(str(error)) from error
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.input = self.socket.makefile("rb")

    def call(self, *args):
        """The reply; an error reply is raised."""
        reply = self.pipeline([args])[0]
        if isinstance(reply, ReplyError):
            raise reply
        return reply

    def pipeline(self, commands):
        """All replies; error replies are values."""
        self.send_bytes(b"".join(encode(command) for command in commands))
        return [self.read() for _ in commands]

    def send(self, *args):
        self.send_bytes(encode(args))

    def send_bytes(self, data):
        try:
            self.socket.sendall(data)
        except OSError as error:
            raise Disconnected(str(error)) from error

    def read(self):
        try:
            return self._read()
        except OSError as error:
            raise Disconnected(str(error)) from error

    def _read(self):
        line = self.input.readline()
        if not line.endswith(b"\r\n"):
            raise Disconnected("end of stream")
        kind, rest = line[:1], line[1:-2]
        if kind == b"+":
            text = rest.decode("utf-8", "surrogateescape")
            return Simple(text) if self.raw else text
        if kind == b"-":
            return ReplyError(rest.decode("utf-8", "surrogateescape"))
        if kind == b":":
            return int(rest)
        if kind in (b"$", b"="):
            return self._bulk(int(rest), kind == b"=")
        if kind == b"*":
            return None if rest == b"-1" else [self._read() for _ in range(int(rest))]
        if kind == b"%":
            return dict((freeze(self._read()), self._read()) for _ in range(int(rest)))
        if kind == b"~":
            return set(freeze(self._read()) for _ in range(int(rest)))
        if kind == b">":
            return Pushed(self._read() for _ in range(int(rest)))
        if kind == b"_":
            return None
        if kind == b",":
            return float(rest)
        if kind == b"#":
            return rest == b"t"
        if kind == b"(":
            return int(rest)
        raise AssertionError("no RESP type: %r" % line)

    def _bulk(self, length, verbatim):
        if length < 0:
            return None
        data = self.input.read(length + 2)
        if len(data) != length + 2:
            raise Disconnected("end of stream")
        if data[-2:] != b"\r\n":
            raise AssertionError("a bulk string of another length than announced: %r" % data[-20:])
        data = data[4:-2] if verbatim else data[:-2]
        return data if self.raw else data.decode("utf-8", "surrogateescape")

    def close(self):
        self.input.close()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def freeze(value):
    return tuple(value) if isinstance(value, list) else value
