"""Writers that keep a ledger: what was acknowledged, and what may have happened. Nothing is
ever sent twice, so after any number of crashes the leaders must agree with the ledger.

- counters: 31 increments each, by 1, 4, 16 ...: the value's digits to base 4 say how often
  each of them took effect
- sets: members that nobody else adds, some of them removed again
- registers: ascending numbers, by one writer at one leader
- causes: x = n is written before y = n; who shows y shows x
"""
import random
import threading
from dataclasses import dataclass
from typing import Callable

from resp import Disconnected, ReplyError, encode

DIGITS = 31


@dataclass
class Operation:
    """A command, and what to note at each turn of its fate."""
    command: tuple
    sent: Callable      # from here on it may have happened
    answered: Callable  # it has
    refused: Callable   # it has not


class Writer:
    """One connection at a time to one of `leaders`; at home when there is only one. Waits up to
    `pause` seconds between pipelines."""

    def __init__(self, name, leaders, seed, pause=0.003):
        self.name = name
        self.leaders = leaders
        self.at_home = len(leaders) == 1
        self.rng = random.Random(seed)
        self.pause = pause
        # Its leader may have forgotten what it acknowledged, until the others bring it back.
        self.forgetful = False
        self.operations = 0
        self.unanswered = 0
        self.next = 0
        self.next_cause = 0
        # The ledger. done: acknowledged. maybe: sent and never answered.
        self.increments_done, self.increments_maybe = set(), set()
        self.members_done, self.members_maybe = set(), set()
        self.removed_done, self.removed_maybe = set(), set()
        self.registers = {}  # key -> [values it may have; the first is the acknowledged one]
        self.error = None
        self._stop = threading.Event()
        self._thread = None

    # --- writing

    def start(self):
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self):
        self._stop.set()
        self._thread.join()
        if self.error:
            raise self.error

    def _run(self):
        client = None
        try:
            while not self._stop.is_set():
                try:
                    if client is None or (not self.at_home and self.rng.random() < 0.1):
                        client = self.rng.choice(self.leaders).connect(timeout=20)
                    self._write(client)
                    self._stop.wait(self.rng.uniform(0, self.pause))
                except Disconnected:
                    client = None
                    self._stop.wait(self.rng.uniform(0, 0.05))
        except Exception as error:
            self.error = error

    def _write(self, client):
        """One pipeline; what is behind a broken connection stays a maybe."""
        sent = [self._draw() for _ in range(self.rng.randint(1, 6))]
        if self.at_home and self.rng.random() < 0.5:
            sent += self._draw_cause()
        for operation in sent:
            operation.sent()
        self.unanswered += len(sent)
        client.send_bytes(b"".join(encode(operation.command) for operation in sent))
        for operation in sent:
            reply = client.read()
            self.unanswered -= 1
            if self.forgetful and operation.command[0] == "SREM" and reply == 0:
                operation.refused()
            elif not isinstance(reply, ReplyError):
                operation.answered()
                self.operations += 1
            elif reply.code == "LOADING":
                operation.refused()
            else:
                raise AssertionError("%s: %s" % (operation.command, reply))

    def _draw(self):
        choice = self.rng.random()
        if choice < 0.5 or not self.at_home:
            return self._increment() if choice < 0.3 else self._add()
        if choice < 0.65 and self.members_done:
            return self._remove()
        return self._set("register:%s:%d" % (self.name, self.rng.randrange(20)))

    def _number(self):
        self.next += 1
        return self.next

    def _increment(self):
        number = self._number()
        counter, digit = divmod(number, DIGITS)
        command = ("HINCRBY", "counters:" + self.name, counter, 4**digit)
        return noted(command, self.increments_maybe, self.increments_done, number)

    def _add(self):
        number = self._number()
        command = ("SADD", "members:" + self.name, number)
        return noted(command, self.members_maybe, self.members_done, number)

    def _remove(self):
        number = self.members_done.pop()
        self.members_maybe.add(number)
        command = ("SREM", "members:" + self.name, number)
        return noted(command, self.removed_maybe, self.removed_done, number)

    def _set(self, key, number=None):
        value = str(number or self._number())
        values = self.registers.setdefault(key, [None])
        return Operation(("SET", key, value), lambda: values.append(value),
                         lambda: values.__setitem__(slice(None), values[values.index(value):]),
                         lambda: values.remove(value))

    def _draw_cause(self):
        self.next_cause += 1
        return [self._set("x:" + self.name, self.next_cause), self._set("y:" + self.name, self.next_cause)]

    # --- checking

    def check(self, leader):
        """What is wrong at this leader, when it has everything: a list of sentences."""
        where = "%s at %s: " % (self.name, leader.region)
        return [where + problem for problem in
                self._check_counters(leader) + self._check_members(leader) + self._check_registers(leader)]

    def _check_counters(self, leader):
        flat = leader.call("HGETALL", "counters:" + self.name)
        values = {int(field): int(value) for field, value in zip(flat[::2], flat[1::2])}
        problems = []
        for number in range(1, self.next + 1):
            counter, digit = divmod(number, DIGITS)
            times = values.get(counter, 0) // 4**digit % 4
            if number in self.increments_done:
                allowed = (1,)
            elif number in self.increments_maybe:
                allowed = (0, 1)
            else:
                allowed = (0,)
            if times not in allowed:
                problems.append("increment %d took effect %d times, not %s" % (number, times, allowed))
        return problems

    def _check_members(self, leader):
        found = {int(member) for member in leader.call("SMEMBERS", "members:" + self.name)}
        problems = []
        lost = self.members_done - found
        if lost:
            problems.append("lost members: %s" % sorted(lost)[:10])
        strangers = found - self.members_done - self.members_maybe
        if strangers:
            problems.append("members that nobody added: %s" % sorted(strangers)[:10])
        back = found & self.removed_done
        if back:
            problems.append("removed members that are back: %s" % sorted(back)[:10])
        return problems

    def _check_registers(self, leader):
        problems = []
        for key, values in self.registers.items():
            found = leader.call("GET", key)
            if found not in values:
                problems.append("%s is %s, not one of %s" % (key, found, values[:5]))
        return problems


