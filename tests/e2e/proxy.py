"""A network between leaders that misbehaves: a TCP proxy in front of every door that a leader
opens to another one.

    network = Network()
    address = network.link("tokyo", "paris", paris_ports)   # how tokyo reaches paris
    network.stall("paris", "tokyo")                          # what paris sends does not arrive

A *way* is the bytes from one region to another, on whichever connection they travel: tokyo
hears paris through connections that tokyo made. Faults are per way, so that one direction may
be dead and the other alive; connections are reset, and refused, per pair. Everything runs in
one thread of its own; the methods may be called from any other.
"""
import asyncio
import contextlib
import socket
import struct
import threading
import time

CHUNK = 64 * 1024
CHUNKS_WAITING = 16  # per direction of a connection; then the sender feels it
REFUSE_SECONDS = 0.05


class Way:
    """What happens to the bytes from one region to another."""

    def __init__(self):
        self.delay = 0.0  # seconds
        self.rate = None  # bytes a second
        self.flows = asyncio.Event()
        self.flows.set()
        self.passed = 0

    def clear(self):
        self.delay, self.rate = 0.0, None
        self.flows.set()


class Connection:
    """One connection that `client` made to `server`, and the two pumps that serve it."""

    def __init__(self, network, client, server):
        self.network, self.client, self.server = network, client, server
        self.writers = {}  # region -> where what is for it is written
        self.closed = set()  # regions that were told that nothing more comes

    async def run(self, reader, writer, port):
        try:
            there, to_there = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            reset(writer)
            return
        self.writers = {self.client: writer, self.server: to_there}
        if self.network.is_cut(self.client, self.server):
            self.reset()
            return
        await asyncio.gather(self.pump(reader, self.client, self.server), self.pump(there, self.server, self.client))
        self.reset()

    async def pump(self, reader, source, target):
        """A queue between reading and writing, so that a delay does not limit the rate."""
        queue = asyncio.Queue(CHUNKS_WAITING)
        writing = asyncio.ensure_future(self.write(queue, source, target))
        try:
            while True:
                chunk = await reader.read(CHUNK)
                await queue.put((time.monotonic() + self.network.ways[source, target].delay, chunk))
                if not chunk:
                    break
        except OSError:
            self.reset()
            await queue.put((0, b""))
        await writing

    async def write(self, queue, source, target):
        way, writer = self.network.ways[source, target], self.writers[target]
        with contextlib.suppress(OSError):
            while True:
                due, chunk = await queue.get()
                await asyncio.sleep(max(0, due - time.monotonic()))
                await way.flows.wait()
                if not chunk:
                    break
                if target in self.closed:
                    continue
                writer.write(chunk)
                await writer.drain()
                way.passed += len(chunk)
                if way.rate:
                    await asyncio.sleep(len(chunk) / way.rate)
            self.half_close(target)
            return
        self.reset()
        while (await queue.get())[1]:  # the reader must not wait for room for ever
            pass

    def half_close(self, target):
        """The target learns that nothing more comes, and may go on sending."""
        if target in self.writers and target not in self.closed:
            self.closed.add(target)
            with contextlib.suppress(OSError):
                self.writers[target].write_eof()

    def reset(self):
        for writer in self.writers.values():
            reset(writer)


def reset(writer):
    """RST instead of FIN."""
    with contextlib.suppress(OSError, AttributeError):
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


