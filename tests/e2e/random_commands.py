"""Random sequences of the supported commands, for comparing two servers: few keys, fields
and values, so that commands meet; wrong kinds, wrong counts of arguments and wrong numbers
now and then. Commands that choose at random appear only where one answer is right."""

KEYS = ["k%d" % number for number in range(8)]
FIELDS = ["f%d" % number for number in range(5)]
MEMBERS = ["a", "b", "c", "1", "2", "10", "", "x y", "é"]
VALUES = ["", "v", "0", "1", "-1", "5", "10", "007", " 1", "1 ", "+1", "-0", "1.5", "abc", "1e3", "9223372036854775807",
          "-9223372036854775808", "9223372036854775808", "x" * 100, "\r\n", "\x00\x01"]
INTEGERS = ["0", "1", "-1", "2", "7", "100", "-50", "9223372036854775807", "-9223372036854775808",
            "9223372036854775808", "abc", "", "1.5", " 3", "+3"]
# Fractions that binary floating point has exactly: Redis rounds others, a leader does not.
FLOATS = ["0", "1", "-1", "0.5", "1.25", "-2.75", "3.0", "100", "0.125", "5e3", "abc", ""]
PATTERNS = ["*", "k*", "k[0-3]", "k?", "?1", "k[^1]", "*5", "x*", "k\\1", "", "[k", "**1*"]
COUNTS = ["0", "1", "2", "100", "-1", "-3", "abc", "9223372036854775807", "-9223372036854775808"]

# Replies whose order is of no meaning; HGETALL's in pairs.
UNORDERED = {"SMEMBERS", "SINTER", "SUNION", "SDIFF", "HKEYS", "HVALS", "KEYS", "HGETALL", "SPOP", "SRANDMEMBER",
             "HRANDFIELD"}


class Generator:
    """`floats`: the FLOAT commands and moderate numbers; otherwise integers to the limit."""

    def __init__(self, rng, floats):
        self.rng = rng
        left_out = "APPEND" if floats else "FLOAT"  # APPEND makes numbers that are too large
        self.templates = [line.split() for line in TEMPLATES.strip().splitlines() if left_out not in line]
        self.choices = {"KEY": KEYS, "FIELD": FIELDS, "MEMBER": MEMBERS, "FLOAT": FLOATS, "PATTERN": PATTERNS,
                        "COUNT": COUNTS, "VALUE": [value for value in VALUES if not floats or len(value) < 15],
                        "INT": [value for value in INTEGERS if not floats or len(value) < 15]}

    def one(self):
        """A command outside of a transaction."""
        words = self.rng.choice(self.templates)
        command = [word for part in words for word in self.expand(part)]
        if self.rng.random() < 0.02 and command[0] not in ("SPOP", "SRANDMEMBER", "HRANDFIELD"):
            command = command[:self.rng.randrange(1, len(command) + 1)] + self.rng.choice(([], ["x"], ["x", "y"]))
        if self.rng.random() < 0.1:
            command[0] = command[0].lower()
        return command

    def transaction(self):
        commands = [self.one() for _ in range(self.rng.randint(0, 6))]
        start = [["WATCH", self.rng.choice(KEYS)]] if self.rng.random() < 0.3 else []
        end = ["DISCARD"] if self.rng.random() < 0.15 else ["EXEC"]
        return [*start, ["MULTI"], *commands, end]

    def batch(self):
        commands = []
        while len(commands) < 40:
            commands += self.transaction() if self.rng.random() < 0.08 else [self.one()]
        return commands

    def expand(self, part):
        choices = self.choices
        name, star, _ = part.partition("*")
        if "+" in name:  # FIELD+VALUE*: one or more pairs
            return [self.rng.choice(choices[one]) for _ in range(self.rng.randint(1, 3)) for one in name.split("+")]
        if name in choices:
            return [self.rng.choice(choices[name]) for _ in range(self.rng.randint(1, 4) if star else 1)]
        if "|" in part:  # one of these; "-" is nothing
            word = self.rng.choice(part.split("|"))
            return [] if word == "-" else [word]
        return [part]


TEMPLATES = """
SET KEY VALUE
SET KEY VALUE NX|XX|GET|KEEPTTL|BOGUS|-
SET KEY VALUE NX|XX|GET|- GET|XX|NX|-
SETNX KEY VALUE
GETSET KEY VALUE
GETDEL KEY
GET KEY
MGET KEY*
MSET KEY+VALUE*
APPEND KEY VALUE
STRLEN KEY
INCR KEY
DECR KEY
INCRBY KEY INT
DECRBY KEY INT
INCRBYFLOAT KEY FLOAT
DEL KEY*
UNLINK KEY*
EXISTS KEY*
TYPE KEY
KEYS PATTERN
DBSIZE
RENAME KEY KEY
FLUSHDB
SADD KEY MEMBER*
SADD KEY MEMBER*
SREM KEY MEMBER*
SMEMBERS KEY
SISMEMBER KEY MEMBER
SMISMEMBER KEY MEMBER*
SCARD KEY
SMOVE KEY KEY MEMBER
SINTER KEY*
SUNION KEY*
SDIFF KEY*
SINTERSTORE KEY KEY*
SUNIONSTORE KEY KEY*
SDIFFSTORE KEY KEY*
SPOP KEY 100
SPOP KEY 0|-1|abc
SRANDMEMBER KEY 100
SRANDMEMBER KEY 0|abc
HSET KEY FIELD+VALUE*
HSET KEY FIELD+VALUE*
HMSET KEY FIELD+VALUE*
HSETNX KEY FIELD VALUE
HGET KEY FIELD
HMGET KEY FIELD*
HGETALL KEY
HDEL KEY FIELD*
HEXISTS KEY FIELD
HLEN KEY
HKEYS KEY
HVALS KEY
HSTRLEN KEY FIELD
HINCRBY KEY FIELD INT
HINCRBYFLOAT KEY FIELD FLOAT
HRANDFIELD KEY 100
HRANDFIELD KEY 0|abc
HRANDFIELD KEY 100 WITHVALUES|BOGUS
SCAN 0 COUNT 1000
SCAN 0 COUNT COUNT
SCAN 0 MATCH PATTERN COUNT 1000
SCAN 0 TYPE set|hash|string|zset|bogus COUNT 1000
SCAN abc
SSCAN KEY 0 COUNT 1000
SSCAN KEY 0 MATCH PATTERN COUNT 1000
HSCAN KEY 0 COUNT 1000
HSCAN KEY 0 MATCH f[1-3] COUNT 1000
PING
PING VALUE
ECHO VALUE
SELECT 0
SELECT 99999|abc|-1
UNWATCH
CLIENT GETNAME
FROBNICATE KEY
CONFIG GET bogus
CLIENT BOGUS
DISCARD
EXEC
"""
