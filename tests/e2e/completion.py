#!/usr/bin/python3
"""What shells offer behind `turnstone`."""
import subprocess
import unittest

import case
import cluster


def run(*words):
    return subprocess.run([cluster.binary(), "completion", *words], capture_output=True, text=True, timeout=30)


class Completion(unittest.TestCase):
    def offered(self, *words):
        """By bash, behind these words; the last one is begun."""
        script = run("bash").stdout + "COMP_WORDS=(\"$@\")\nCOMP_CWORD=$(($# - 1))\n_turnstone\necho \"${COMPREPLY[@]}\"\n"
        done = subprocess.run(["bash", "-c", script, "bash", "turnstone", *words], capture_output=True, text=True, timeout=30)
        self.assertEqual(done.stderr, "")
        return done.stdout.split()

    def test_bash_offers_commands_verbs_and_options(self):
        self.assertEqual(self.offered("re"), ["region", "restore"])
        self.assertEqual(self.offered("audit", "re"), ["revert"])
        self.assertEqual(self.offered("policy", "set", "--m"), ["--merge"])
        self.assertEqual(self.offered("serve", "--jo"), ["--join"])
        self.assertIn("backup", self.offered(""))
        self.assertEqual(self.offered("nonsense", ""), [])

    def test_zsh_and_fish_have_theirs_and_others_do_not(self):
        self.assertIn("bashcompinit", run("zsh").stdout)
        self.assertIn("complete -c turnstone -n '__fish_seen_subcommand_from audit' -f -a explain\n", run("fish").stdout)
        refused = run("tcsh")
        self.assertEqual((refused.returncode, refused.stdout), (64, ""))
        self.assertIn('takes bash, zsh or fish, not "tcsh"', refused.stderr)
        self.assertEqual(run().returncode, 64)


if __name__ == "__main__":
    case.main()
