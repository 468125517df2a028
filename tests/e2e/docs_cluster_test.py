"""docs/three-hosts.md is true: whoever copies its blocks gets the cluster that it shows.

All blocks run in order in one bash, in a folder of the test. What console blocks show is compared
line by line; only ages, versions and the cipher are masked, and of the figures that a rate limit
gives, those that are served may differ by a third, those that are refused in any way.
"""

import os
import re

import harness
from harness import SLOW, paths

_DOC = os.path.join(paths.root(), "docs", "three-hosts.md")
_TIME_S = 120  # The page takes less than 40 s.
_SERVED_RATIO = 1.35
_PROGRAMS = {"lb-controlplane": paths.control_plane, "lb-worker": paths.worker, "lbctl": paths.lbctl}


def steps(text):
    """(commands, what they print or None where the page does not say) of the page, in order."""
    found = []
    for kind, block in re.findall(r"^```(\w+)\n(.*?)^```", text, re.S | re.M):
        if kind == "sh":
            found.append((block, None))
        elif kind == "console":
            for command, printed in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.M):
                found.append((command + "\n", printed))
    return found


def masked(text):
    text = re.sub(r"\b(\d+(ms|s|m))+\b", "TIME", text)
    text = re.sub(r"(?<![\d.])\d+\.\d+\.\d+(?![\d.])", "VERSION", text)
    text = re.sub(r"Cipher is \w+", "Cipher is ANY", text)
    text = re.sub(r"\d+ served, [1-9]\d* refused", "SERVED", text)
    return [re.sub(r" +", " ", line).rstrip() for line in text.splitlines()]


def served(text):
    return [int(count) for count in re.findall(r"^(\d+) served", text, re.M)]


class DocsClusterTest(harness.Case):
    def run_all(self, commands):
        """Runs them in one shell that ends at the first that fails: what each printed."""
        programs = os.path.join(self.folder, "bin")
        os.mkdir(programs)
        for name, path in _PROGRAMS.items():
            os.symlink(os.path.realpath(path()), os.path.join(programs, name))
        script = os.path.join(self.folder, "script")
        with open(script, "w", encoding="utf-8") as file:
            file.write("set -e\n")
            for number, block in enumerate(commands):
                file.write("{\n%s} > %s/out-%d 2>&1\n" % (block, self.folder, number))
        # With pids of its own: nothing that it starts outlives it.
        bash = self.start("bash", ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc",
                                   "bash", script],
                          cwd=self.folder, env={"PATH": programs + ":" + os.environ["PATH"]})
        code = bash.wait(_TIME_S * SLOW)
        printed = []
        for number, block in enumerate(commands):
            path = os.path.join(self.folder, "out-%d" % number)
            if not os.path.exists(path):
                break
            with open(path, encoding="utf-8", errors="replace") as file:
                printed.append(file.read())
        self.assertEqual((code, len(printed)), (0, len(commands)),
                         "%s\n%s" % (commands[len(printed) - 1], printed[-1]))
        return printed

    def test_every_block_does_what_stands_there(self):
        with open(_DOC, encoding="utf-8") as file:
            doc = steps(file.read())
        self.assertGreater(len([1 for _, expected in doc if expected]), 7)
        shown = [(command, expected, printed) for (command, expected), printed
                 in zip(doc, self.run_all([command for command, _ in doc])) if expected is not None]
        for command, _, printed in shown:
            self.figure("$ %s%s", command, printed.rstrip())
        for command, expected, printed in shown:
            self.assertEqual(masked(printed), masked(expected), command)
            for have, want in zip(served(printed), served(expected)):
                self.assertLess(max(have, want) / min(have, want), _SERVED_RATIO, command)
        self.assertFalse(os.path.exists(os.path.join(self.folder, "lb-three")))


if __name__ == "__main__":
    harness.main()
