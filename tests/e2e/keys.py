"""Keys for leaders under test: key files as turnstone keygen makes them, and a settings file
per leader that names its own and its peers'. A leader reads that file again on SIGHUP."""
import base64
import ctypes
import ctypes.util
import os
import re
import signal
import subprocess

import zmq.utils.z85

import cluster
import processes

_sodium = ctypes.CDLL(ctypes.util.find_library("sodium") or "libsodium.so.23")


def keygen(path, way="--out"):
    """Makes a key file; its public key."""
    done = subprocess.run([cluster.binary(), "keygen", way, path], capture_output=True, text=True, check=True)
    return done.stdout.strip()


class Keys:
    """One leader's settings file: what it holds, and what of others it believes."""

    def __init__(self, leader, root):
        self.leader = leader
        self.path = os.path.join(root, leader.region + ".toml")
        self.file = os.path.join(root, leader.region + ".key")
        self.public = keygen(self.file)
        self.peers = {}    # region -> public keys that are valid
        self.earlier = []  # (region, public key)
        leader.options = leader.options + ["--config", self.path]

    def write(self):
        lists = {"peer_key": [(region, key) for region, keys in self.peers.items() for key in keys],
                 "earlier_key": self.earlier}
        with open(self.path, "w") as file:
            file.write('key_file = "%s"\n' % self.file)
            for name, items in lists.items():
                file.write("%s = [%s]\n" % (name, ", ".join('"%s=%s"' % item for item in items)))

    def make_next(self):
        """Another key file beside the one in use; its public key."""
        self.next_file = "%s.%d" % (self.file, len(self.earlier) + 1)
        return keygen(self.next_file)

    def use_next(self):
        """From the next reload on; the old key stays known as one of the past."""
        self.earlier.append((self.leader.region, self.public))
        self.file, self.public = self.next_file, keygen(self.next_file, "--show")

    def reload(self):
        """The leader reads its keys again, and has said what came of it."""
        said = "the keys (are|were) "
        before = len(re.findall(said, self.leader.log_text()))
        self.write()
        self.leader.process.send_signal(signal.SIGHUP)
        processes.until(lambda: len(re.findall(said, self.leader.log_text())) > before, 20,
                        lambda: "%s reads its keys again:\n%s" % (self.leader.region, self.leader.log_tail()))


def give_keys(leaders, root, *more):
    """Keys to every leader, and each knows the others'; `more` are (region, public key) of
    peers that are no leaders. region -> Keys."""
    given = {leader.region: Keys(leader, root) for leader in leaders}
    public = {region: [keys.public] for region, keys in given.items()}
    public.update((region, [key]) for region, key in more)
    for region, keys in given.items():
        keys.peers = {peer: list(words) for peer, words in public.items() if peer != region}
        keys.write()
    return given


def curve_public(word):
    """The CURVE key of a public key, as ZeroMQ wants it."""
    return zmq.utils.z85.encode(_bytes_of(word)[:32])


class Secrets:
    """What a key file holds, in the hands of one who may misuse it."""

    def __init__(self, path):
        with open(path) as file:
            word, = [line.strip() for line in file if not line.startswith("#")]
        secret = _bytes_of(word)
        self.curve_secret = zmq.utils.z85.encode(secret[:32])
        self.curve_public = zmq.curve_public(self.curve_secret)
        self._public, self._secret = ctypes.create_string_buffer(32), ctypes.create_string_buffer(64)
        _sodium.crypto_sign_seed_keypair(self._public, self._secret, secret[32:])

    def sign(self, data):
        signature = ctypes.create_string_buffer(64)
        _sodium.crypto_sign_detached(signature, None, data, ctypes.c_ulonglong(len(data)), self._secret)
        return signature.raw

    def use(self, *sockets, server=None):
        """Before they are bound or connected: servers, or clients of a public key."""
        for socket in sockets:
            socket.curve_secretkey, socket.curve_publickey = self.curve_secret, self.curve_public
            if server is None:
                socket.curve_server = True
            else:
                socket.curve_serverkey = curve_public(server)


def _bytes_of(word):
    return base64.urlsafe_b64decode(word.split("-", 1)[1] + "==")