class Network:
    def __init__(self):
        self.ways = {}
        self.cuts = set()
        self.targets = {}  # (client, server, index of the door) -> port
        self.connections = set()
        self.servers = []
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()

    def _do(self, function, *args):
        """Runs a function in the network's thread."""
        async def call():
            return function(*args)
        return asyncio.run_coroutine_threadsafe(call(), self.loop).result(30)

    # --- building

    def link(self, client, server, ports):
        """The ports at which `client` finds the doors of `server`."""
        return asyncio.run_coroutine_threadsafe(self._link(client, server, ports), self.loop).result(30)

    async def _link(self, client, server, ports):
        for way in ((client, server), (server, client)):
            self.ways.setdefault(way, Way())
        shown = []
        for index, port in enumerate(ports):
            door = (client, server, index)
            self.targets[door] = port

            async def serve(reader, writer, door=door):
                await self._serve(reader, writer, door)
            listening = await asyncio.start_server(serve, "127.0.0.1", 0)
            self.servers.append(listening)
            shown.append(listening.sockets[0].getsockname()[1])
        return shown

    async def _serve(self, reader, writer, door):
        client, server, _ = door
        if self.is_cut(client, server):
            await asyncio.sleep(REFUSE_SECONDS)
            reset(writer)
            return
        connection = Connection(self, client, server)
        self.connections.add(connection)
        try:
            await connection.run(reader, writer, self.targets[door])
        finally:
            self.connections.discard(connection)

    def redirect(self, server, ports):
        """Everybody now finds other doors at the region's address."""
        def change():
            for client, region, index in list(self.targets):
                if region == server:
                    self.targets[client, region, index] = ports[index]
            self._reset(lambda one: one.server == server)
        self._do(change)

    def close(self):
        asyncio.run_coroutine_threadsafe(self._close(), self.loop).result(30)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()

    async def _close(self):
        for server in self.servers:
            server.close()
        self._reset(lambda one: True)
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    # --- faults

    def regions(self):
        return sorted({region for way in self.ways for region in way})

    def is_cut(self, a, b):
        return frozenset((a, b)) in self.cuts

    def _reset(self, which):
        for connection in list(self.connections):
            if which(connection):
                connection.reset()

    def _between(self, a, b):
        return lambda one: {one.client, one.server} == {a, b}

    def stall(self, source, target):
        """Connections stay, and nothing arrives."""
        self._do(self.ways[source, target].flows.clear)

    def delay(self, source, target, seconds):
        self._do(setattr, self.ways[source, target], "delay", seconds)

    def throttle(self, source, target, bytes_per_second):
        self._do(setattr, self.ways[source, target], "rate", bytes_per_second)

    def reset(self, a, b):
        self._do(self._reset, self._between(a, b))

    def half_close(self, source, target):
        def close():
            for connection in self.connections:
                if {connection.client, connection.server} == {source, target}:
                    connection.half_close(target)
        self._do(close)

    def cut(self, a, b):
        """Connections are reset, new ones refused."""
        def change():
            self.cuts.add(frozenset((a, b)))
            self._reset(self._between(a, b))
        self._do(change)

    def flap(self, a, b, times, seconds):
        for _ in range(times):
            self.cut(a, b)
            time.sleep(seconds)
            self.heal(a, b)
            time.sleep(seconds)

    def heal(self, a, b):
        def change():
            self.cuts.discard(frozenset((a, b)))
            self.ways[a, b].clear()
            self.ways[b, a].clear()
        self._do(change)

    def heal_all(self):
        def change():
            self.cuts.clear()
            for way in self.ways.values():
                way.clear()
        self._do(change)

    def passed(self, source, target):
        """Bytes that arrived."""
        return self.ways[source, target].passed


class Weather:
    """Random faults, a new one at each change, as many at once as come together until the
    sky clears."""

    def __init__(self, network, rng):
        self.network, self.rng = network, rng
        self.counts = {}

    def change(self):
        network, rng = self.network, self.rng
        a, b = rng.sample(network.regions(), 2)
        faults = {
            "clear sky": network.heal_all,
            "stall one way": lambda: network.stall(a, b),
            "stall": lambda: (network.stall(a, b), network.stall(b, a)),
            "delay": lambda: network.delay(a, b, rng.uniform(0.001, 0.3)),
            "throttle": lambda: network.throttle(a, b, rng.uniform(8e3, 500e3)),
            "reset": lambda: network.reset(a, b),
            "half close": lambda: network.half_close(a, b),
            "cut": lambda: network.cut(a, b),
            "flap": lambda: network.flap(a, b, 3, rng.uniform(0.005, 0.05)),
            "isolate": lambda: [network.cut(a, other) for other in network.regions() if other != a],
        }
        name = rng.choice(["clear sky"] * 3 + list(faults))
        faults[name]()
        self.counts[name] = self.counts.get(name, 0) + 1
        return name
