"""Processes, ports and waiting: what every test with real processes needs.

Nothing outlives the test: a child dies with the thread that started it
(PR_SET_PDEATHSIG), so children are started from the main thread, and what is left at
exit is killed, each by its own pid.
"""
import atexit
import ctypes
import fcntl
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)
_children = []
_port_locks = []

# Waits are multiplied by this: for sanitizers and for slow machines.
PATIENCE = float(os.environ.get("TURNSTONE_TEST_PATIENCE", "1"))


def _die_with_parent():
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def spawn(command, log, env=None, user=None):
    """Starts a process whose output goes to the file `log`."""
    with open(log, "ab") as output:
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, user=user,
            env=clean_environment(env), preexec_fn=_die_with_parent)
    _children.append(child)
    return child


def clean_environment(more=None):
    """Ours without TURNSTONE_*: a server takes its settings from there."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TURNSTONE_")}
    return {**kept, **(more or {})}


def kill(child):
    """SIGKILL and wait; also wakes a stopped process up to die."""
    if child.poll() is None:
        child.kill()
    child.wait()


@atexit.register
def _kill_children():
    for child in _children:
        kill(child)


def scratch_directory(prefix):
    """A directory that is gone when the test ends, unless TURNSTONE_TEST_KEEP is set."""
    path = tempfile.mkdtemp(prefix="turnstone-%s-" % prefix)
    if not os.environ.get("TURNSTONE_TEST_KEEP"):
        atexit.register(shutil.rmtree, path, ignore_errors=True)
    return path


def free_ports(count):
    """Consecutive ports that no other test takes while this process lives. They lie below
    the range from which the system gives ports to outgoing connections."""
    directory = os.path.join(tempfile.gettempdir(), "turnstone-test-ports-%d" % os.getuid())
    os.makedirs(directory, exist_ok=True)
    blocks = range(11000, 31000, 10)
    assert count <= blocks.step
    for base in random.sample(blocks, len(blocks)):
        lock = open(os.path.join(directory, str(base)), "w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            continue
        ports = list(range(base, base + count))
        if all(_is_free(port) for port in ports):
            _port_locks.append(lock)
            return ports
        lock.close()
    raise RuntimeError("no %d free ports in a row" % count)


def _is_free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def until(condition, seconds=30, what="the condition", every=0.02):
    """Polls until `condition` returns something true, and returns it. `what` is a text, or
    a function that describes what is there instead."""
    deadline = time.monotonic() + seconds * PATIENCE
    pause = every
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            text = what() if callable(what) else what
            raise AssertionError("not within %g s: %s" % (seconds * PATIENCE, text))
        time.sleep(pause)
        pause = min(pause * 1.3, 0.5)


def rss_bytes(pid):
    with open("/proc/%d/status" % pid) as status:
        for line in status:
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
    return 0


def open_files(pid):
    return len(os.listdir("/proc/%d/fd" % pid))
