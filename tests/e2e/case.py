"""The base of the tests: logs on failure, leaders ended, skips that show."""
import os
import re
import sys
import unittest

import cluster
from processes import until
from resp import Disconnected, ReplyError

SKIP = 77  # what CTest counts as skipped (SKIP_RETURN_CODE)
# What no log may hold, whatever the test does to a leader.
FATAL = re.compile(r"broken invariant|Assertion failed|AddressSanitizer|ThreadSanitizer|runtime error|LeakSanitizer|terminate called")


class ClusterTest(unittest.TestCase):
    """`regions` are started before each test; with `shared` once for the class."""
    regions = cluster.REGIONS
    options = ()
    shared = False
    start_all = True
    proxied = False  # whether a misbehaving network lies between the leaders

    @classmethod
    def make_cluster(cls):
        made = cluster.Cluster(*cls.regions, options=cls.options, proxied=cls.proxied)
        return made.start() if cls.start_all else made

    @classmethod
    def setUpClass(cls):
        if cls.shared:
            cls.cluster = cls.make_cluster()

    @classmethod
    def tearDownClass(cls):
        if cls.shared:
            cls.cluster.close()

    def setUp(self):
        if not self.shared:
            self.cluster = self.make_cluster()

    def tearDown(self):
        for leader in self.cluster:
            found = FATAL.search(leader.log_text())
            if found:
                self.fail("%s's log says: %s" % (leader.region, found.group(0)))
        if not self.shared:
            self.cluster.close()

    def run(self, result=None):
        before = len(result.failures) + len(result.errors)
        super().run(result)
        if len(result.failures) + len(result.errors) > before and hasattr(self, "cluster"):
            for leader in self.cluster:
                print("--- %s: %s\n%s" % (self.id(), leader.region, leader.log_tail()), file=sys.stderr)
                if not self.shared and leader.process is not None:
                    leader.kill9()

    def takes_writes(self, leader, seconds=60):
        """Waits until it does: one that joins starts anew on the copy that it took."""
        def there():
            try:
                return leader.call("SET", "written:" + leader.region, "yes") == "OK"
            except (Disconnected, ReplyError):
                leader._drop_client()
                return False
        until(there, seconds, lambda: "%s takes writes:\n%s" % (leader.region, leader.log_tail()), every=0.05)

    def __getattr__(self, name):
        """self.paris and so on."""
        leaders = self.__dict__.get("cluster") or type(self).__dict__.get("cluster")
        if leaders is not None and name in leaders.leaders:
            return leaders[name]
        raise AttributeError(name)


def number(name, default):
    """A test's size, which the environment may change."""
    return type(default)(os.environ.get(name, default))


def share(count):
    """This process's part of `count` things to do, when side_by_side.py shares them out."""
    index, of = part()
    return count // of + (index < count % of)


def part():
    """(this process's index, how many there are)"""
    index, of = os.environ.get("TURNSTONE_SHARE", "0/1").split("/")
    return int(index), int(of)


class Loader(unittest.TestLoader):
    """Shares the tests of a class out, too; those that go in cycles share the cycles."""

    def getTestCaseNames(self, test_class):
        names = super().getTestCaseNames(test_class)
        index, of = part()
        return names if hasattr(test_class, "cycles") else names[index::of]


def main():
    """unittest.main, but a run that could test nothing is a skip and never a pass."""
    program = unittest.main(module="__main__", verbosity=2, exit=False, warnings="ignore", testLoader=Loader())
    result = program.result
    for test, reason in result.skipped:
        print("SKIPPED %s: %s" % (test, reason))
    if not result.wasSuccessful():
        sys.exit(1)
    if result.testsRun <= len(result.skipped):
        sys.exit(SKIP)
    sys.exit(0)
