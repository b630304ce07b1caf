"""A peer that lies: the sockets of a region, in the hands of a test. The frames' grammar is
in sync/message.hpp and sync/batch.hpp."""
import ctypes
import ctypes.util

import msgpack
import zmq

MASK = 2**64 - 1
_xxhash = ctypes.CDLL(ctypes.util.find_library("xxhash") or "libxxhash.so.0")
_xxhash.XXH3_64bits.restype = ctypes.c_uint64
_xxhash.XXH3_64bits.argtypes = (ctypes.c_char_p, ctypes.c_size_t)


def hash64(data):
    return _xxhash.XXH3_64bits(data, len(data))


def record(*items):
    return msgpack.packb([item.encode() if isinstance(item, str) else item for item in items], use_bin_type=True)


class FakePeer:
    """Plays `region` towards `leader`, whose --peer flag must name its two ports. Where links
    are encrypted: with the secrets of a key file, towards a leader with that public key."""

    def __init__(self, region, leader, gossip_port, pull_port, secrets=None, leader_key=None):
        self.region = region
        self.cluster = hash64(leader.cluster_name.encode())
        self.context = zmq.Context()
        self.publisher = self.context.socket(zmq.PUB)
        self.router = self.context.socket(zmq.ROUTER)
        self.subscriber = self.context.socket(zmq.SUB)
        self.dealer = self.context.socket(zmq.DEALER)
        if secrets:
            secrets.use(self.publisher, self.router)
            secrets.use(self.subscriber, self.dealer, server=leader_key)
        self.publisher.bind("tcp://127.0.0.1:%d" % gossip_port)
        self.router.bind("tcp://127.0.0.1:%d" % pull_port)
        self.subscriber.setsockopt(zmq.SUBSCRIBE, b"")
        self.subscriber.connect("tcp://127.0.0.1:%d" % leader.gossip_port)
        self.dealer.setsockopt(zmq.ROUTING_ID, region.encode())
        self.dealer.connect("tcp://127.0.0.1:%d" % leader.pull_port)
        for one in (self.publisher, self.router, self.subscriber, self.dealer):
            one.setsockopt(zmq.LINGER, 0)

    def close(self):
        self.context.destroy(linger=0)

    # --- frames

    def head(self, kind, *items, version=1, cluster=None, region=None):
        return record(kind, version, self.cluster if cluster is None else cluster, region or self.region, *items)

    def origin(self, number, region=None):
        """A number that an origin of the region may have: its first 16 bits are the region's."""
        return hash64((region or self.region).encode()) >> 48 << 48 | number

    def beacon(self, origin, vector, **head):
        flat = [number for entry in sorted(vector.items()) for number in entry]
        return self.head(2, origin, 0, **head) + record(*flat)

    def batch(self, origin, first_seq, count, effects, previous_chain=0, hlc=1 << 16, cluster=None, version=1,
              region=None, signer=None):
        """(the batch's bytes with a right checksum, its chain); effects are records. Signed with
        the secrets of `signer`."""
        version = 2 if signer else version
        head = [version, self.cluster if cluster is None else cluster, origin, first_seq, count, previous_chain, hlc]
        if first_seq == 1:
            head.append(region or self.region)
        body = record(*head) + record() + effects
        chain = hash64(body)
        batch = body + chain.to_bytes(8, "little")
        return batch + (signer.sign(batch) if signer else b""), chain

    def publication(self, batch, **head):
        return self.head(1, **head) + record(batch)

    def page(self, request, batches, more=0):
        return self.head(4, request, more) + b"".join(record(batch) for batch in batches)

    # --- sending and hearing

    def publish(self, *frames):
        for frame in frames:
            self.publisher.send(frame)

    def hear(self, milliseconds=3000):
        """The next frame that the leader publishes, or None."""
        return self.subscriber.recv() if self.subscriber.poll(milliseconds) else None

    def asked(self, milliseconds=3000):
        """The next frames that the leader sends to our ROUTER, or None."""
        return self.router.recv_multipart() if self.router.poll(milliseconds) else None


def put_string(key, value, step=0):
    """An effect record: the first of its operation."""
    return record(1, step, key, value)
