#!/usr/bin/python3
"""The record of conflicts: what TS.AUDIT and `turnstone audit` show of it, and what they put back."""
import json
import subprocess

import case
import cluster
import processes
from processes import until
from resp import ReplyError


def audit(*words, at=(), data=(), env=None):
    """Runs it; its exit code, what it printed, and what it complained of."""
    flags = [word for leader in at for word in ("--at", "127.0.0.1:%d" % leader.resp_port)]
    flags += [word for directory in data for word in ("--data", directory)]
    done = subprocess.run([cluster.binary(), "audit", *words, *flags], capture_output=True, text=True,
                          timeout=60 * processes.PATIENCE, env={**processes.clean_environment(), **(env or {})})
    return done.returncode, done.stdout, done.stderr


def lines(*words, at=(), data=()):
    return [json.loads(line) for line in audit(*words, "--json", at=at, data=data)[1].splitlines()]


class Audit(case.ClusterTest):
    options = ("--checkpoint-interval-ms", "3000")

    def conflict(self, *pairs):
        """Pairs of commands, the first at paris, the second at tokyo, neither knowing of the other."""
        self.cluster.wait_converged()
        self.cluster.cut("paris", "tokyo")
        self.cluster.cut("paris", "dallas")
        for first, second in pairs:
            self.paris.call(*first)
            self.tokyo.call(*second)
        self.cluster.heal("paris", "tokyo")
        self.cluster.heal("paris", "dallas")
        self.cluster.wait_converged()

    def test_a_conflict_is_on_record_once_under_one_id_everywhere(self):
        self.conflict((("SET", "price", "11"), ("SET", "price", "12")))
        everywhere = [lines("list", "--key", "price", at=[leader]) for leader in self.cluster]
        for found in everywhere:
            self.assertEqual(len(found), 1, found)
            self.assertEqual(found[0]["id"], everywhere[0][0]["id"])
        union = lines("list", "--key", "price", at=self.cluster)
        self.assertEqual(len(union), 1)
        self.assertEqual(sorted(union[0]["on_record_in"]), ["dallas", "paris", "tokyo"])
        self.assertEqual({side["region"]: side["value"] for side in union[0]["values"]},
                         {"paris": "11", "tokyo": "12"})
        # Neither author had seen the other's write.
        first, second = union[0]["values"]
        for side, other in ((first, second), (second, first)):
            self.assertIsNotNone(side["context"])
            self.assertLess(side["context"].get(other["origin"], 0), other["seq"])
        self.assertEqual((union[0]["type"], union[0]["rule"], union[0]["by_clock"], union[0]["open"]),
                         ("concurrent_write", "lww", True, True))
        self.tokyo.call("SET", "price", "13")
        self.cluster.wait_converged()
        self.assertEqual([found["open"] for found in lines("list", "--key", "price", at=self.cluster)], [False])
        self.assertEqual(lines("list", "--key", "price", "--open", at=[self.paris]), [])

    def test_it_survives_a_kill_and_a_stop_and_is_read_without_a_leader(self):
        self.conflict((("SET", "a", "1"), ("SET", "a", "2")))
        known = {found["id"] for found in lines("list", at=[self.paris])}
        self.paris.kill9()
        self.paris.start()
        self.assertLessEqual(known, {found["id"] for found in lines("list", at=[self.paris])})
        self.conflict((("SET", "b", "1"), ("SET", "b", "2")))
        known = {found["id"] for found in lines("list", at=[self.paris])}
        self.paris.stop()
        self.assertLessEqual(known, {found["id"] for found in lines("list", data=[self.paris.data])})
        union = lines("list", "--key", "b", at=[self.tokyo], data=[self.paris.data])
        self.assertEqual([sorted(found["on_record_in"]) for found in union], [["paris", "tokyo"]])
        self.paris.start()

    def test_pages_have_each_once(self):
        self.conflict(*[(("SET", "page:%d" % i, "p"), ("SET", "page:%d" % i, "t")) for i in range(1200)])
        found = lines("export", "--key", "page:*", at=self.cluster)
        self.assertEqual(sorted(each["key"] for each in found), sorted("page:%d" % i for i in range(1200)))
        self.assertEqual([each["at_ms"] for each in found], sorted((each["at_ms"] for each in found), reverse=True))
        self.assertEqual(len(lines("list", "--key", "page:*", "--limit", "700", at=[self.tokyo])), 700)
        stats = lines("stats", "--key", "page:*", at=self.cluster)[0]
        self.assertEqual((stats["total"], stats["prefixes"], stats["pairs"]),
                         (1200, {"page:*": 1200}, {"paris tokyo": 1200}))
        server = cluster.as_dict(self.paris.call("TS.AUDIT", "STATS", "KEY", "page:*"))
        self.assertEqual(server["total"], 1200)

    def test_conditions(self):
        self.conflict((("SET", "c:1", "p"), ("SET", "c:1", "t")), (("SADD", "c:2", "m"), ("SET", "c:2", "t")))
        self.paris.call("HSET", "c:3", "f", "v")
        self.conflict((("HDEL", "c:3", "f"), ("HSET", "c:3", "f", "w")))
        keys = lambda *flags: sorted({each["key"] for each in lines("list", "--key", "c:*", *flags, at=[self.dallas])})
        self.assertEqual(keys(), ["c:1", "c:2", "c:3"])
        self.assertEqual(keys("--type", "update_vs_delete"), ["c:3"])
        self.assertEqual(keys("--type", "kind_conflict"), ["c:2"])
        self.assertEqual(keys("--by-clock"), ["c:1", "c:2"])
        self.assertEqual(keys("--rule", "write-*"), ["c:3"])
        self.assertEqual(keys("--region", "dallas"), [])
        self.assertEqual(keys("--since", "1h"), ["c:1", "c:2", "c:3"])
        self.assertEqual(keys("--until", "1h"), [])

    def test_replies_come_in_order_and_one_question_too_many_is_refused(self):
        self.conflict((("SET", "o", "p"), ("SET", "o", "t")))
        with self.paris.connect() as client:
            replies = client.pipeline([("SET", "x", "1"), ("TS.AUDIT", "LIST", "KEY", "o"), ("GET", "x"),
                                       ("TS.AUDIT", "SHOW", "0" * 32), ("PING",)])
            self.assertEqual((replies[0], replies[2], replies[3], replies[4]), ("OK", "1", None, "PONG"))
            self.assertEqual(cluster.as_dict(replies[1][1][0])["key"], "o")
            replies = client.pipeline([("TS.AUDIT", "LIST")] * 3000)
            refused = [reply for reply in replies if isinstance(reply, ReplyError)]
            self.assertTrue(all(reply.code == "BUSY" for reply in refused), refused[:1])
            self.assertGreater(len(replies) - len(refused), 0)
            self.assertEqual(client.call("PING"), "PONG")
            client.call("MULTI")
            with self.assertRaisesRegex(ReplyError, "MULTI"):
                client.call("TS.AUDIT", "LIST")

    def test_explain_tells_the_story_and_the_way_back(self):
        self.conflict((("SET", "story", "11"), ("SET", "story", "12")))
        code, text, _ = audit("explain", "story", at=[self.paris, self.tokyo])
        self.assertEqual(code, 0)
        for part in ("paris wrote 11", "tokyo wrote 12", "Neither had seen the other", "The rule lww chose",
                     "turnstone audit revert"):
            self.assertIn(part, text)
        # The command that it names does what it says.
        command = text[text.index("turnstone audit revert"):].splitlines()[0].split()
        lost = "11" if self.paris.call("GET", "story") == "12" else "12"
        done = subprocess.run([cluster.binary(), *command[1:], "--by", "anna"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.cluster.wait_converged()
        self.assertEqual({leader.call("GET", "story") for leader in self.cluster}, {lost})
        record = lines("list", "--key", "story", at=[self.dallas])[0]["id"]

        def chosen(leader):
            return [each["by"] for each in lines("show", record, at=[leader])[0]["settled"]]
        for leader in self.cluster:
            until(lambda: chosen(leader) == ["anna"], 20, "the name on record in " + leader.region)
        # And back again.
        other = "12" if lost == "11" else "11"
        code, _, error = audit("revert", record[:12], "--to", ":" + other, "--by", "ben", at=[self.tokyo])
        self.assertEqual(code, 0, error)
        self.cluster.wait_converged()
        self.assertEqual({leader.call("GET", "story") for leader in self.cluster}, {other})
        for leader in self.cluster:
            until(lambda: chosen(leader) == ["anna", "ben"], 20, "both names on record in " + leader.region)
        self.assertEqual(audit("explain", "nothing", at=[self.paris])[0], 1)

    def test_many_are_reverted_after_they_were_counted(self):
        self.conflict(*[(("SET", "many:%d" % i, "p"), ("SET", "many:%d" % i, "t")) for i in range(20)],
                      *[(("HSET", "many:h", "f%d" % i, "p"), ("HSET", "many:h", "f%d" % i, "t")) for i in range(5)])
        words = ("revert", "--key", "many:*", "--to", "lost")
        before = self.paris.digest()
        code, text, _ = audit(*words, at=[self.paris])
        self.assertEqual(code, 0)
        self.assertIn("25 of 25 conflicts would be reverted", text)
        self.assertEqual(self.paris.digest(), before)
        shown = [self.paris.call("GET", "many:%d" % i) for i in range(20)]
        code, text, error = audit(*words, "--yes", at=[self.paris])
        self.assertEqual(code, 0, error)
        self.cluster.wait_converged()
        for i, value in enumerate(shown):
            self.assertEqual(self.dallas.call("GET", "many:%d" % i), "p" if value == "t" else "t")
        self.assertEqual(audit(*words, "--yes", at=[self.paris])[0], 1)

    def test_values_are_kept_as_it_is_set(self):
        self.paris.options = [*self.paris.options, "--audit-values", "redacted"]
        self.tokyo.options = [*self.tokyo.options, "--audit-values", "truncated", "--audit-value-bytes", "3"]
        for leader in (self.paris, self.tokyo):
            leader.stop()
            leader.start()
        self.conflict((("SET", "secret", "from paris"), ("SET", "secret", "from tokyo")))
        of = lambda leader: lines("list", "--key", "secret", at=[leader])[0]
        self.assertEqual([side["value"] for side in of(self.paris)["values"]], [None, None])
        self.assertEqual([(side["value"], side["value_bytes"]) for side in of(self.tokyo)["values"]], [("fro", 10)] * 2)
        self.assertEqual(of(self.paris)["id"], of(self.dallas)["id"])
        self.assertNotIn("from", json.dumps(of(self.paris)))

    def test_a_scenario_names_both_writes(self):
        self.conflict((("SET", "scene", "p"), ("SET", "scene", "t")))
        record = lines("list", "--key", "scene", at=[self.dallas])[0]
        code, text, error = audit("export", "--scenario", record["id"], at=[self.dallas])
        self.assertEqual(code, 0, error)
        self.assertTrue(text.startswith("turnstone scenario 1\n"))
        self.assertIn("expect %s concurrent_write %s" % (record["id"], record["winner"]), text)

    def test_tables_fit_and_have_colours_only_where_wanted(self):
        self.conflict((("SET", "wide:" + "k" * 90, "価格" * 40), ("SET", "wide:" + "k" * 90, "t" * 200)))
        _, text, _ = audit("list", "--key", "wide:*", at=[self.paris], env={"COLUMNS": "100"})
        self.assertNotIn("\x1b", text)
        self.assertIn("…", text)
        _, text, _ = audit("list", "--key", "wide:*", at=[self.paris], env={"CLICOLOR_FORCE": "1"})
        self.assertIn("\x1b[", text)
        _, text, _ = audit("list", "--key", "wide:*", at=[self.paris], env={"CLICOLOR_FORCE": "1", "NO_COLOR": "1"})
        self.assertNotIn("\x1b", text)
        code, text, _ = audit("export", "--csv", "--key", "wide:*", at=[self.paris])
        self.assertEqual((code, len(text.splitlines())), (0, 2))

    def test_exit_codes(self):
        self.assertEqual(audit("list", "--key", "no such", at=[self.paris])[0], 1)
        self.assertEqual(audit("show", "0" * 32, at=[self.paris])[0], 1)
        for words in ((), ("list",), ("fly",), ("list", "--type", "x"), ("list", "--since", "x"), ("show", "zz")):
            self.assertEqual(audit(*words, at=[self.paris] if words not in ((), ("list",)) else [])[0], 64, words)
        self.assertEqual(audit("list", "--at", "127.0.0.1:%d" % processes.free_ports(1)[0])[0], 69)
        self.assertEqual(audit("list", data=["/nowhere"])[0], 69)

    def test_tail_shows_what_is_found_from_now_on(self):
        tail = subprocess.Popen([cluster.binary(), "audit", "tail", "--json", "--limit", "2", "--since", "1h",
                                 "--key", "tail:*", "--at", "127.0.0.1:%d" % self.dallas.resp_port],
                                stdout=subprocess.PIPE, text=True)
        try:
            self.conflict((("SET", "tail:1", "p"), ("SET", "tail:1", "t")))
            self.conflict((("SET", "tail:2", "p"), ("SET", "tail:2", "t")))
            out, _ = tail.communicate(timeout=60 * processes.PATIENCE)
        finally:
            tail.kill()
            tail.wait()
        self.assertEqual([json.loads(line)["key"] for line in out.splitlines()], ["tail:1", "tail:2"])


if __name__ == "__main__":
    case.main()