def noted(command, maybe, done, number):
    def answered():
        maybe.discard(number)
        done.add(number)
    return Operation(command, lambda: maybe.add(number), answered, lambda: maybe.discard(number))


class Relay:
    """Reads the writers' x at one leader and writes it there as z: who shows z shows x. And
    watches: at every leader y <= x and z <= x, at any time."""

    def __init__(self, leaders, writers, seed, pause=0):
        self.leaders = leaders
        self.names = [writer.name for writer in writers if writer.at_home]
        self.rng = random.Random(seed)
        self.pause = pause
        self.looks = 0
        self.error = None
        self._stop = threading.Event()
        self._thread = None

    def start(self):
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self):
        self._stop.set()
        self._thread.join()
        if self.error:
            raise self.error

    def _run(self):
        while not self._stop.is_set():
            try:
                with self.rng.choice(self.leaders).connect(timeout=20) as client:
                    for _ in range(20):
                        self._look(client)
                        self._stop.wait(self.rng.uniform(0, self.pause))
            except Disconnected:
                self._stop.wait(0.01)
            except Exception as error:
                if not (isinstance(error, ReplyError) and error.code == "LOADING"):
                    self.error = error
                    return

    def _look(self, client):
        for name in self.names:
            y, z, x = (int(value or 0) for value in client.call("MGET", "y:" + name, "z:" + name, "x:" + name))
            if y > x or z > x:
                raise AssertionError("an effect without its cause: %s has x=%d y=%d z=%d" % (name, x, y, z))
            # One relay for all, so z only grows.
            if x > z:
                client.call("SET", "z:" + name, x)
            self.looks += 1
